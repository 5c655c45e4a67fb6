import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DataManagerError } from '../errors';
import { createFolderStore } from './folderStore';
import type { Network } from './httpAgents';
import { checkKey } from './objectKey';
import type { ObjectStore } from './objectStore';
import { checkStore } from './storeIdentity';
import type { S3StoreSettings, StoreCredentials, StoreSettings } from './storeSettings';

export interface OpenStoreOptions {
  readonly settings: StoreSettings;
  /** Needed for `s3` only. */
  readonly credentials: StoreCredentials | null;
  /** Absolute; what a relative folder path starts from. */
  readonly baseFolder: string;
  readonly network?: Network | undefined;
}

/**
 * The store that the settings name. Nothing is asked of it yet; `verify` does that.
 *
 * Throws CREDENTIALS_MISSING, SETTINGS_INVALID or KEY_INVALID (the prefix).
 *
 * @example
 * const store = await openStore({ settings: { type: 'folder', path: '../objects' }, credentials: null, baseFolder });
 */
export async function openStore({
  settings,
  credentials,
  baseFolder,
  network,
}: OpenStoreOptions): Promise<ObjectStore> {
  if (settings.type === 'folder')
    return createFolderStore({ folder: await checkFolder(resolve(baseFolder, settings.path)) });
  const endpoint = checkStore(settings);
  if (settings.prefix) checkKey(settings.prefix.replace(/^\/+|\/+$/g, ''));
  if (!credentials) throw credentialsMissing(settings);
  // The SDK takes a tenth of a second to load, so it waits for the first use of a bucket.
  const { createS3Store } = await import('./s3Store');
  return createS3Store({
    endpoint: settings.endpoint,
    region: settings.region ?? defaultRegion(endpoint),
    bucket: settings.bucket,
    prefix: settings.prefix,
    credentials,
    network,
  });
}

/**
 * The store behind a public address, for reading without credentials.
 *
 * @example
 * const store = await openPublicStore('https://data.example.org/energy');
 */
export async function openPublicStore(url: string, network?: Network): Promise<ObjectStore> {
  const { createHttpStore } = await import('./httpStore');
  return createHttpStore({ url, network });
}

/**
 * The region that an endpoint's name holds (Amazon), else `auto` as R2 wants it.
 *
 * @example
 * defaultRegion(new URL('https://s3.eu-west-1.amazonaws.com')); // 'eu-west-1'
 */
export function defaultRegion(endpoint: URL): string {
  const amazon = /(?:^|\.)s3[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(
    endpoint.hostname,
  );
  if (amazon?.[1]) return amazon[1];
  return endpoint.hostname === 's3.amazonaws.com' ? 'us-east-1' : 'auto';
}

/** Settings come with a clone: objects among Git's own files would be a way to change them. */
async function checkFolder(folder: string): Promise<string> {
  const real = await realpath(folder).catch(() => folder);
  if (![folder, real].some((path) => path.split(/[\\/]/).some((part) => part.toLowerCase() === '.git'))) return folder;
  throw new DataManagerError('SETTINGS_INVALID', `The store ${folder} is in Git's own folder.`, {
    hint: 'Name another folder as store.path in .datamanager.json.',
    data: { folder },
  });
}

function credentialsMissing({ bucket, endpoint }: S3StoreSettings): DataManagerError {
  return new DataManagerError(
    'CREDENTIALS_MISSING',
    `There are no credentials for the bucket "${bucket}" at ${endpoint}.`,
    {
      hint:
        'Set R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY (or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) in the environment ' +
        'or in a .env file.',
      data: { bucket, endpoint, variables: ['R2_ACCESS_KEY_ID', 'R2_SECRET_ACCESS_KEY'] },
    },
  );
}
