import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { readSettings } from '../core/catalog/readCatalog';
import { DataManagerError } from '../core/errors';
import type { OperationContext, StorePurpose } from '../core/operations/context';
import type { MergeDriverProgram } from '../core/repo/mergeDriverConfig';
import { findRepository } from '../core/repo/openRepository';
import type { Repository } from '../core/repo/repository';
import type { DiffEngine } from '../core/sqldiff/diffEngine';
import { createCache } from '../core/store/cache';
import { cacheFolder } from '../core/store/cacheFolder';
import { type Environment, storeFromEnvironment } from '../core/store/credentialsFromEnvironment';
import { parseDotEnv } from '../core/store/dotEnv';
import { createFollowThread } from '../core/store/followThread';
import type { ObjectStore } from '../core/store/objectStore';
import { openRepositoryStore } from '../core/store/openRepositoryStore';
import { proxyFromEnvironment } from '../core/store/proxyFromEnvironment';
import type { StoreSettings } from '../core/store/storeSettings';
import { bucketAccess } from './bucketAccess';

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

export interface ContextOptions {
  readonly repository: Repository;
  readonly env: Environment;
  readonly diffEngine: DiffEngine;
  /** The bundle that hashes what arrives. */
  readonly followerPath: string;
  readonly mergeDriver: MergeDriverProgram;
  /** Asks for yes or no; null when there is nobody to ask. */
  readonly confirm: (question: string) => Promise<boolean | null>;
}

/** What operations need, wired by hand. Nothing is opened before it is used. */
export function createContext(options: ContextOptions): OperationContext {
  const { repository, env, diffEngine, mergeDriver } = options;
  const stores = new Map<StorePurpose, Promise<ObjectStore>>();
  return {
    repository,
    git: { path: 'git', env },
    interactive: true, // whoever runs a command has also chosen its GIT_ASKPASS
    openStore: (purpose = 'write') => {
      const store = stores.get(purpose) ?? openConfiguredStore(purpose, options);
      stores.set(purpose, store);
      return store;
    },
    cache: createCache({ folder: cacheFolder(env) }),
    diffEngine,
    follow: createFollowThread(options.followerPath).follow,
    mergeDriver,
    now: () => new Date(),
  };
}

async function openConfiguredStore(
  purpose: StorePurpose,
  { repository, env, confirm }: ContextOptions,
): Promise<ObjectStore> {
  const baseFolder = path.dirname(path.join(repository.root, repository.manifestPath));
  const dotEnv = await readDotEnv(path.join(baseFolder, '.env'));
  const { store, publicUrl } = await readSettings(repository);
  return openRepositoryStore({
    settings: store ?? storeFromEnvironment(merged(dotEnv, env)),
    publicUrl,
    purpose,
    access: bucketAccess({ repository, env, dotEnv, confirm }),
    baseFolder,
    network: { proxyFor: proxyFromEnvironment(env) },
  });
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
