import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What goes wrong with the requests from now on; change it between requests. */
export interface Faults {
  /** Reset the connection after so many bytes of a request. */
  cutRequestAfter: number | null;
  /** Reset the connection after so many bytes of a reply. */
  cutReplyAfter: number | null;
  /** Pass on so many bytes of a reply, then stay silent with the connection open. */
  stallReplyAfter: number | null;
  /** How many more requests the faults above hit; null for all. */
  times: number | null;
  /** Only requests of this method are hit; null for all. */
  method: string | null;
  /** Answer so many next connections with `503 SlowDown`. */
  overloaded: number;
}

export interface FaultProxy {
  readonly port: number;
  readonly faults: Faults;
  /** Connections accepted so far. */
  readonly connections: () => number;
  /** Method and path of every request so far. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

const SLOW_DOWN =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>';

/**
 * A relay of bytes on loopback in front of a server, which fails on request. Signatures stay valid, because the Host header
 * is passed on as the client wrote it.
 */
export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const faults: Faults = {
    cutRequestAfter: null,
    cutReplyAfter: null,
    stallReplyAfter: null,
    times: null,
    method: null,
    overloaded: 0,
  };
  const open = new Set<Socket>();
  const requests: string[] = [];
  let connections = 0;

  const server = createServer((client) => {
    connections++;
    track(client);
    if (faults.overloaded > 0) {
      faults.overloaded--;
      client.once('data', () => client.end(reply503()));
      return;
    }
    const upstream = connect(targetPort, '127.0.0.1');
    track(upstream);
    let method = '';
    let sent = 0;
    let received = 0;
    const cut = () => {
      spend();
      client.resetAndDestroy();
      upstream.destroy();
    };
    client.on('data', (bytes) => {
      const request = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(bytes.toString('latin1', 0, 4096));
      if (request?.[1]) {
        method = request[1];
        requests.push(`${method} ${request[2]}`);
        sent = 0;
        received = 0;
      }
      sent += bytes.length;
      if (active(method) && faults.cutRequestAfter !== null && sent > faults.cutRequestAfter) return cut();
      if (!upstream.write(bytes)) {
        client.pause();
        upstream.once('drain', () => client.resume());
      }
    });
    upstream.on('data', (bytes) => {
      const before = received;
      received += bytes.length;
      if (active(method) && faults.cutReplyAfter !== null && received > faults.cutReplyAfter) {
        client.write(bytes.subarray(0, faults.cutReplyAfter - before), () => cut());
        upstream.pause();
        return;
      }
      if (active(method) && faults.stallReplyAfter !== null && received > faults.stallReplyAfter) {
        client.write(bytes.subarray(0, faults.stallReplyAfter - before));
        spend();
        upstream.pause();
        upstream.removeAllListeners('data');
        return;
      }
      if (!client.write(bytes)) {
        upstream.pause();
        client.once('drain', () => upstream.resume());
      }
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.end());
  });

  function track(socket: Socket): void {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  }
  function active(method: string): boolean {
    return (faults.times === null || faults.times > 0) && (faults.method === null || faults.method === method);
  }
  function spend(): void {
    if (faults.times !== null) faults.times--;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    faults,
    connections: () => connections,
    requests,
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function reply503(): string {
  return `HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nContent-Length: ${SLOW_DOWN.length}\r\nConnection: close\r\n\r\n${SLOW_DOWN}`;
}
