/**
 * Why an exchange with a remote did not do what was asked, as far as can be told. The comment names the kind of outcome that each
 * belongs to; `pushMessages.ts` has the words for a person.
 */
export type Trouble =
  // auth
  | 'no-credentials'
  | 'wrong-credentials'
  | 'forbidden'
  | 'not-found'
  | 'ssh-denied'
  | 'host-key-unknown'
  | 'host-key-changed'
  // offline: nothing was sent
  | 'unreachable'
  | 'no-such-repository'
  | 'captive-portal'
  | 'certificate'
  | 'certificate-host'
  | 'moved'
  | 'rate-limited'
  | 'server-error'
  // rejected
  | 'non-fast-forward'
  | 'protected'
  | 'hook'
  | 'local-hook'
  | 'too-large'
  | 'read-only'
  | 'disk-full'
  | 'shallow'
  | 'refused'
  // timeout, unclear
  | 'timeout'
  | 'interrupted'
  | 'cancelled';

/** An exchange that failed. `text` is what the server (else git) said, fit to be shown: short, no control characters, no secret. */
export interface RemoteFailure {
  /** `unclear`: the remote may have done what was asked. Every other kind but `timeout` is certain. */
  readonly kind: 'auth' | 'offline' | 'rejected' | 'timeout' | 'unclear';
  readonly trouble: Trouble;
  readonly text: string;
  /** Where the repository is now, when the server said so. */
  readonly movedTo?: string;
}

export interface Within {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number;
}

/** Tip of a branch there; `oid` is null when there is no such branch. */
export interface RemoteTip {
  readonly kind: 'ok';
  readonly oid: string | null;
  readonly movedTo?: string;
}

export interface Pushed {
  readonly kind: 'ok';
  /** What the server said beside it. */
  readonly text: string;
  readonly movedTo?: string;
}

/** One remote of one repository. Nothing here forces, prunes, or touches a branch, tag or file of the user's. */
export interface GitRemote {
  readonly kind: 'system-git' | 'https';

  /** Asks for the tip of a branch, where pushes go. Throws CANCELLED. */
  tip(branch: string, within: Within): Promise<RemoteTip | RemoteFailure>;

  /** Brings a branch's commits here, and moves its remote-tracking branch. Throws CANCELLED. */
  fetch(branch: string, within: Within): Promise<RemoteTip | RemoteFailure>;

  /** Makes a branch there point to this commit, if that is a fast-forward. Throws CANCELLED only before anything was sent. */
  push(commit: string, branch: string, within: Within): Promise<Pushed | RemoteFailure>;
}
