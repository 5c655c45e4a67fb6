import { createServer, type IncomingMessage, request as sendRequest } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What can happen to one request. Places are shares of the request or the reply, from 0 to 1. */
const KINDS = [
  'resetOnConnect',
  'cutRequest',
  'flipRequest',
  'lostReply',
  'cutReply',
  'stallReply',
  'slowReply',
  'flipReply',
  'truncatedReply',
  'wrongRange',
  'tooMany',
  'slowDown',
  'slowDownFor',
] as const;
export type FaultKind = (typeof KINDS)[number];

export interface SeededFaults {
  readonly port: number;
  /** Lets this share of the requests fail from now on, as the seed decides; 0 for none. `only`: in this way, and so many times. */
  arm(seed: number, share: number, only?: { readonly kind: FaultKind; readonly times: number }): void;
  /** How often each fault has happened. */
  readonly happened: Map<FaultKind, number>;
  stop(): Promise<void>;
}

const OVERLOADED =
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>';
const SLOW_MS = 30;

/**
 * A proxy on loopback in front of an S3 server that breaks requests at random. It takes in each message as a whole, so it is for small
 * ones. Signatures stay valid, because headers are passed on as the client wrote them.
 */
export async function startSeededFaults(targetPort: number): Promise<SeededFaults> {
  const happened = new Map<FaultKind, number>();
  const open = new Set<Socket>();
  let random: Random = randomOf(0);
  let share = 0;
  let chosen: FaultKind | undefined;
  let left = 0;

  const server = createServer((request) => {
    const hit = random() < share && left-- > 0;
    const kind = hit ? (chosen ?? KINDS[Math.floor(random() * KINDS.length)]) : undefined;
    const place = random();
    const { socket } = request;
    const reset = () => socket.resetAndDestroy();
    if (kind) happened.set(kind, (happened.get(kind) ?? 0) + 1);
    if (kind === 'resetOnConnect') {
      reset();
      return;
    }
    // Straight to the socket, past `response`, which knows no wrong replies.
    if (kind === 'tooMany' || kind === 'slowDown' || kind === 'slowDownFor') {
      const status = kind === 'tooMany' ? '429 Too Many Requests' : '503 Slow Down';
      const after = kind === 'slowDownFor' ? 'Retry-After: 1\r\n' : '';
      const text = request.method === 'HEAD' ? '' : OVERLOADED;
      request.resume().on('end', () => {
        socket.write(`HTTP/1.1 ${status}\r\n${after}Content-Length: ${text.length}\r\n\r\n${text}`);
      });
      return;
    }
    void bodyOf(request, kind === 'cutRequest' ? place : null)
      .then((body) => (body ? forward(request, kind === 'flipRequest' ? flipped(body, place) : body) : null))
      .then((reply) => {
        if (!reply || kind === 'lostReply') {
          reset();
          return;
        }
        const text = `${head(reply, kind, place)}\r\n`;
        const end = kind === 'truncatedReply' ? Math.floor(reply.body.length * place) : reply.body.length;
        const body = (kind === 'flipReply' ? flipped(reply.body, place) : reply.body).subarray(0, end);
        const bytes = Buffer.concat([Buffer.from(text, 'latin1'), request.method === 'HEAD' ? Buffer.alloc(0) : body]);
        const until = Math.floor(bytes.length * place);
        if (kind === 'cutReply') socket.write(bytes.subarray(0, until), reset);
        else if (kind === 'stallReply') socket.write(bytes.subarray(0, until));
        else setTimeout(() => socket.write(bytes), kind === 'slowReply' ? SLOW_MS : 0);
      })
      .catch(reset);
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });

  function forward(request: IncomingMessage, body: Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const { method, url: path, headers } = request;
      const upstream = sendRequest({ host: '127.0.0.1', port: targetPort, method, path, headers }, (reply) => {
        bodyOf(reply, null).then(
          (bytes) =>
            resolve({ status: reply.statusCode ?? 0, headers: reply.rawHeaders, body: bytes ?? Buffer.alloc(0) }),
          reject,
        );
      });
      upstream.on('error', reject);
      upstream.end(body);
    });
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    arm(seed, newShare, only) {
      random = randomOf(seed);
      share = newShare;
      chosen = only?.kind;
      left = only?.times ?? Number.POSITIVE_INFINITY;
    },
    happened,
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

interface Reply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

/** All of it; null when it is to be cut at a share of its length. */
async function bodyOf(message: IncomingMessage, cutAt: number | null): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  const limit = cutAt === null ? Number.POSITIVE_INFINITY : Number(message.headers['content-length'] ?? 0) * cutAt;
  let size = 0;
  for await (const piece of message as AsyncIterable<Buffer>) {
    pieces.push(piece);
    size += piece.length;
    if (size >= limit) return null;
  }
  return cutAt === null ? Buffer.concat(pieces) : null;
}

/** A reply that is cut says so in its length, or nobody would be misled. */
function head({ status, headers, body }: Reply, kind: FaultKind | undefined, place: number): string {
  let text = `HTTP/1.1 ${status} OK\r\n`;
  let framed = false;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    let value = headers[i + 1] ?? '';
    if (/^(transfer-encoding|connection|keep-alive)$/i.test(name)) continue;
    if (/^content-length$/i.test(name)) {
      framed = true;
      if (kind === 'truncatedReply') value = String(Math.floor(body.length * place));
    }
    if (/^content-range$/i.test(name) && kind === 'wrongRange') {
      value = value.replace(/(\d+)-(\d+)/, (_, first, last) => `${Number(first) + 1}-${Number(last) + 1}`);
    }
    text += `${name}: ${value}\r\n`;
  }
  if (!framed && status !== 204) {
    text += `Content-Length: ${kind === 'truncatedReply' ? Math.floor(body.length * place) : body.length}\r\n`;
  }
  return text;
}

function flipped(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = Math.floor(copy.length * place);
  if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
