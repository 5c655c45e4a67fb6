import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { readSettings } from '../core/catalog/readCatalog';
import { DataManagerError } from '../core/errors';
import type { OperationContext } from '../core/operations/context';
import type { MergeDriverProgram } from '../core/repo/mergeDriverConfig';
import { findRepository } from '../core/repo/openRepository';
import type { Repository } from '../core/repo/repository';
import type { DiffEngine } from '../core/sqldiff/diffEngine';
import { createCache } from '../core/store/cache';
import { cacheFolder } from '../core/store/cacheFolder';
import {
  credentialsFromEnvironment,
  type Environment,
  storeFromEnvironment,
} from '../core/store/credentialsFromEnvironment';
import { parseDotEnv } from '../core/store/dotEnv';
import type { ObjectStore } from '../core/store/objectStore';
import { openStore } from '../core/store/openStore';
import type { StoreSettings } from '../core/store/storeSettings';

/** The repository that `--repo` names, or the nearest around the working folder. */
export async function locateRepository(cwd: string, repo: string | undefined): Promise<Repository> {
  const start = path.resolve(cwd, repo ?? '.');
  if (repo !== undefined && !(await stat(start).catch(() => null))?.isDirectory()) {
    throw new DataManagerError('REPOSITORY_NOT_FOUND', `There is no folder ${start}.`, {
      hint: 'Check what --repo says.',
      data: { directory: start },
    });
  }
  return findRepository(start);
}

/** What operations need, wired by hand. Nothing is opened before it is used. */
export function createContext(
  repository: Repository,
  env: Environment,
  { diffEngine, mergeDriver }: { readonly diffEngine: DiffEngine; readonly mergeDriver: MergeDriverProgram },
): OperationContext {
  let store: Promise<ObjectStore> | null = null;
  return {
    repository,
    git: { path: 'git', env },
    interactive: true, // whoever runs a command has also chosen its GIT_ASKPASS
    openStore: () => {
      store ??= openConfiguredStore(repository, env);
      return store;
    },
    cache: createCache({ folder: cacheFolder(env) }),
    diffEngine,
    mergeDriver,
    now: () => new Date(),
  };
}

async function openConfiguredStore(repository: Repository, env: Environment): Promise<ObjectStore> {
  const baseFolder = path.dirname(path.join(repository.root, repository.manifestPath));
  const dotEnv = await readDotEnv(path.join(baseFolder, '.env'));
  const settings = (await readSettings(repository)).store ?? storeFromEnvironment(merged(dotEnv, env));
  if (!settings) {
    throw new DataManagerError('STORE_NOT_CONFIGURED', 'This repository does not say where its objects live.', {
      hint: 'Name a store in .datamanager.json, or set R2_ACCOUNT_ID, R2_BUCKET, R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY.',
    });
  }
  const credentials = credentialsFromEnvironment(env) ?? credentialsFromEnvironment(dotEnv);
  return openStore({ settings, credentials, baseFolder });
}

/** The store that the environment, or the `.env` in a folder, names; null when neither does. */
export async function environmentStore(folder: string, env: Environment): Promise<StoreSettings | null> {
  return storeFromEnvironment(merged(await readDotEnv(path.join(folder, '.env')), env));
}

// What is set in the environment wins over the file; an empty variable is not set.
function merged(dotEnv: Environment, env: Environment): Environment {
  return { ...dotEnv, ...Object.fromEntries(Object.entries(env).filter(([, value]) => value)) };
}

async function readDotEnv(file: string): Promise<Environment> {
  return parseDotEnv(await readFile(file, 'utf8').catch(() => ''));
}
