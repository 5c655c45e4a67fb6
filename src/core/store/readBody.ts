import type { Readable } from 'node:stream';
import { throwIfCancelled } from '../errors';

/**
 * The bytes of a reply. The timeouts and the signal of a request end with the headers of its reply; these are for the body: a
 * silence of `idleMs` milliseconds is an error (TimeoutError), as is a cancel. The body is destroyed in the end, read or not.
 *
 * @example
 * for await (const piece of readBody(answer, 60_000, signal)) hash.update(piece);
 */
export async function* readBody(
  body: Readable,
  idleMs: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const stop = () => body.destroy(new Error('Cancelled.'));
  const silent = () => body.destroy(Object.assign(new Error('No byte came in time.'), { name: 'TimeoutError' }));
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  let timer: NodeJS.Timeout | undefined;
  signal?.addEventListener('abort', stop);
  try {
    for (;;) {
      throwIfCancelled(signal);
      timer = setTimeout(silent, idleMs);
      const next = await pieces.next();
      clearTimeout(timer);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    body.destroy();
  }
}
