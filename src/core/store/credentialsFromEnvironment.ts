import { r2Endpoint } from './r2Endpoint';
import type { S3StoreSettings, StoreCredentials } from './storeSettings';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * True for the name of a variable that holds a key of buckets, or a part of one. Windows knows no upper and lower case there.
 *
 * @example
 * isKeyVariable('R2_SECRET_ACCESS_KEY'); // true
 */
export function isKeyVariable(name: string): boolean {
  return /^(R2|AWS)_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)$/i.test(name);
}

/**
 * The credentials in an environment: the `R2_*` variables if both are set, else the `AWS_*` ones, else null; with the session token
 * of temporary ones. An empty variable counts as not set, and halves of two pairs are never mixed.
 *
 * @example
 * credentialsFromEnvironment({ R2_ACCESS_KEY_ID: 'id', R2_SECRET_ACCESS_KEY: 'secret' });
 */
export function credentialsFromEnvironment(env: Environment): StoreCredentials | null {
  for (const family of ['R2', 'AWS']) {
    const accessKeyId = value(env, `${family}_ACCESS_KEY_ID`);
    const secretAccessKey = value(env, `${family}_SECRET_ACCESS_KEY`);
    const sessionToken = value(env, `${family}_SESSION_TOKEN`);
    if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
  }
  return null;
}

/**
 * The store that the environment names, or null: the bucket R2_BUCKET at R2_ENDPOINT, or else in the R2 account R2_ACCOUNT_ID, whose
 * buckets of the jurisdiction R2_JURISDICTION (`eu`, `us`, `fedramp`) have an endpoint of their own. For repositories without a settings
 * file.
 *
 * @example
 * storeFromEnvironment({ R2_ACCOUNT_ID: 'abc', R2_BUCKET: 'data' })?.endpoint; // 'https://abc.r2.cloudflarestorage.com'
 */
export function storeFromEnvironment(env: Environment): S3StoreSettings | null {
  const bucket = value(env, 'R2_BUCKET');
  const account = value(env, 'R2_ACCOUNT_ID');
  const endpoint =
    value(env, 'R2_ENDPOINT') ?? (account && r2Endpoint(account, value(env, 'R2_JURISDICTION') ?? 'default'));
  return endpoint && bucket ? { type: 's3', endpoint, bucket, region: 'auto' } : null;
}

function value(env: Environment, name: string): string | null {
  const text = env[name]?.trim();
  return text ? text : null;
}
