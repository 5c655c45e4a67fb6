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

/**
 * True for an address on github.com itself, over TLS: where a GitHub token belongs, and nowhere else.
 *
 * @example
 * isGitHub('https://github.com.example.com/x.git'); // false
 */
export function isGitHub(address: string): boolean {
  return URL.canParse(address) && new URL(address).origin === 'https://github.com';
}
