import { DataManagerError } from '../errors';
import type { Environment } from './credentialsFromEnvironment';
import { accountOf } from './r2Endpoint';
import type { S3StoreSettings } from './storeSettings';

/**
 * What credentials and a person's trust are bound to: endpoint and bucket, written in one way. Prefix and region are not part of
 * it: they don't change who gets to see the keys and the data.
 *
 * @example
 * storeIdentity({ endpoint: 'https://ABC.r2.cloudflarestorage.com/', bucket: 'data' }); // 'data at https://abc.r2.cloudflarestorage.com'
 */
export function storeIdentity({ endpoint, bucket }: Pick<S3StoreSettings, 'endpoint' | 'bucket'>): string {
  return `${bucket} at ${plainEndpoint(endpoint)}`;
}

/**
 * True when the person's own environment names this store, so that settings of a cloned repository could not have made it up:
 * R2_ACCOUNT_ID (any jurisdiction of that account), R2_ENDPOINT, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, and R2_BUCKET where it is
 * set. An endpoint that all the world shares (Amazon's) says nothing without the bucket.
 *
 * Give it only variables that can't have come with a clone; see `ownDotEnv` in the shells.
 *
 * @example
 * if (environmentNames(process.env, settings)) return 'trusted';
 */
export function environmentNames(env: Environment, { endpoint, bucket }: S3StoreSettings): boolean {
  const value = (name: string): string => env[name]?.trim() ?? '';
  const named = value('R2_BUCKET');
  if (named !== '' && named !== bucket) return false;
  const account = value('R2_ACCOUNT_ID').toLowerCase();
  if (account !== '' && account === accountOf(endpoint)) return true;
  if (named === '' && /(^|\.)amazonaws\.com(\.cn)?$/.test(hostOf(endpoint))) return false;
  return ['R2_ENDPOINT', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'].some(
    (name) => value(name) !== '' && plainEndpoint(value(name)) === plainEndpoint(endpoint),
  );
}

/**
 * The endpoint as a URL. Throws SETTINGS_INVALID unless it is a plain http or https address: with a user name,
 * `https://abc.r2.cloudflarestorage.com@evil.example` would look like what it is not to whoever is asked about it.
 *
 * @example
 * checkEndpoint('https://abc.r2.cloudflarestorage.com').hostname; // 'abc.r2.cloudflarestorage.com'
 */
export function checkEndpoint(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url && isPlain(url)) return url;
  throw new DataManagerError('SETTINGS_INVALID', 'The endpoint of the store is not a plain http or https address.', {
    hint: 'Write it with https:// and without a user name or password, such as https://ACCOUNT.r2.cloudflarestorage.com.',
  });
}

/**
 * The endpoint of a store as a URL, once its bucket too is what it seems. Throws SETTINGS_INVALID: a bucket that is called
 * `data" at https://abc.r2.cloudflarestorage.com` would mislead whoever is asked about it.
 *
 * @example
 * checkStore({ endpoint: 'https://abc.r2.cloudflarestorage.com', bucket: 'data' }).hostname; // 'abc.r2.cloudflarestorage.com'
 */
export function checkStore({ endpoint, bucket }: Pick<S3StoreSettings, 'endpoint' | 'bucket'>): URL {
  // Wider than Amazon's rules: old buckets have capitals and underscores, Ceph's those of another tenant a colon.
  if (/^[A-Za-z0-9][A-Za-z0-9._:-]{0,254}$/.test(bucket)) return checkEndpoint(endpoint);
  throw new DataManagerError('SETTINGS_INVALID', 'The bucket of the store is not the name of a bucket.', {
    hint: 'Write its name only, without an address or a folder: letters, digits, dots, dashes and underscores.',
  });
}

/**
 * An endpoint as people are to read it: host in lower case and ASCII (a look-alike letter shows), nothing that a terminal obeys.
 *
 * @example
 * plainEndpoint('https://ABC.r2.cloudflarestorage.com/'); // 'https://abc.r2.cloudflarestorage.com'
 */
export function plainEndpoint(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  return url && isPlain(url) ? url.origin + url.pathname.replace(/\/+$/, '') : endpoint;
}

function isPlain(url: URL): boolean {
  const more = url.username + url.password + url.search + url.hash;
  return (url.protocol === 'https:' || url.protocol === 'http:') && more === '';
}

function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
}
