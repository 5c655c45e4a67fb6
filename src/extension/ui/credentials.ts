import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { SecretStorage } from 'vscode';
import { credentialsFromEnvironment, type Environment } from '../../core/store/credentialsFromEnvironment';
import { parseDotEnv } from '../../core/store/dotEnv';
import { storeIdentity } from '../../core/store/storeIdentity';
import type { S3StoreSettings, StoreCredentials } from '../../core/store/storeSettings';

/** What is kept for a bucket: keys, or the name of the profile of `~/.aws/credentials` that holds them now. */
export type KeptCredentials = StoreCredentials | { readonly profile: string };

/**
 * The keys of buckets. They live in VS Code's secret storage, bound to endpoint and bucket, so that the settings of another
 * repository can't send them somewhere else. Without one there, the environment and `.env` beside the manifest are used; ask for
 * a bucket that the user agreed to only (`StoreTrust`), since these are not bound to one.
 */
export class Credentials {
  constructor(
    private readonly secrets: Pick<SecretStorage, 'get' | 'store'>,
    private readonly environment: Environment,
  ) {}

  async find(store: S3StoreSettings, folder: string): Promise<StoreCredentials | null> {
    const kept = parseCredentials(await this.secrets.get(secretName(store)));
    if (kept) return this.resolve(kept);
    return credentialsFromEnvironment(this.environment) ?? credentialsFromEnvironment(await readDotEnv(folder));
  }

  /** The keys themselves. Throws CREDENTIALS_MISSING when the profile has none. */
  async resolve(kept: KeptCredentials): Promise<StoreCredentials> {
    if (!('profile' in kept)) return kept;
    const { credentialsFromProfile, profileFiles } = await import('../../core/store/credentialsFromProfile');
    return credentialsFromProfile(kept.profile, profileFiles(this.environment));
  }

  async profiles(): Promise<readonly string[]> {
    const { profileFiles, profileNames } = await import('../../core/store/credentialsFromProfile');
    return profileNames(profileFiles(this.environment));
  }

  async keep(store: S3StoreSettings, credentials: KeptCredentials): Promise<void> {
    await this.secrets.store(secretName(store), JSON.stringify(credentials));
  }
}

/** The variables in `.env` beside the manifest. */
export async function readDotEnv(folder: string): Promise<Environment> {
  return parseDotEnv(await readFile(path.join(folder, '.env'), 'utf8').catch(() => ''));
}

function secretName(store: S3StoreSettings): string {
  return `credentials ${storeIdentity(store)}`;
}

function parseCredentials(text: string | undefined): KeptCredentials | null {
  if (text === undefined) return null;
  try {
    const { accessKeyId, secretAccessKey, sessionToken, profile } = JSON.parse(text) as Record<string, unknown>;
    if (typeof profile === 'string') return { profile };
    if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return null;
    return { accessKeyId, secretAccessKey, ...(typeof sessionToken === 'string' ? { sessionToken } : {}) };
  } catch {
    return null;
  }
}
