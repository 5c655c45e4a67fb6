import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

export interface SlowRelay {
  readonly port: number;
  /** Bytes a second and direction, of each connection; null for as fast as it goes. Change it at any time. */
  bytesPerSecond: number | null;
  stop(): Promise<void>;
}

/** A relay on loopback in front of a server, as slow as a test wants to watch. */
export async function startSlowRelay(targetPort: number, bytesPerSecond: number | null): Promise<SlowRelay> {
  const open = new Set<Socket>();
  const track = (socket: Socket): void => {
    open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    for (const socket of [client, upstream]) track(socket);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(slowed(relay)).pipe(upstream);
    upstream.pipe(slowed(relay)).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: SlowRelay = {
    port: (server.address() as AddressInfo).port,
    bytesPerSecond,
    stop: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
  return relay;
}

function slowed(relay: SlowRelay): Transform {
  return new Transform({
    transform(piece: Buffer, _, done) {
      const { bytesPerSecond } = relay;
      if (bytesPerSecond === null) done(null, piece);
      else setTimeout(() => done(null, piece), (1000 * piece.length) / bytesPerSecond);
    },
  });
}
