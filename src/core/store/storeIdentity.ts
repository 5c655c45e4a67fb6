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

function plainEndpoint(endpoint: string): string {
  if (!URL.canParse(endpoint)) return endpoint;
  const url = new URL(endpoint);
  return url.origin + url.pathname.replace(/\/+$/, '');
}

function hostOf(endpoint: string): string {
  return URL.canParse(endpoint) ? new URL(endpoint).hostname : '';
}
