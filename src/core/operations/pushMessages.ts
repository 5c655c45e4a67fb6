import type { ErrorCode } from '../errors';
import type { FetchOutcome } from '../repo/fetchUpstream';
import type { PushOutcome } from '../repo/pushBranch';
import type { Trouble } from '../repo/remote/gitRemote';

export interface OutcomeWords {
  /** What happened, and whether the data is safe. */
  readonly sentence: string;
  /** What to do next; null when there is nothing to do. */
  readonly hint: string | null;
  /** Set when a person has to do something first: then it is an error. Null when trying again later is all there is to it. */
  readonly code: ErrorCode | null;
}

type FailedExchange = Extract<PushOutcome | FetchOutcome, { readonly trouble: Trouble }>;
type FailedPush = Extract<PushOutcome, { readonly trouble: Trouble }>;

/** What the words of a trouble are made of. */
interface Facts {
  /** `github.com`, else `the remote`. */
  readonly host: string;
  readonly remote: string;
  readonly address: string;
  readonly movedTo: string | undefined;
  /** `: "what the server said"`, or ''. */
  readonly quote: string;
}

type Words = (facts: Facts) => readonly [clause: string, hint: string];

const AGAIN = 'then push again.';

/** What went wrong as the end of a sentence, and what to do. */
const WORDS: Readonly<Record<Trouble, Words>> = {
  'no-credentials': ({ host }) => [
    `${host} asks who you are, and no login is stored for it`,
    `Sign in so that "git push" works in a terminal, ${AGAIN}`,
  ],
  'wrong-credentials': ({ host }) => [
    `${host} did not accept your login, which is wrong or has expired`,
    `Renew the password or access token that is stored for ${host}, ${AGAIN}`,
  ],
  forbidden: ({ host, quote }) => [
    `${host} does not let you write to this repository${quote}`,
    `Ask its owner for write access, or take an access token that may write, ${AGAIN}`,
  ],
  'not-found': ({ host, address, remote }) => [
    `${host} says that there is no repository ${address}, or that it is not for you`,
    `Correct the address with "git remote set-url ${remote} ADDRESS", or sign in with the account that may see it, ${AGAIN}`,
  ],
  'ssh-denied': ({ host }) => [
    `${host} did not accept your SSH key`,
    `Load the key into the SSH agent with ssh-add, make sure that the server knows it, ${AGAIN}`,
  ],
  'host-key-unknown': ({ host }) => [
    `this machine does not know the SSH host key of ${host} yet`,
    `Run "git fetch" in a terminal once, compare the fingerprint and accept it, ${AGAIN}`,
  ],
  'host-key-changed': ({ host }) => [
    `the SSH host key of ${host} is not the one that this machine knows, so somebody may be listening in`,
    `Ask who runs the server whether its key has changed; only then forget the old one with ssh-keygen -R, ${AGAIN}`,
  ],
  unreachable: ({ host, quote }) => [`${host} can't be reached${quote}`, 'Push again once you are online.'],
  'no-such-repository': ({ address, remote }) => [
    `there is no repository at ${address}`,
    `Connect the disk or share that holds it, or correct the address with "git remote set-url ${remote} ADDRESS", ${AGAIN}`,
  ],
  'captive-portal': ({ host, quote }) => [
    `a web page answered in place of ${host}${quote}`,
    `Open a page in a browser, as this network may want you to sign in first, ${AGAIN}`,
  ],
  certificate: ({ host, quote }) => [
    `this machine does not trust the certificate of ${host}${quote}`,
    `Get the right certificate authority from who runs the server or your network, name it with "git config http.sslCAInfo FILE", ${AGAIN}`,
  ],
  'certificate-host': ({ host, quote }) => [
    `who answered for ${host} showed somebody else's certificate${quote}`,
    `Open a page in a browser, as this network may want you to sign in first, or use another network, ${AGAIN}`,
  ],
  moved: ({ remote, movedTo, quote }) => [
    movedTo === undefined ? `the repository has moved${quote}` : `the repository has moved to ${movedTo}`,
    `Give Git the new address with "git remote set-url ${remote} ${movedTo ?? 'ADDRESS'}", ${AGAIN}`,
  ],
  'rate-limited': ({ host }) => [`${host} has been asked too often for now`, 'Push again in a few minutes.'],
  'server-error': ({ host, quote }) => [`${host} is out of order${quote}`, 'Push again later.'],
  'non-fast-forward': () => [
    'somebody else has pushed in between',
    `Bring both together with "git pull --rebase", ${AGAIN}`,
  ],
  protected: ({ host, quote }) => [
    `the branch is protected on ${host}${quote}`,
    'Publish on a branch of your own and open a pull request, or ask who may push to this one.',
  ],
  hook: ({ host, quote }) => [`a rule of ${host} refused it${quote}`, `Do what it asks for, ${AGAIN}`],
  'local-hook': ({ quote }) => [`your own pre-push hook refused it${quote}`, `Do what it asks for, ${AGAIN}`],
  'too-large': ({ host, quote }) => [
    `it is larger than ${host} accepts${quote}`,
    `Take large files out of your own unpushed commits (git log --stat @{upstream}..), ${AGAIN}`,
  ],
  'read-only': ({ host, quote }) => [
    `the repository is archived or read-only on ${host}${quote}`,
    'Ask its owner to open it again, or publish to another remote.',
  ],
  'disk-full': ({ host }) => [
    `the disk of ${host} is full`,
    'Tell who looks after it, and push again once there is room.',
  ],
  shallow: ({ host }) => [
    `this clone is shallow, and ${host} takes nothing from such`,
    `Complete it with "git fetch --unshallow", ${AGAIN}`,
  ],
  refused: ({ host, quote }) => [`${host} refused it${quote}`, 'Ask who looks after the remote.'],
  timeout: ({ host }) => [`${host} gave no answer in time`, 'Push again later; that is safe even if it arrived.'],
  interrupted: ({ host, quote }) => [
    `the connection to ${host} broke${quote}`,
    'Push again later; that is safe even if it arrived.',
  ],
  cancelled: () => ['it was cancelled halfway', 'Push again when you like; that is safe even if it arrived.'],
};

/**
 * What to tell a person about a push: what happened, whether the data is safe, what to do.
 *
 * @param what what was published: `utopia.sqlite@v2`
 *
 * @example
 * const { sentence, hint, code } = describePush(outcome, { what: 'utopia.sqlite@v2' });
 * if (code !== null) throw new DataManagerError(code, sentence, hint === null ? {} : { hint });
 */
export function describePush(outcome: PushOutcome, { what }: { readonly what: string }): OutcomeWords {
  switch (outcome.kind) {
    case 'ok':
      return {
        sentence: `${what} is pushed to ${outcome.remote}/${outcome.branch}.`,
        hint: movedHint(outcome),
        code: null,
      };
    case 'no-remote':
      return {
        sentence: `${what} is committed here only: ${uncapitalized(outcome.text)}`,
        hint: outcome.hint ?? null,
        code: null,
      };
    default:
      return describeFailedPush(outcome, what);
  }
}

function describeFailedPush(outcome: FailedPush, what: string): OutcomeWords {
  const [clause, hint] = WORDS[outcome.trouble](factsOf(outcome));
  const open = outcome.kind === 'unknown' || outcome.kind === 'timeout';
  const push = open ? 'the push is pending, as it is not known whether it arrived' : 'the push is pending';
  const sentence = `${what} is uploaded and committed here, nothing is lost; ${push}: ${clause}.`;
  return { sentence, hint, code: codeOf(outcome.kind) };
}

/**
 * What to tell a person whose publish could not ask the remote first. `code` is set when the push behind it would fail in the same
 * way; else the publish may go on without the remote.
 *
 * @example
 * const { sentence, hint, code } = describeFetch(outcome);
 */
export function describeFetch(outcome: FetchOutcome): OutcomeWords {
  if (outcome.kind === 'ok') {
    return { sentence: `${outcome.remote}/${outcome.branch} is fetched.`, hint: movedHint(outcome), code: null };
  }
  if (outcome.kind === 'no-remote') return { sentence: outcome.text, hint: null, code: null };
  const [clause, hint] = WORDS[outcome.trouble](factsOf(outcome));
  const advice = hint.replace(AGAIN, 'then try again.').replace(/^Push again/, 'Try again');
  return { sentence: `Nothing was published: ${clause}.`, hint: advice, code: codeOf(outcome.kind) };
}

function codeOf(kind: FailedExchange['kind']): ErrorCode | null {
  return kind === 'auth' || kind === 'rejected' ? 'PUSH_REJECTED' : null;
}

function movedHint({ remote, movedTo }: { readonly remote: string; readonly movedTo?: string }): string | null {
  if (movedTo === undefined) return null;
  return `The repository has moved; give Git the new address with "git remote set-url ${remote} ${movedTo}".`;
}

function factsOf({ remote, address, text, movedTo }: FailedExchange): Facts {
  return { host: hostOf(address), remote, address, movedTo, quote: quoted(text) };
}

/** Of `https://host/x`, `ssh://user@host/x` and `user@host:x`; a folder has none. */
function hostOf(address: string): string {
  const host = URL.canParse(address) ? new URL(address).host : /^(?:[^@/:]+@)?([^/:]{2,}):/.exec(address)?.[1];
  return host || 'the remote';
}

const COMMON_START = /^((fatal|error): *)?(unable to access '[^']*': *)?/;

/** What was said, on one line; which hook it was only if there is nothing else. */
function quoted(text: string): string {
  const lines = text.split('\n').map((line) => line.replace(COMMON_START, '').trim());
  const telling = lines.filter((line) => line !== '' && !/^([\w-]+ )*hook declined( to update \S+)?$/.test(line));
  const said = (telling.length > 0 ? telling : lines.filter((line) => line !== '')).join(' / ');
  return said === '' ? '' : `: "${said.replace(/"/g, "'")}"`;
}

function uncapitalized(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
