import { DataManagerError, systemCode } from '../../errors';
import type { RemoteFailure } from './gitRemote';
import { certificateProblem, isNotConnected } from './httpExchange';
import { namedTrouble } from './refusal';

/** An answer that is no answer of a git server to this request. */
export class Unanswered extends Error {
  constructor(readonly failure: RemoteFailure) {
    super(failure.trouble);
  }
}

export interface Situation {
  /** True once a push may have reached the server. */
  readonly sent: boolean;
  readonly signedIn: boolean;
  readonly stopped: 'cancelled' | 'timeout' | null;
}

type Found = RemoteFailure & { readonly reported: boolean };

/**
 * Sorts what isomorphic-git and Node throw.
 *
 * @example
 * const { kind, trouble } = failureOf(error, { sent: false, signedIn: false, stopped: null });
 */
export function failureOf(error: unknown, { sent, signedIn, stopped }: Situation): Found {
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
      return as('rejected', 'non-fast-forward', 'non-fast-forward');
    case 'GitPushError':
      return { ...as('rejected', 'refused', reportedReason(data.result)), reported: true };
  }
  const text = message || systemCode(error) || ''; // that of several addresses tried has no message
  const certificate = certificateProblem(error);
  if (certificate !== null) return as('offline', certificate, text);
  if (isNotConnected(error) || (!sent && isOfNode(error))) return as('offline', 'unreachable', text);
  const named = namedTrouble(message); // the server's last words, then it hung up
  return as('unclear', named ?? 'interrupted', text);
}

/** ECONNRESET and the like; the codes of isomorphic-git are names such as ParseError. */
function isOfNode(error: unknown): boolean {
  return /^E[A-Z]/.test(systemCode(error) ?? '');
}

/**
 * What a status that is no success means, with what its page says.
 *
 * @example
 * statusFailure(401, '', false, true).trouble; // 'wrong-credentials'
 */
export function statusFailure(status: number, page: string, sent: boolean, signedIn: boolean): RemoteFailure {
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
