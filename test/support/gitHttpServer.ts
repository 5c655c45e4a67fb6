import { execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { git } from './gitFixture';

/** What the server does with a request before (or instead of) handing it to git. */
export type Answer =
  | { readonly kind: 'serve' }
  /** Waits, then serves. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Answers with this status and no git. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  /** Lets git do all of its work, then drops the connection without the answer. */
  | { readonly kind: 'dropAnswer' }
  /** Drops the connection at once. */
  | { readonly kind: 'drop' };

export interface GitHttpServer {
  /** Address of the repository. */
  readonly url: string;
  /** Method and path of every request so far. */
  readonly requests: readonly string[];
  /** Decides about each request; all are served when null. */
  intercept: ((request: string) => Answer) | null;
  close(): Promise<void>;
}

export interface GitHttpServerOptions {
  /** Refuse whoever doesn't send these. */
  readonly credentials?: { readonly user: string; readonly password: string };
}

/** A real `git http-backend` for one bare repository, on loopback. Asynchronous: client and server share this process. */
export async function gitHttpServer(bareDir: string, options: GitHttpServerOptions = {}): Promise<GitHttpServer> {
  const backend = `${execFileSync('git', ['--exec-path']).toString().trim()}/git-http-backend`;
  const requests: string[] = [];
  const state: { intercept: GitHttpServer['intercept'] } = { intercept: null };
  const expected =
    options.credentials &&
    `Basic ${Buffer.from(`${options.credentials.user}:${options.credentials.password}`).toString('base64')}`;

  const serve = (request: IncomingMessage, response: ServerResponse, dropAnswer: boolean): void => {
    const url = new URL(request.url ?? '/', 'http://loopback');
    const child = spawn(backend, [], {
      env: {
        ...git.env,
        GIT_PROJECT_ROOT: bareDir,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname.replace(/^\/repo\.git/, ''),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_USER: 'tester',
      },
    });
    request.pipe(child.stdin);
    child.stdin.on('error', () => {});
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.resume();
    child.on('close', () => {
      if (dropAnswer) {
        request.socket.destroy();
        return;
      }
      const answer = Buffer.concat(output);
      const end = answer.indexOf('\r\n\r\n');
      for (const line of answer.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(/: (.*)/);
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.end(answer.subarray(end + 4));
    });
  };

  const server = createServer((request, response) => {
    const name = `${request.method} ${request.url}`;
    requests.push(name);
    if (expected && request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    const answer = state.intercept?.(name) ?? { kind: 'serve' };
    if (answer.kind === 'drop') request.socket.destroy();
    else if (answer.kind === 'status') response.writeHead(answer.status).end(answer.body ?? '');
    else if (answer.kind === 'delay') setTimeout(() => serve(request, response, false), answer.ms).unref();
    else serve(request, response, answer.kind === 'dropAnswer');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/repo.git`,
    requests,
    get intercept() {
      return state.intercept;
    },
    set intercept(next) {
      state.intercept = next;
    },
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
