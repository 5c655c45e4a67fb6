import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { SecretStorage } from 'vscode';
import { credentialsFromEnvironment, type Environment } from '../../core/store/credentialsFromEnvironment';
import { parseDotEnv } from '../../core/store/dotEnv';
import type { S3StoreSettings, StoreCredentials } from '../../core/store/storeSettings';

/**
 * The keys of buckets. They live in VS Code's secret storage, bound to endpoint and bucket, so that the settings of another
 * repository can't send them somewhere else. Without one there, the environment and `.env` beside the manifest are used.
 */
export class Credentials {
  constructor(
    private readonly secrets: Pick<SecretStorage, 'get' | 'store'>,
    private readonly environment: Environment,
  ) {}

  async find(store: S3StoreSettings, folder: string): Promise<StoreCredentials | null> {
    const stored = parseCredentials(await this.secrets.get(secretName(store)));
    return (
      stored ?? credentialsFromEnvironment(this.environment) ?? credentialsFromEnvironment(await readDotEnv(folder))
    );
  }

  async keep(store: S3StoreSettings, credentials: StoreCredentials): Promise<void> {
    await this.secrets.store(secretName(store), JSON.stringify(credentials));
  }
}

/** The variables in `.env` beside the manifest. */
export async function readDotEnv(folder: string): Promise<Environment> {
  return parseDotEnv(await readFile(path.join(folder, '.env'), 'utf8').catch(() => ''));
}

function secretName({ endpoint, bucket }: S3StoreSettings): string {
  return `credentials ${endpoint} ${bucket}`;
}

function parseCredentials(text: string | undefined): StoreCredentials | null {
  if (text === undefined) return null;
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = JSON.parse(text) as Partial<StoreCredentials>;
    if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string') return null;
    return { accessKeyId, secretAccessKey, ...(typeof sessionToken === 'string' ? { sessionToken } : {}) };
  } catch {
    return null;
  }
}
