import type { HttpClient } from 'isomorphic-git';
import { DataManagerError, throwIfCancelled } from '../../errors';
import { type Credentials, type Login, maySendSecret } from './credentials';
import type { RemoteFailure, Within } from './gitRemote';
import { type HttpAnswer, httpExchange } from './httpExchange';
import { failureOf, statusFailure, Unanswered } from './httpFailure';
import { plainAddress, showable } from './serverText';

export interface LineOptions {
  readonly credentials?: Credentials | undefined;
  /** Certificates to trust instead of Node's, PEM. */
  readonly ca?: string | undefined;
}

/** What isomorphic-git is given for one exchange. */
export interface Line {
  readonly http: HttpClient;
  readonly url: string;
  readonly corsProxy: '';
  onAuth(): Promise<Login | undefined>;
  /** A request of our own, signed in as the one before. */
  post(service: string, body: Buffer): Promise<Buffer>;
}

/** The first request was redirected to another address of the same kind: it is asked there, from the beginning. */
class Redirected extends Error {
  constructor(readonly to: string) {
    super('redirected');
  }
}

type HttpHeaders = Readonly<Record<string, string>>;

const MAX_REDIRECTS = 3;

export type Exchanged<T> = { readonly secrets: readonly string[] } & (
  | { readonly value: T; readonly movedTo?: string }
  /** `reported`: the server has looked at the ref and said no. */
  | { readonly failure: RemoteFailure; readonly reported: boolean }
);

/**
 * Runs one exchange with a server within its time, following redirects of its first request. A failure is a result.
 *
 * Throws CANCELLED, unless a push may have reached the server by then.
 *
 * @example
 * const answer = await exchange({ credentials }, url, { timeoutMs: 60_000 }, (line) => listServerRefs(line));
 */
export async function exchange<T>(
  options: LineOptions,
  address: string,
  { signal, timeoutMs }: Within,
  work: (line: Line) => Promise<T>,
): Promise<Exchanged<T>> {
  throwIfCancelled(signal);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const both = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  const wire = { login: null as Login | null, sent: false };
  let url = address;
  let movedTo: string | undefined;
  try {
    for (let redirects = 0; ; redirects++) {
      try {
        const value = await work(lineTo(url, options, both, wire));
        return { value, secrets: secretsOf(wire.login), ...moved(movedTo) };
      } catch (error) {
        if (!(error instanceof Redirected)) throw error;
        if (redirects === MAX_REDIRECTS) {
          throw new Unanswered({ kind: 'offline', trouble: 'moved', text: 'It redirects in a circle.' });
        }
        url = error.to;
        movedTo = plainAddress(url);
      }
    }
  } catch (error) {
    if (signal?.aborted && !wire.sent) throw new DataManagerError('CANCELLED', 'Cancelled.');
    const secrets = secretsOf(wire.login);
    const { reported, ...failure } = failureOf(error, {
      sent: wire.sent,
      signedIn: wire.login !== null,
      stopped: signal?.aborted ? 'cancelled' : late.signal.aborted ? 'timeout' : null,
    });
    const text = showable(failure.text, secrets);
    return { failure: { ...moved(movedTo), ...failure, text }, reported, secrets };
  } finally {
    clearTimeout(timer);
  }
}

function secretsOf(login: Login | null): readonly string[] {
  return login === null ? [] : [login.password, basic(login)];
}

function basic({ username, password }: Login): string {
  return Buffer.from(`${username}:${password}`).toString('base64');
}

/** isomorphic-git's ways to one address. */
function lineTo(
  address: string,
  { credentials, ca }: LineOptions,
  signal: AbortSignal,
  wire: { login: Login | null; sent: boolean },
): Line {
  const base = new URL(address);
  const given: Login | null =
    base.username === '' && base.password === ''
      ? null
      : { username: decodeURIComponent(base.username), password: decodeURIComponent(base.password) };
  base.username = '';
  base.password = '';
  const url = base.href.replace(/\/$/, '');
  wire.login = null;
  let asked = false;

  const request = async (target: string, method: string, headers: HttpHeaders, body: Buffer): Promise<HttpAnswer> => {
    if (method === 'POST' && target.endsWith('/git-receive-pack')) wire.sent = true;
    const answer = await httpExchange({ url: new URL(target), method, headers, body, signal, ca });
    if (answer.status >= 300 && answer.status < 400) throw redirect(target, method, answer);
    // isomorphic-git loses what such a page says.
    if (method === 'POST' && answer.status !== 200) {
      throw new Unanswered(statusFailure(answer.status, answer.body.toString('utf8'), wire.sent, wire.login !== null));
    }
    return answer;
  };
  return {
    url,
    corsProxy: '',
    async onAuth() {
      if (asked || !maySendSecret(base)) return undefined;
      asked = true;
      wire.login = given?.password ? given : ((await credentials?.(url)) ?? null);
      return wire.login ?? undefined;
    },
    async post(service, body) {
      const headers = {
        'content-type': `application/x-${service}-request`,
        ...(wire.login && { authorization: `Basic ${basic(wire.login)}` }),
      };
      return (await request(`${url}/${service}`, 'POST', headers, body)).body;
    },
    http: {
      async request({ url: target, method = 'GET', headers = {}, body = [] }) {
        const sent: Uint8Array[] = [];
        for await (const chunk of body) sent.push(chunk);
        const answer = await request(target, method, headers, Buffer.concat(sent));
        const plain = Object.entries(answer.headers).map(([name, value]) => [name, String(value)]);
        const chunks = (async function* () {
          yield new Uint8Array(answer.body);
        })();
        const { status: statusCode, statusMessage } = answer;
        return { url: target, method, headers: Object.fromEntries(plain), body: chunks, statusCode, statusMessage };
      },
    },
  };
}

/** As git does (http.followRedirects=initial): the first request may be redirected, if the new address is a repository's too. */
function redirect(from: string, method: string, { headers }: HttpAnswer): Error {
  const location = headers.location ?? '';
  const to = URL.canParse(location, from) ? new URL(location, from) : null;
  const text = to === null ? '' : plainAddress(to.href);
  const tail = /\/info\/refs\?service=git-[a-z-]+$/.exec(from)?.[0];
  if (to === null || method !== 'GET' || tail === undefined) {
    return new Unanswered({
      kind: 'offline',
      trouble: 'moved',
      text,
      ...moved(text.replace(/\/git-[a-z-]+$/, '') || undefined),
    });
  }
  const downgraded = from.startsWith('https:') && to.protocol !== 'https:';
  if (!to.href.endsWith(tail) || downgraded) {
    return new Unanswered({ kind: 'offline', trouble: 'captive-portal', text });
  }
  return new Redirected(plainAddress(to.href.slice(0, -tail.length)));
}

function moved(movedTo: string | undefined): { readonly movedTo?: string } {
  return movedTo === undefined ? {} : { movedTo };
}
