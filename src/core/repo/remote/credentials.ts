/** A user name and a password or access token. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** What to sign in with at this address (without user and password in it); null when there is nothing. */
export type Credentials = (url: string) => Promise<Login | null>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/**
 * True when a secret may be sent to this address: over TLS, or to this very machine.
 *
 * @example
 * maySendSecret(new URL('http://example.com/x.git')); // false
 */
export function maySendSecret(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname));
}
