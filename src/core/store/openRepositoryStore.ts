import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DataManagerError } from '../errors';
import type { Network } from './httpAgents';
import type { ObjectStore } from './objectStore';
import { openPublicStore, openStore } from './openStore';
import type { S3StoreSettings, StoreCredentials, StoreSettings } from './storeSettings';

/** What a shell knows about a bucket and the person in front of it. */
export interface BucketAccess {
  /** Whether this person agreed to the use of the bucket; asks nobody. */
  isTrusted(store: S3StoreSettings): Promise<boolean>;
  /** Asks unless it is trusted already. Throws STORE_NOT_TRUSTED when the answer is no, or nobody can be asked. */
  requireTrust(store: S3StoreSettings): Promise<void>;
  /** Called for a trusted bucket only. */
  credentials(store: S3StoreSettings): Promise<StoreCredentials | null>;
}

export interface RepositoryStoreOptions {
  readonly settings: StoreSettings | null;
  /** Where anyone can download the objects, or null. */
  readonly publicUrl: string | null;
  readonly purpose: 'read' | 'write';
  readonly access: BucketAccess;
  /** Absolute; what a relative folder path starts from. */
  readonly baseFolder: string;
  readonly network?: Network | undefined;
}

/**
 * The store of a repository. Settings come with a clone, so whoever wrote them could have a person's data and keys sent to a bucket
 * of their own: before anything is sent to a bucket, the person has agreed to it.
 *
 * To read, the public address serves where the store itself does not: no agreement or no credentials for the bucket, no such folder
 * on this machine, no store named at all. Nothing secret goes there, and what comes is checked against the manifest.
 *
 * Throws STORE_NOT_CONFIGURED, STORE_NOT_TRUSTED, CREDENTIALS_MISSING, SETTINGS_INVALID, KEY_INVALID (the prefix).
 *
 * @example
 * const store = await openRepositoryStore({ settings: store, publicUrl, purpose: 'read', access, baseFolder });
 */
export async function openRepositoryStore(options: RepositoryStoreOptions): Promise<ObjectStore> {
  const { settings, publicUrl, purpose, access, baseFolder, network } = options;
  if (purpose === 'read' && publicUrl !== null && !(await opensByItself(settings, access, baseFolder))) {
    return openPublicStore(publicUrl, network);
  }
  if (!settings) {
    throw new DataManagerError('STORE_NOT_CONFIGURED', 'This repository does not say where its objects live.', {
      hint: 'Name a store in .datamanager.json, or set R2_ACCOUNT_ID, R2_BUCKET, R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY.',
    });
  }
  if (settings.type === 'folder') return openStore({ settings, credentials: null, baseFolder });
  await access.requireTrust(settings);
  return openStore({ settings, credentials: await access.credentials(settings), baseFolder, network });
}

async function opensByItself(
  settings: StoreSettings | null,
  access: BucketAccess,
  baseFolder: string,
): Promise<boolean> {
  if (!settings) return false;
  if (settings.type === 's3')
    return (await access.isTrusted(settings)) && (await access.credentials(settings)) !== null;
  return (await stat(resolve(baseFolder, settings.path)).catch(() => null)) !== null;
}
