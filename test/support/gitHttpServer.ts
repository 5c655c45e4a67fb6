import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { git } from './gitFixture';

/** What the server does with a request before (or instead of) handing it to git. */
export type Answer =
  | { readonly kind: 'serve' }
  /** Waits, then serves. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Answers with this status and no git. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** Accepts the request and never answers. */
  | { readonly kind: 'stall' }
  /** Lets git do all of its work, then drops the connection without the answer. */
  | { readonly kind: 'dropAnswer' }
  /** Drops the connection at once. */
  | { readonly kind: 'drop' };

export interface GitHttpServer {
  /** Address of the repository. */
  readonly url: string;
  /** Method and path of every request so far. */
  readonly requests: readonly string[];
  /** The `authorization` header of each of them, '' for none. */
  readonly authorizations: readonly string[];
  /** Decides about each request; all are served when null. */
  intercept: ((request: string) => Answer) | null;
  /** Connections that are open now. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

export interface GitHttpServerOptions {
  /** Refuse whoever doesn't send these. */
  readonly credentials?: { readonly user: string; readonly password: string };
  /** PEM; the server speaks TLS when they are given. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A real `git http-backend` for one bare repository, under any name that ends in `.git`, on loopback. Asynchronous: client and server share this process. */
export async function gitHttpServer(bareDir: string, options: GitHttpServerOptions = {}): Promise<GitHttpServer> {
  const backend = `${execFileSync('git', ['--exec-path']).toString().trim()}/git-http-backend`;
  const requests: string[] = [];
  const authorizations: string[] = [];
  const running = new Set<ChildProcess>();
  const state: { intercept: GitHttpServer['intercept'] } = { intercept: null };
  const expected =
    options.credentials &&
    `Basic ${Buffer.from(`${options.credentials.user}:${options.credentials.password}`).toString('base64')}`;

  const serve = (request: IncomingMessage, response: ServerResponse, dropAnswer: boolean): void => {
    if (request.socket.destroyed) return; // the client left during a delay
    const url = new URL(request.url ?? '/', 'http://loopback');
    const child = spawn(backend, [], {
      env: {
        ...git.env,
        GIT_PROJECT_ROOT: bareDir,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname.replace(/^\/[^/]+\.git/, ''),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        REMOTE_USER: 'tester',
      },
    });
    running.add(child);
    request.pipe(child.stdin);
    request.on('close', () => {
      if (!request.complete) child.stdin.destroy(); // the client is gone: git would wait for the rest for ever
    });
    child.stdin.on('error', () => {});
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.resume();
    child.on('close', () => {
      running.delete(child);
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

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const name = `${request.method} ${request.url}`;
    requests.push(name);
    authorizations.push(request.headers.authorization ?? '');
    if (expected && request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
      return;
    }
    const how = state.intercept?.(name) ?? { kind: 'serve' };
    if (how.kind === 'drop') request.socket.destroy();
    else if (how.kind === 'stall') request.resume();
    else if (how.kind === 'status') response.writeHead(how.status, how.headers).end(how.body ?? '');
    else if (how.kind === 'delay') setTimeout(() => serve(request, response, false), how.ms).unref();
    else serve(request, response, how.kind === 'dropAnswer');
  };
  const server = options.tls ? createTlsServer(options.tls, answer) : createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/repo.git`,
    requests,
    authorizations,
    get intercept() {
      return state.intercept;
    },
    set intercept(next) {
      state.intercept = next;
    },
    connections: () =>
      new Promise((done, fail) => server.getConnections((error, count) => (error ? fail(error) : done(count)))),
    close() {
      server.closeAllConnections();
      for (const child of running) child.kill();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
