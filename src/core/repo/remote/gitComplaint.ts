import type { RemoteFailure, Trouble } from './gitRemote';
import { namedTrouble } from './refusal';
import { plainAddress, remoteText, showable } from './serverText';

type Row = readonly [RemoteFailure['kind'], Trouble, RegExp];

/** In the words of git, curl and ssh under LC_ALL=C, the more exact first. */
const COMPLAINTS: readonly Row[] = [
  ['auth', 'host-key-changed', /REMOTE HOST IDENTIFICATION HAS CHANGED/],
  ['auth', 'host-key-unknown', /Host key verification failed/],
  [
    'auth',
    'ssh-denied',
    /Permission denied \([a-z,-]+\)|Too many authentication failures|Permission denied, please try/i,
  ],
  ['auth', 'no-credentials', /could not read (Username|Password)|terminal prompts disabled/],
  ['auth', 'wrong-credentials', /Authentication failed|returned error: 401|HTTP 401|invalid credentials/i],
  // A host that answers "not found" to a private repository means "not you".
  [
    'auth',
    'not-found',
    /repository '.*' not found|Repository not found|project you were looking for could not be found/i,
  ],
  ['offline', 'rate-limited', /returned error: 429|HTTP 429|rate limit/i],
  ['auth', 'forbidden', /returned error: 403|HTTP 403|Access denied/i],
  [
    'offline',
    'captive-portal',
    /info\/refs not valid|no DAV locking support|returned error: 511|invalid server response; got/,
  ],
  [
    'offline',
    'certificate-host',
    /certificate subject name .*does not match|no alternative certificate subject name|hostname .* not verified/i,
  ],
  [
    'offline',
    'certificate',
    /SSL certificate problem|certificate verif|unable to get local issuer|SSL_ERROR|SSL routines|gnutls_handshake|schannel|problem with the SSL CA cert|TLS connect error/i,
  ],
  // Only what happens before a request could have arrived.
  [
    'offline',
    'unreachable',
    /Could not resolve|Couldn't resolve|Name or service not known|nodename nor servname|Temporary failure in name resolution|Failed to connect|Couldn't connect|Connection refused|Network is unreachable|No route to host|Connection timed out|Operation timed out|unable to look up|cannot run .*ssh/i,
  ],
  ['offline', 'no-such-repository', /does not appear to be a git repository|does not exist|not a git repository/],
];

/** A gateway may have lost the answer to what it had passed on. */
const LATE_SERVER_ERROR = /RPC failed; HTTP 5\d\d/;
/** git-remote-https says this of the request that comes before anything is sent. */
const DISCOVERY = /unable to access '/;

/**
 * Sorts a failed exchange of the system's git by its stderr. Kind `unclear` when the remote may have done what was asked.
 *
 * @example
 * complaint("fatal: could not read Username for 'https://x': terminal prompts disabled").trouble; // 'no-credentials'
 */
export function complaint(stderr: string): RemoteFailure {
  const text = remoteText(stderr);
  const redirect = redirected(stderr);
  if (redirect !== null) return redirect;
  const named = namedTrouble(stderr);
  // Refused as a whole, before a ref was looked at: GitHub answers 403 for an archived repository.
  if (named === 'read-only' || (named === 'too-large' && /\b413\b/.test(stderr))) {
    return { kind: 'rejected', trouble: named, text };
  }
  const [kind, trouble] = COMPLAINTS.find(([, , words]) => words.test(stderr)) ?? [];
  // Of a web page git says only that it is not what it hoped for.
  if (kind !== undefined && trouble !== undefined)
    return { kind, trouble, text: trouble === 'captive-portal' ? '' : text };
  if (LATE_SERVER_ERROR.test(stderr)) return { kind: 'unclear', trouble: 'server-error', text };
  if (DISCOVERY.test(stderr)) {
    const answered = /returned error: \d/.test(stderr);
    return { kind: 'offline', trouble: answered ? 'server-error' : 'unreachable', text };
  }
  return { kind: 'unclear', trouble: 'interrupted', text };
}

/** A redirect that git would not follow: to a page that is no repository, or in the middle of an exchange. */
function redirected(stderr: string): RemoteFailure | null {
  const base = /unable to update url base from redirection:\s*asked for: (\S+)\s*redirect: (\S+)/.exec(stderr);
  const text = showable(plainAddress(base?.[2] ?? ''));
  if (base) return { kind: 'offline', trouble: 'captive-portal', text };
  const later = /(?:HTTP|returned error:) 30[1278]/.test(stderr);
  return later ? { kind: 'offline', trouble: 'moved', text: remoteText(stderr) } : null;
}

/**
 * The repository's new address, when the server redirected git or said so.
 *
 * @example
 * movedTo('warning: redirecting to https://example.com/new.git/'); // 'https://example.com/new.git'
 */
export function movedTo(stderr: string): string | undefined {
  const redirect = /^warning: redirecting to (\S+)$/m.exec(stderr)?.[1];
  const told = /^remote: *This repository moved\. Please use the new location[^:]*:\s*(?:remote: *)?(\S+)/m.exec(
    stderr,
  )?.[1];
  const found = told ?? redirect?.replace(/\/$/, '');
  return found === undefined ? undefined : showable(plainAddress(found));
}
