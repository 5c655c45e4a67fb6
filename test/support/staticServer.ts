import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
}

export interface StaticServer {
  readonly port: number;
  readonly url: string;
  readonly requests: SeenRequest[];
  stop(): Promise<void>;
}

/** Any HTTP server on loopback, which notes what it is asked. Stop it in an `after` hook. */
export async function startServer(answer: RequestListener, tls?: ServerOptions): Promise<StaticServer> {
  const requests: SeenRequest[] = [];
  const listener: RequestListener = (request, response) => {
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    request.resume();
    answer(request, response);
  };
  const server: Server = tls ? createTlsServer(tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** A web site of the files below a folder, as nginx and the like serve them: with ranges, unless told otherwise. */
export function filesOf(folder: string, { ranges = true }: { readonly ranges?: boolean } = {}): RequestListener {
  return (request, response) => {
    const file = join(folder, decodeURIComponent((request.url ?? '').slice(1)));
    const stats = existsSync(file) ? statSync(file) : null;
    if (!stats?.isFile()) return end(response, 404);
    const tag = { etag: `"${stats.ino}-${stats.size}-${stats.mtimeMs}"`, ...(ranges && { 'accept-ranges': 'bytes' }) };
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec((ranges && request.headers.range) || '') ?? [];
    const first = Number(from ?? 0);
    if (from !== undefined && first >= stats.size) return end(response, 416);
    const last = Math.min(to ? Number(to) : stats.size - 1, stats.size - 1);
    const partial = from !== undefined && { 'content-range': `bytes ${first}-${last}/${stats.size}` };
    response.writeHead(partial ? 206 : 200, { ...tag, ...partial, 'content-length': last - first + 1 });
    if (request.method === 'HEAD' || stats.size === 0) response.end();
    else createReadStream(file, { start: first, end: last }).pipe(response);
  };
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end();
}
