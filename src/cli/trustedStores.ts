import { open, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Environment } from '../core/store/credentialsFromEnvironment';
import { makeFolders, randomName } from '../core/store/durableFile';
import { storeIdentity } from '../core/store/storeIdentity';
import type { S3StoreSettings } from '../core/store/storeSettings';

/** The buckets that this user agreed to, in a file of this machine. It holds no secret. */
export interface TrustedStores {
  has(store: S3StoreSettings): Promise<boolean>;
  add(store: S3StoreSettings): Promise<void>;
}

interface Agreement {
  readonly endpoint: string;
  readonly bucket: string;
}

/** The user's list, in `trusted-stores.json` of the folder for configuration. */
export function trustedStores(env: Environment): TrustedStores {
  const file = path.join(configFolder(env), 'trusted-stores.json');
  const has = async (store: S3StoreSettings): Promise<boolean> => {
    const wanted = storeIdentity(store);
    return (await readAgreements(file)).some((agreed) => storeIdentity(agreed) === wanted);
  };
  return {
    has,
    async add(store) {
      if (await has(store)) return;
      const { endpoint, bucket } = store;
      const stores = [...(await readAgreements(file)), { endpoint, bucket }];
      await replaceFile(file, `${JSON.stringify({ schemaVersion: 1, stores }, null, 2)}\n`);
    },
  };
}

function configFolder(env: Environment): string {
  // The XDG specification has relative paths ignored.
  if (env.XDG_CONFIG_HOME && path.isAbsolute(env.XDG_CONFIG_HOME)) return path.join(env.XDG_CONFIG_HOME, 'datamanager');
  if (process.platform === 'win32' && env.APPDATA) return path.join(env.APPDATA, 'datamanager');
  return path.join(env.HOME || os.homedir(), '.config', 'datamanager');
}

/** A list that can't be read is an empty one: then we ask once more, which does no harm. */
async function readAgreements(file: string): Promise<readonly Agreement[]> {
  try {
    const { stores } = JSON.parse(await readFile(file, 'utf8')) as { stores: readonly Partial<Agreement>[] };
    return stores.flatMap(({ endpoint, bucket }) =>
      typeof endpoint === 'string' && typeof bucket === 'string' ? [{ endpoint, bucket }] : [],
    );
  } catch {
    return [];
  }
}

async function replaceFile(file: string, text: string): Promise<void> {
  await makeFolders(path.dirname(file));
  const temp = `${file}.${randomName()}.tmp`;
  try {
    const handle = await open(temp, 'wx', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, file);
  } finally {
    await rm(temp, { force: true });
  }
}
