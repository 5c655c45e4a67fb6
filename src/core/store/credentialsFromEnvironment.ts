import type { S3StoreSettings, StoreCredentials } from './storeSettings';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The credentials in an environment: the `R2_*` variables if both are set, else the `AWS_*` ones, else null. An empty
 * variable counts as not set, and halves of two pairs are never mixed.
 *
 * @example
 * credentialsFromEnvironment({ R2_ACCESS_KEY_ID: 'id', R2_SECRET_ACCESS_KEY: 'secret' });
 */
export function credentialsFromEnvironment(env: Environment): StoreCredentials | null {
  const r2Key = value(env, 'R2_ACCESS_KEY_ID');
  const r2Secret = value(env, 'R2_SECRET_ACCESS_KEY');
  if (r2Key && r2Secret) return { accessKeyId: r2Key, secretAccessKey: r2Secret };
  const awsKey = value(env, 'AWS_ACCESS_KEY_ID');
  const awsSecret = value(env, 'AWS_SECRET_ACCESS_KEY');
  if (!awsKey || !awsSecret) return null;
  const sessionToken = value(env, 'AWS_SESSION_TOKEN');
  return { accessKeyId: awsKey, secretAccessKey: awsSecret, ...(sessionToken ? { sessionToken } : {}) };
}

/**
 * The store that the original tool's variables `R2_ACCOUNT_ID` and `R2_BUCKET` name, or null. For repositories without a
 * settings file.
 *
 * @example
 * storeFromEnvironment({ R2_ACCOUNT_ID: 'abc', R2_BUCKET: 'data' })?.endpoint; // 'https://abc.r2.cloudflarestorage.com'
 */
export function storeFromEnvironment(env: Environment): S3StoreSettings | null {
  const account = value(env, 'R2_ACCOUNT_ID');
  const bucket = value(env, 'R2_BUCKET');
  // Letters and digits only: the account becomes a part of the host that the credentials are sent to.
  if (!account || !bucket || !/^[A-Za-z0-9-]+$/.test(account)) return null;
  return { type: 's3', endpoint: `https://${account}.r2.cloudflarestorage.com`, bucket, region: 'auto' };
}

function value(env: Environment, name: string): string | null {
  const text = env[name]?.trim();
  return text ? text : null;
}
