import { type Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createDirectRange } from './directRange';
import type { Network } from './httpAgents';
import type { ByteRange } from './objectStore';

/** What to ask for, and how to say it, for `http.request`. */
export interface HttpAddress {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number | string | undefined;
  /** With the query. */
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
}

export interface HttpRangeRequest extends HttpAddress {
  readonly agent: Agent;
  readonly range: ByteRange;
  /** As long as the range. */
  readonly buffer: Buffer;
  /** Milliseconds until a new connection must be there. */
  readonly connectMs: number;
  /** Milliseconds without a byte after which the reply counts as stuck. */
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The best way to ask for ranges at an address: over connections of our own, unless a proxy is in between, or something else looks after
 * connections, as VS Code does.
 *
 * @example
 * const receive = createReceiveRange(new URL(endpoint), network);
 */
export function createReceiveRange(
  address: URL,
  { proxyFor, patched }: Network = {},
): (request: HttpRangeRequest) => Promise<number> {
  return patched || proxyFor?.(address) ? receiveRange : createDirectRange();
}

/**
 * Asks for a range of an object and takes the bytes straight from the connection to their place, which costs half of what a stream
 * does. Resolves to the number of bytes that came before the reply ended, for whatever reason: a reply that is not exactly the range
 * gives none, a broken one what it brought. It never rejects and never asks twice: whoever called it gets the rest in a slower way
 * that knows every error.
 *
 * @example
 * const filled = await receiveRange({ ...address, agent, range: { first: 0, last: 8388607 }, buffer, connectMs, idleMs, signal });
 */
export function receiveRange(options: HttpRangeRequest): Promise<number> {
  const { protocol, hostname, port, path, headers, agent, range, buffer, connectMs, idleMs, signal } = options;
  const isSecure = protocol === 'https:';
  return new Promise((resolve) => {
    let filled = 0;
    const send = isSecure ? httpsRequest : httpRequest;
    const wanted = { ...headers, range: `bytes=${range.first}-${range.last}` };
    const sent = send({ protocol, hostname, port, path, agent, headers: wanted });
    const stop = (): void => void sent.destroy(new Error('Stopped.'));
    let timer = setTimeout(stop, connectMs);
    const settle = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      resolve(filled);
    };
    const connected = (): void => {
      clearTimeout(timer);
      timer = setTimeout(stop, idleMs);
    };
    sent.on('socket', (socket) => {
      if (socket.connecting) socket.once(isSecure ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    sent.on('response', (reply) => {
      if (!isExactly(reply, range)) return stop();
      reply.on('data', (bytes: Buffer) => {
        if (filled + bytes.length > buffer.length) return stop();
        filled += bytes.copy(buffer, filled);
        timer.refresh();
      });
      reply.on('error', () => undefined); // `close` follows
    });
    sent.on('error', () => undefined);
    sent.on('close', settle);
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    sent.end();
  });
}

function isExactly({ statusCode, headers }: IncomingMessage, { first, last }: ByteRange): boolean {
  const encoding = headers['content-encoding'] ?? 'identity';
  return (
    statusCode === 206 &&
    headers['content-range']?.startsWith(`bytes ${first}-${last}/`) === true &&
    headers['content-length'] === String(last - first + 1) &&
    encoding === 'identity'
  );
}
