import { createServer, request as httpRequest } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ForwardProxy {
  readonly port: number;
  /** What it was asked for: `CONNECT host:443`, or a method and a whole address. */
  readonly seen: string[];
  /** The logins that came with it. */
  readonly logins: (string | undefined)[];
  stop(): Promise<void>;
}

/** A web proxy as companies have them; whatever host is asked for, it leads to this port of loopback. */
export async function startForwardProxy(target: number): Promise<ForwardProxy> {
  const seen: string[] = [];
  const logins: (string | undefined)[] = [];
  const open = new Set<Socket>();
  const proxy = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    logins.push(request.headers['proxy-authorization']);
    const { pathname, search } = new URL(request.url ?? '', 'http://nowhere.invalid');
    const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers;
    const onward = { host: '127.0.0.1', port: target, method: request.method, path: pathname + search, headers };
    const sent = httpRequest(onward, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    sent.on('error', () => response.destroy());
    request.pipe(sent);
  });
  proxy.on('connect', (request, client: Socket) => {
    seen.push(`CONNECT ${request.url}`);
    logins.push(request.headers['proxy-authorization']);
    const server = connect(target, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Fine\r\n\r\n');
      client.pipe(server).pipe(client);
    });
    for (const socket of [client, server]) {
      open.add(socket);
      socket.on('error', () => socket.destroy());
    }
  });
  await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
  return {
    port: (proxy.address() as AddressInfo).port,
    seen,
    logins,
    stop: () => {
      for (const socket of open) socket.destroy();
      proxy.closeAllConnections();
      return new Promise((done) => proxy.close(() => done()));
    },
  };
}
