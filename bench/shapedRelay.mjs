// A relay of bytes on loopback: counts them, and makes the way as slow and as long as it is told.
//   node bench/shapedRelay.mjs PORT [MBIT/S MS]      MS of a round trip
// Kernels without netem can't delay packets, so this is done here: one token bucket for each direction, shared by all
// connections; half the round trip each way; a whole one before the first byte of a connection, which TCP's handshake takes.
// Without loss and without TCP's slow start, so a real line is slower. Writes its port as the first line; a line on stdin
// makes it write what was relayed since the last one; ends with its stdin.
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const [port = 0, megabits = 0, roundTrip = 0] = process.argv.slice(2).map(Number);
const bytesAMillisecond = (megabits * 1e6) / 8 / 1000;
/** What may be on its way for one connection: more than 100 Mbit/s x 50 ms. */
const WINDOW = 1 << 20;

const counts = { sent: 0, received: 0, requests: 0 };
const up = lane();
const down = lane();

const server = createServer({ noDelay: true, highWaterMark: 1 << 17 }, (client) => {
  const upstream = connect(Number(port), '127.0.0.1').setNoDelay();
  for (const socket of [client, upstream]) socket.on('error', () => {});
  client.on('data', (bytes) => {
    counts.sent += bytes.length;
    if (/^(GET|PUT|POST|HEAD|DELETE) \S+ HTTP\/1\.1\r\n/.test(bytes.toString('latin1', 0, 4096))) counts.requests++;
  });
  upstream.on('data', (bytes) => {
    counts.received += bytes.length;
  });
  carry(client, upstream, up, performance.now() + roundTrip);
  carry(upstream, client, down, 0);
});
server.listen(0, '127.0.0.1', () => console.log(/** @type {import('node:net').AddressInfo} */ (server.address()).port));

createInterface({ input: process.stdin })
  .on('line', () => {
    console.log(JSON.stringify(counts));
    Object.assign(counts, { sent: 0, received: 0, requests: 0 });
  })
  .on('close', () => process.exit(0));

/** The clock of one direction: when the next byte may go. */
function lane() {
  let free = 0;
  /** @param {number} bytes */
  return (bytes) => {
    if (bytesAMillisecond === 0) return performance.now();
    free = Math.max(free, performance.now()) + bytes / bytesAMillisecond;
    return free;
  };
}

/**
 * @param {import('node:net').Socket} from
 * @param {import('node:net').Socket} to
 * @param {(bytes: number) => number} lane
 * @param {number} notBefore
 */
function carry(from, to, lane, notBefore) {
  /** @type {{ bytes: Buffer | null, at: number }[]} */
  const queue = [];
  let waiting = 0;
  let blocked = false;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const pump = () => {
    timer = undefined;
    for (let next = queue[0]; next !== undefined && !blocked; next = queue[0]) {
      const wait = next.at - performance.now();
      if (wait > 0.5) {
        timer = setTimeout(pump, wait);
        return;
      }
      queue.shift();
      if (next.bytes === null) {
        to.end();
        continue;
      }
      waiting -= next.bytes.length;
      if (waiting < WINDOW) from.resume();
      if (!to.write(next.bytes)) {
        blocked = true;
        to.once('drain', () => {
          blocked = false;
          pump();
        });
      }
    }
  };
  /** @param {Buffer | null} bytes */
  const add = (bytes) => {
    queue.push({ bytes, at: Math.max(lane(bytes?.length ?? 0), notBefore) + roundTrip / 2 });
    if (!timer && !blocked) pump();
  };
  from.on('data', (bytes) => {
    waiting += bytes.length;
    if (waiting >= WINDOW) from.pause();
    add(bytes);
  });
  from.on('end', () => add(null));
  from.on('close', () => {
    if (!from.readableEnded) to.destroy();
  });
}
