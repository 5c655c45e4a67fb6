import { type HttpClient, listServerRefs, push as send } from 'isomorphic-git';
import { DataManagerError, systemCode, throwIfCancelled } from '../../errors';
import { readRawObject } from '../readObjects';
import { listRefs, readHead } from '../readRefs';
import type { Repository } from '../repository';
import { shallowBoundary } from '../walkCommits';
import { type Credentials, type Login, maySendSecret } from './credentials';
import { keepPack, packRequest } from './fetchPack';
import type { GitRemote, RemoteFailure, Within } from './gitRemote';
import { certificateProblem, type HttpAnswer, httpExchange, isNotConnected } from './httpExchange';
import { moveTrackingBranch } from './lockedFiles';
import { receivedFiles } from './receivedFiles';
import { namedTrouble, refusal } from './refusal';
import { plainAddress, showable } from './serverText';

export interface HttpsRemoteOptions {
  readonly repo: Repository;
  /** `origin`. */
  readonly remote: string;
  readonly fetchUrl: string;
  readonly pushUrl: string;
  readonly credentials?: Credentials | undefined;
  /** Certificates to trust instead of Node's, PEM. */
  readonly ca?: string | undefined;
}

/** What isomorphic-git is given for one exchange. */
interface Line {
  readonly http: HttpClient;
  readonly url: string;
  readonly corsProxy: '';
  onAuth(): Promise<Login | undefined>;
  /** A request of our own, signed in as the one before. */
  post(service: string, body: Buffer): Promise<Buffer>;
}

/** An answer that is no answer of a git server to this request. */
class Unanswered extends Error {
  constructor(readonly failure: RemoteFailure) {
    super(failure.trouble);
  }
}

/** The first request was redirected to another address of the same kind: it is asked there, from the beginning. */
class Redirected extends Error {
  constructor(readonly to: string) {
    super('redirected');
  }
}

type HttpHeaders = Readonly<Record<string, string>>;

const MAX_REDIRECTS = 3;

/**
 * A remote over HTTPS without a git program. A login is sent only to the host that it is for, over TLS (or to this machine), and
 * never along with a redirect. Runs no hook of this clone.
 *
 * @example
 * const remote = httpsRemote({ repo, remote: 'origin', fetchUrl: url, pushUrl: url, credentials });
 */
export function httpsRemote(options: HttpsRemoteOptions): GitRemote {
  const { repo, remote, fetchUrl, pushUrl } = options;
  const files = receivedFiles(repo);
  const at = { fs: files.fs, gitdir: repo.commonDir, cache: repo.objectCache };

  const tipAt = async (line: Line, branch: string): Promise<string | null> => {
    const ref = `refs/heads/${branch}`;
    const refs = await listServerRefs({ ...line, prefix: ref, protocolVersion: 2 });
    return refs.find((found) => found.ref === ref)?.oid ?? null;
  };

  return {
    kind: 'https',

    async tip(branch, within) {
      const answer = await exchange(options, pushUrl, within, (line) => tipAt(line, branch));
      return 'failure' in answer ? answer.failure : { kind: 'ok', oid: answer.value, ...moved(answer.movedTo) };
    },

    async fetch(branch, within) {
      const answer = await exchange(options, fetchUrl, within, async (line) => {
        const oid = await tipAt(line, branch);
        if (oid === null || (await isHere(repo, oid))) return oid;
        const tracking = (await listRefs(repo)).remoteBranches.find(({ name }) => name === `${remote}/${branch}`);
        const known = [tracking?.oid, (await readHead(repo)).oid].filter((found) => found != null);
        await keepPack(repo, files, await line.post('git-upload-pack', await packRequest(repo, oid, known)));
        return oid;
      });
      if ('failure' in answer) return answer.failure;
      if (answer.value !== null) await moveTrackingBranch(repo, remote, branch, answer.value);
      return { kind: 'ok', oid: answer.value, ...moved(answer.movedTo) };
    },

    async push(commit, branch, within) {
      const said: string[] = [];
      const answer = await exchange(options, pushUrl, within, async (line) => {
        const onMessage = (message: string): void => void said.push(message);
        try {
          await send({ ...at, ...line, ref: commit, remoteRef: `refs/heads/${branch}`, force: false, onMessage });
        } finally {
          // isomorphic-git does not wait for its own messages; all of the answer is here, so one turn brings them.
          await new Promise((done) => setImmediate(done));
        }
      });
      const text = showable(said.join('\n'), answer.secrets);
      if (!('failure' in answer)) {
        await moveTrackingBranch(repo, remote, branch, commit);
        return { kind: 'ok', text, ...moved(answer.movedTo) };
      }
      if (!answer.reported) return { ...answer.failure, text: text || answer.failure.text };
      const refused = refusal(answer.failure.text, text);
      // isomorphic-git does not say that the clone is shallow, so the server misses what lies behind the cut.
      const misses = /missing necessary objects/.test(refused.text) && (await shallowBoundary(repo)).size > 0;
      return misses ? { ...refused, trouble: 'shallow' } : refused;
    },
  };
}

function moved(movedTo: string | undefined): { readonly movedTo?: string } {
  return movedTo === undefined ? {} : { movedTo };
}

async function isHere(repo: Repository, oid: string): Promise<boolean> {
  return (await readRawObject(repo, oid)) !== null;
}

type Exchanged<T> = { readonly secrets: readonly string[] } & (
  | { readonly value: T; readonly movedTo?: string }
  /** `reported`: the server has looked at the ref and said no. */
  | { readonly failure: RemoteFailure; readonly reported: boolean }
);

/** Runs one exchange within its time, following redirects of its first request. */
async function exchange<T>(
  options: HttpsRemoteOptions,
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
  { credentials, ca }: HttpsRemoteOptions,
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
      const answer = await request(`${url}/${service}`, 'POST', headers, body);
      if (answer.status === 200) return answer.body;
      const page = answer.body.toString('utf8');
      throw new Unanswered(statusFailure(answer.status, page, false, wire.login !== null));
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

interface Situation {
  /** True once a push may have reached the server. */
  readonly sent: boolean;
  readonly signedIn: boolean;
  readonly stopped: 'cancelled' | 'timeout' | null;
}

type Found = RemoteFailure & { readonly reported: boolean };

/** Sorts what isomorphic-git and Node throw. */
function failureOf(error: unknown, { sent, signedIn, stopped }: Situation): Found {
  const as = (kind: RemoteFailure['kind'], trouble: RemoteFailure['trouble'], text: string): Found => ({
    ...{ kind, trouble, text },
    reported: false,
  });
  if (stopped === 'timeout') return as('timeout', 'timeout', 'There was no answer in time.');
  if (stopped === 'cancelled') return as('unclear', 'cancelled', 'The push was cancelled halfway.');
  if (error instanceof Unanswered) return { ...error.failure, reported: false };
  if (DataManagerError.is(error)) throw error;
  const { message, data = {} } = error as Error & { readonly data?: Record<string, unknown> };
  switch (systemCode(error)) {
    case 'HttpError':
      return {
        ...statusFailure(Number(data.statusCode), String(data.response ?? ''), sent, signedIn),
        reported: false,
      };
    case 'SmartHttpError':
      return as('offline', 'captive-portal', pageTitle(String(data.response ?? '')));
    case 'PushRejectedError':
    case 'NotFoundError': // so says 1.41.7 of a tip that is not here (isomorphic-git#2421)
      return as('rejected', 'non-fast-forward', 'non-fast-forward');
    case 'GitPushError':
      return { ...as('rejected', 'refused', reportedReason(data.result)), reported: true };
  }
  const text = message || systemCode(error) || ''; // that of several addresses tried has no message
  const certificate = certificateProblem(error);
  if (certificate !== null) return as('offline', certificate, text);
  if (isNotConnected(error) || (!sent && systemCode(error) !== undefined)) return as('offline', 'unreachable', text);
  const named = namedTrouble(message); // the server's last words, then it hung up
  return as('unclear', named ?? 'interrupted', text);
}

/** A status that is no success, with what the page says. */
function statusFailure(status: number, page: string, sent: boolean, signedIn: boolean): RemoteFailure {
  const text = /<\/?[a-z][^>]*>/i.test(page) ? pageTitle(page) : page.trim() || `HTTP ${status}`;
  const named = namedTrouble(page);
  if (named === 'read-only') return { kind: 'rejected', trouble: named, text };
  switch (status) {
    case 401:
      return { kind: 'auth', trouble: signedIn ? 'wrong-credentials' : 'no-credentials', text };
    case 403:
      if (/rate limit/i.test(page)) return { kind: 'offline', trouble: 'rate-limited', text };
      return { kind: 'auth', trouble: 'forbidden', text };
    case 404:
      return { kind: 'auth', trouble: 'not-found', text };
    case 413:
      return { kind: 'rejected', trouble: 'too-large', text };
    case 429:
      return { kind: 'offline', trouble: 'rate-limited', text };
    case 203:
    case 511:
      return { kind: 'offline', trouble: 'captive-portal', text };
  }
  // A gateway may have lost the answer to what it had passed on.
  return { kind: sent ? 'unclear' : 'offline', trouble: 'server-error', text };
}

function pageTitle(page: string): string {
  return /<title[^>]*>([^<]*)/i.exec(page)?.[1]?.trim() ?? '';
}

/** What the server reported about the ref, and about the pack if that is where it failed. */
function reportedReason(result: unknown): string {
  const {
    ok = true,
    error = '',
    refs = {},
  } = result as {
    readonly ok?: boolean;
    readonly error?: string;
    readonly refs?: Readonly<Record<string, { readonly error?: string }>>;
  };
  const [ref] = Object.values(refs);
  const why = ref?.error ?? '';
  return ok ? why : `${why || 'unpacker error'} (${error})`;
}
