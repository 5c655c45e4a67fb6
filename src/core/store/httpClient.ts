import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import { createAgents, type Network } from './httpAgents';
import { createReceiveRange } from './httpRange';
import { isTransientNetworkCode, networkError, proxyLogin } from './networkErrors';
import { objectMissing } from './objectErrors';
import type { QuickRead } from './readInto';
import { DEFAULT_RETRY, type RetryPolicy, withRetry } from './retry';

/** Compressed, the length and the ranges would be those of other bytes. */
const HEADERS = { 'accept-encoding': 'identity', 'user-agent': 'datamanager' } as const;
const MAX_REDIRECTS = 5;
const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504]);

export interface HttpClient {
  /** Without a slash at its end. */
  readonly base: string;
  readonly idleMs: number;
  readonly retry: RetryPolicy;
  /**
   * The reply to a request for a key, its body unread, with status 200, 206 or 416. Throws OBJECT_MISSING, STORE_REFUSED, STORE_FAILED,
   * STORE_UNREACHABLE, CANCELLED.
   */
  request(method: 'GET' | 'HEAD', key: string, options: RequestOptions): Promise<IncomingMessage>;
  isTransient(error: unknown): boolean;
  error(error: unknown, key: string): unknown;
  readonly quickRead: QuickRead;
}

interface RequestOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly signal?: AbortSignal | undefined;
  /** Called with each failure that will be tried again. */
  readonly onRetry?: ((error: unknown) => void) | undefined;
}

/** A reply that says nothing for good: worth another try. */
class BusyServer extends Error {
  constructor(
    readonly status: number,
    readonly retryAfter: string | undefined,
  ) {
    super(`The server answered ${status}.`);
  }
}

/**
 * Plain requests to one web site. Sends no credentials and no cookies, also not after a redirect.
 *
 * @example
 * const answer = await createHttpClient({ url }).request('GET', key, { signal });
 */
export function createHttpClient(options: {
  readonly url: string;
  readonly network?: Network | undefined;
  readonly connectMs?: number;
  readonly idleMs?: number;
  readonly retry?: RetryPolicy;
}): HttpClient {
  const base = options.url.replace(/\/+$/, '');
  const agentFor = createAgents(options.network);
  const retry = options.retry ?? DEFAULT_RETRY;
  const connectMs = options.connectMs ?? 30_000;
  const idleMs = options.idleMs ?? 60_000;
  const addressOf = (key: string): URL => new URL(`${base}/${key.split('/').map(encodeURIComponent).join('/')}`);
  const receive = createReceiveRange(new URL(base), options.network);

  const send = (method: string, url: URL, { headers, signal }: RequestOptions): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const start = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const sent = start(url, {
        method,
        agent: agentFor(url),
        headers: { ...HEADERS, ...headers },
        ...(signal ? { signal } : {}),
      });
      const slow = () =>
        sent.destroy(Object.assign(new Error('No answer in time.'), { name: 'TimeoutError', code: 'ETIMEDOUT' }));
      const timer = setTimeout(slow, connectMs);
      sent.once('response', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      sent.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      sent.end();
    });

  const follow = async (method: string, key: string, request: RequestOptions): Promise<IncomingMessage> => {
    let url = addressOf(key);
    for (let hops = 0; ; hops++) {
      const answer = await send(method, url, request);
      const target = redirectOf(answer);
      if (target === null) return judge(answer, url, key);
      answer.resume();
      url = nextAddress(url, target, hops, base);
    }
  };

  const isTransient = (error: unknown): boolean =>
    error instanceof BusyServer || isTransientNetworkCode(systemCode(error) ?? '');
  const describe = (error: unknown, key: string): unknown => {
    if (error instanceof BusyServer) {
      return new DataManagerError('STORE_FAILED', `${base} is overloaded or out of order (${error.status}).`, {
        hint: 'Try again in a few minutes.',
        data: { key, status: error.status },
      });
    }
    return networkError(error, { address: base, data: { key, system: systemCode(error) ?? null } }) ?? error;
  };
  return {
    base,
    idleMs,
    retry,
    isTransient,
    error: describe,
    quickRead(key, range, buffer, signal) {
      const url = addressOf(key);
      const { protocol, hostname, port, pathname } = url;
      const address = { protocol, hostname, port: port || undefined, path: pathname + url.search, headers: HEADERS };
      return receive({ ...address, agent: agentFor(url), range, buffer, connectMs, idleMs, signal });
    },
    async request(method, key, request) {
      try {
        return await withRetry(() => follow(method, key, request), {
          policy: retry,
          isTransient,
          retryAfter: (error) => (error instanceof BusyServer ? error.retryAfter : undefined),
          signal: request.signal,
          onRetry: request.onRetry,
        });
      } catch (error) {
        throwIfCancelled(request.signal);
        throw describe(error, key);
      }
    },
  };
}

function redirectOf({ statusCode, headers }: IncomingMessage): string | null {
  return [301, 302, 303, 307, 308].includes(statusCode ?? 0) ? (headers.location ?? '') : null;
}

function nextAddress(from: URL, location: string, hops: number, base: string): URL {
  const wrong = (why: string): DataManagerError =>
    new DataManagerError('STORE_REFUSED', `${base} sends us elsewhere: ${why}.`, {
      hint: 'Check publicUrl in .datamanager.json.',
      data: { host: from.host, hops },
    });
  if (hops >= MAX_REDIRECTS) throw wrong('from one address to the next without end');
  const url = URL.canParse(location, from.href) ? new URL(location, from) : null;
  if (!url) throw wrong('to no address');
  if (url.protocol !== 'https:') throw wrong('to an address without https');
  if (url.username !== '' || url.password !== '') throw wrong('to an address with a user name');
  return url;
}

/** Passes on a reply that can be the object. */
function judge(answer: IncomingMessage, url: URL, key: string): IncomingMessage {
  const { statusCode: status = 0, headers } = answer;
  const isObject = status === 200 || status === 206;
  if (
    status === 416 ||
    (isObject && !isWebPage(headers['content-type'], key) && !isEncoded(headers['content-encoding']))
  )
    return answer;
  answer.destroy();
  const data = { key, host: url.host, status };
  if (status === 404 || status === 410) throw objectMissing(key, url.origin);
  if (status === 407) throw proxyLogin(null);
  if (TRANSIENT_STATUS.has(status)) throw new BusyServer(status, headers['retry-after']);
  if (status === 401 || status === 403) {
    throw new DataManagerError('STORE_REFUSED', `${url.host} does not show ${key} to everybody (${status}).`, {
      hint: 'It may not be there, or not be public: check publicUrl in .datamanager.json, or set the credentials of the bucket.',
      data,
    });
  }
  if (isObject && isEncoded(headers['content-encoding'])) {
    throw new DataManagerError(
      'STORE_FAILED',
      `${url.host} changes the bytes on their way (${headers['content-encoding']}).`,
      {
        hint: 'Turn off compression for the objects at this address.',
        data,
      },
    );
  }
  if (isObject) {
    throw new DataManagerError('STORE_FAILED', `${url.host} answered with a web page instead of ${key}.`, {
      hint: 'The network may ask for a login (open any page in a browser), or publicUrl in .datamanager.json is another site.',
      data,
    });
  }
  throw new DataManagerError('STORE_FAILED', `${url.host} answered ${status} when asked for ${key}.`, {
    hint: 'Check publicUrl in .datamanager.json.',
    data,
  });
}

/** The login page of a hotel's network, or a site that shows its start page for whatever it doesn't know. */
function isWebPage(contentType: string | undefined, key: string): boolean {
  return /^\s*(text\/html|application\/xhtml)/i.test(contentType ?? '') && !/\.x?html?$/i.test(key);
}

function isEncoded(contentEncoding: string | undefined): boolean {
  return contentEncoding !== undefined && contentEncoding !== '' && contentEncoding !== 'identity';
}
