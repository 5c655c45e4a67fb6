import type { IncomingMessage } from 'node:http';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import type { Network } from './httpAgents';
import { createHttpClient, type HttpClient } from './httpClient';
import { rangeBehindEnd } from './objectErrors';
import { checkKey } from './objectKey';
import type { GetOptions, ObjectInfo, ObjectStore, StoreCheck } from './objectStore';
import { readBody } from './readBody';
import { createReadInto } from './readInto';
import { pause, type RetryPolicy } from './retry';

export interface HttpStoreOptions {
  /** The address that keys are put behind, such as `https://data.example.org/energy`. */
  readonly url: string;
  readonly network?: Network | undefined;
  /** Milliseconds until the headers of a reply must be there; 30 s unless given. */
  readonly connectMs?: number;
  /** Milliseconds without a byte after which a reply counts as stuck; 60 s unless given. */
  readonly idleMs?: number;
  readonly retry?: RetryPolicy;
}

/** A connection that lasted for so many bytes was worth it: the count of failures starts again. */
const GOOD_PROGRESS_BYTES = 1 << 20;

/**
 * The objects of a store as a web site shows them to everybody (`publicUrl`): to read, without credentials. An object is at the
 * address of the store, a slash, and its key with each segment percent-encoded.
 *
 * Nothing that comes is believed: whoever downloads compares the SHA-256 with the manifest. Redirects are followed to https only.
 * Writing and listing throw STORE_REFUSED.
 *
 * @example
 * const store = createHttpStore({ url: 'https://data.example.org/energy' });
 */
export function createHttpStore(options: HttpStoreOptions): ObjectStore {
  const client = createHttpClient(options);
  const location = client.base;
  const head = async (key: string, { signal }: Monitor = {}): Promise<ObjectInfo | null> => {
    throwIfCancelled(signal);
    checkKey(key);
    try {
      const answer = await client.request('HEAD', key, { signal });
      answer.resume();
      const size = Number(answer.headers['content-length'] ?? Number.NaN);
      if (!Number.isSafeInteger(size)) throw noLength(key, location);
      return { key, size, sha256: null, inParts: /\bbytes\b/.test(answer.headers['accept-ranges'] ?? '') };
    } catch (error) {
      if (DataManagerError.is(error, 'OBJECT_MISSING')) return null;
      throw error;
    }
  };
  const get: ObjectStore['get'] = (key, getOptions = {}) => download(client, key, getOptions);
  const readInto = createReadInto(client.quickRead, get);
  return {
    kind: 'http',
    location,
    head,
    get,
    async readInto(key, range, buffer, readOptions) {
      checkKey(key);
      return readInto(key, range, buffer, readOptions);
    },
    put: async (key) => refuse(key, location, 'written'),
    delete: async (key) => refuse(key, location, 'deleted'),
    // biome-ignore lint/correctness/useYield: it has nothing to give
    async *list(prefix) {
      refuse(prefix, location, 'listed');
    },
    verify: async ({ signal } = {}) =>
      verifyPublic(location, () => head(`datamanager-probe-${Date.now()}`, { signal })),
  };
}

async function* download(client: HttpClient, key: string, options: GetOptions): AsyncGenerator<Uint8Array> {
  const { range, signal, onProgress, onRetry } = options;
  throwIfCancelled(signal);
  checkKey(key);
  const first = range?.first ?? 0;
  let at = first;
  let seen: Reply | null = null;
  for (let failures = 0; ; ) {
    const startedAt = at;
    try {
      const end: number | null = seen?.end ?? null;
      const last = end === null ? range?.last : end - 1;
      const partial = range !== undefined || at > 0;
      const wanted = partial ? { range: `bytes=${at}-${last ?? ''}` } : {};
      const answer = await client.request('GET', key, { signal, headers: wanted, onRetry });
      const reply = understand(answer, { key, at, first, last, partial });
      if (seen && (seen.mark !== reply.mark || (seen.end !== null && seen.end !== reply.end))) {
        answer.destroy();
        throw replaced(key);
      }
      seen = reply;
      let { skip } = reply;
      for await (const piece of readBody(answer, client.idleMs, signal)) {
        let bytes = piece.subarray(Math.min(skip, piece.length));
        skip -= piece.length - bytes.length;
        if (reply.end !== null) bytes = bytes.subarray(0, reply.end - at);
        if (bytes.length === 0) continue;
        at += bytes.length;
        yield bytes;
        onProgress?.({ phase: 'download', done: at - first, total: reply.end === null ? null : reply.end - first });
        if (at === reply.end) return;
      }
      if (reply.end === null || at === reply.end) return;
      throw Object.assign(new Error('The reply ended early.'), { code: 'ECONNRESET' });
    } catch (error) {
      throwIfCancelled(signal);
      failures = at - startedAt >= GOOD_PROGRESS_BYTES ? 1 : failures + 1;
      if (!client.isTransient(error) || failures >= client.retry.attempts) throw client.error(error, key);
      onRetry?.(error);
      await pause(failures, client.retry, signal);
    }
  }
}

/** What a reply says about the object, and how much of it comes before the bytes that were asked for. */
interface Reply {
  /** Where the bytes that were asked for end; null when the server does not say. */
  readonly end: number | null;
  /** Tells one content of an address from the next. */
  readonly mark: string;
  readonly skip: number;
}

function understand(
  answer: IncomingMessage,
  {
    key,
    at,
    first,
    last,
    partial,
  }: { key: string; at: number; first: number; last: number | undefined; partial: boolean },
): Reply {
  const { headers, statusCode } = answer;
  const mark = headers.etag ?? headers['last-modified'] ?? '';
  const length = headers['content-length'] === undefined ? null : Number(headers['content-length']);
  if (statusCode === 416) {
    answer.destroy();
    throw rangeBehindEnd(key, at);
  }
  if (!partial) return { end: length, mark, skip: 0 };
  const range = /^bytes (\d+)-(\d+)\//.exec(headers['content-range'] ?? '');
  if (statusCode === 206 && range && Number(range[1]) === at) return { end: Number(range[2]) + 1, mark, skip: 0 };
  // It sends the object from its start. What comes before is dropped only when little is lost by it: the whole was wanted.
  if (statusCode === 200 && first === 0) {
    return { end: length === null || last === undefined ? length : Math.min(length, last + 1), mark, skip: at };
  }
  answer.destroy();
  throw new DataManagerError('STORE_FAILED', `The server doesn't send parts of objects, as asked for ${key}.`, {
    hint: 'Serve the objects with a web server that knows the header "Range".',
    data: { key, contentRange: headers['content-range'] ?? null },
  });
}

async function verifyPublic(location: string, probe: () => Promise<unknown>): Promise<readonly StoreCheck[]> {
  const only = 'Not possible: this is the public address, which is for reading.';
  const readOnly = (['write', 'delete'] as const).map((check) => ({ check, ok: false, detail: only, code: null }));
  const list: StoreCheck = { check: 'list', ok: false, detail: only, code: null };
  try {
    await probe();
    const read: StoreCheck = { check: 'read', ok: true, detail: 'Objects can be read by their keys.', code: null };
    return [{ check: 'reach', ok: true, detail: `${location} answers.`, code: null }, list, read, ...readOnly];
  } catch (error) {
    if (!DataManagerError.is(error) || error.code === 'CANCELLED') throw error;
    const detail = [error.message, error.hint].filter(Boolean).join(' ');
    const read: StoreCheck = { check: 'read', ok: false, detail, code: error.code };
    return [{ check: 'reach', ok: false, detail, code: error.code }, list, read, ...readOnly];
  }
}

function refuse(key: string, location: string, done: string): never {
  throw new DataManagerError('STORE_REFUSED', `Nothing can be ${done} at ${location}: it is the public address.`, {
    hint: 'Set the credentials of the bucket.',
    data: { key },
  });
}

function noLength(key: string, location: string): DataManagerError {
  return new DataManagerError('STORE_FAILED', `${location} does not say how long ${key} is.`, {
    hint: 'Check publicUrl in .datamanager.json: the server has to send the header "Content-Length".',
    data: { key },
  });
}

function replaced(key: string): DataManagerError {
  return new DataManagerError('STORE_FAILED', `The object ${key} was replaced while it was being read.`, {
    hint: 'Objects must never be overwritten: find out what writes to this address.',
    data: { key },
  });
}
