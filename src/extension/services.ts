import path from 'node:path';
import * as vscode from 'vscode';
import type { Manifest } from '../core/catalog/manifest';
import { parseManifest } from '../core/catalog/parseManifest';
import { readCatalog, readSettings } from '../core/catalog/readCatalog';
import { DataManagerError } from '../core/errors';
import type { OperationContext, StorePurpose } from '../core/operations/context';
import type { MergeDriverProgram } from '../core/repo/mergeDriverConfig';
import type { Repository } from '../core/repo/repository';
import type { DiffEngine } from '../core/sqldiff/diffEngine';
import type { ObjectCache } from '../core/store/cache';
import { storeFromEnvironment } from '../core/store/credentialsFromEnvironment';
import type { FollowFile } from '../core/store/followThread';
import type { ObjectStore } from '../core/store/objectStore';
import type { StoreSettings } from '../core/store/storeSettings';
import type { ActivityList } from './activity/activityList';
import type { PendingWork } from './activity/pendingWork';
import type { ComparisonSource, Comparisons } from './documents/comparisons';
import { editorNetwork } from './editorNetwork';
import type { Repositories } from './repositories';
import { manifestFolder, type RepositoryState } from './repositoryState';
import { gitProgram } from './settings';
import type { DatasetsProvider } from './tree/datasetsProvider';
import type { HistoryProvider } from './tree/historyProvider';
import { type Credentials, readDotEnv } from './ui/credentials';
import { gitHubCredentials } from './ui/gitHubLogin';
import type { StoreTrust } from './ui/storeTrust';

/** What commands work with; extension.ts puts it together. */
export interface Services {
  readonly log: vscode.LogOutputChannel;
  readonly repositories: Repositories;
  readonly credentials: Credentials;
  readonly storeTrust: StoreTrust;
  readonly comparisons: Comparisons;
  readonly datasets: DatasetsProvider;
  readonly history: HistoryProvider;
  readonly operations: Operations;
  readonly activities: ActivityList;
  readonly pendingWork: PendingWork;
}

export interface OperationsOptions {
  readonly cache: ObjectCache;
  readonly diffEngine: DiffEngine;
  readonly follow: FollowFile;
  readonly credentials: Credentials;
  readonly storeTrust: StoreTrust;
}

/** Gives core's operations what they need. Nothing is opened before it is used. */
export class Operations implements ComparisonSource {
  readonly diffEngine: DiffEngine;

  constructor(
    private readonly repositories: Repositories,
    private readonly options: OperationsOptions,
  ) {
    this.diffEngine = options.diffEngine;
  }

  /** `asked`: a person has just asked for this, so that Git and VS Code may ask them who they are. */
  contextOf(repository: Repository, { asked = false }: { readonly asked?: boolean } = {}): OperationContext {
    const { cache, diffEngine, follow } = this.options;
    return {
      repository,
      git: gitProgram(),
      gitCredentials: gitHubCredentials(asked),
      interactive: asked,
      openStore: (purpose = 'write') => this.openStore(repository, purpose),
      cache,
      diffEngine,
      follow,
      now: () => new Date(),
      mergeDriver: mergeDriverProgram(),
    };
  }

  async context(folder: string): Promise<OperationContext> {
    return this.contextOf((await this.stateOf(folder)).repository);
  }

  async manifest(folder: string, at: string | null): Promise<Manifest> {
    const { repository } = await this.stateOf(folder);
    if (at === null) return (await readCatalog(repository)).manifest;
    const { readFileAt } = await import('../core/repo/readObjects');
    const bytes = await readFileAt(repository, at, repository.manifestPath);
    return bytes === null
      ? { datasets: [] }
      : parseManifest(Buffer.from(bytes).toString('utf8'), repository.manifestPath);
  }

  /** The store that a repository uses, from its settings or the environment; null when neither names one. */
  async storeSettings(repository: Repository): Promise<StoreSettings | null> {
    const { settings } = await readCatalog(repository);
    if (settings.store) return settings.store;
    return storeFromEnvironment({ ...(await readDotEnv(manifestFolder(repository))), ...process.env });
  }

  private async stateOf(folder: string): Promise<RepositoryState> {
    const state = (await this.repositories.current()).find((candidate) => candidate.folder === folder);
    if (state) return state;
    throw new DataManagerError('REPOSITORY_NOT_FOUND', `The repository ${folder} is not open in this window.`);
  }

  private async openStore(repository: Repository, purpose: StorePurpose): Promise<ObjectStore> {
    requireTrustedWorkspace();
    const folder = manifestFolder(repository);
    const { storeTrust, credentials } = this.options;
    const { openRepositoryStore } = await import('../core/store/openRepositoryStore');
    return openRepositoryStore({
      settings: await this.storeSettings(repository),
      publicUrl: (await readSettings(repository)).publicUrl,
      purpose,
      access: {
        isTrusted: async (store) => storeTrust.isTrusted(folder, store),
        requireTrust: (store) => storeTrust.require(folder, store),
        credentials: (store) => credentials.find(store, folder),
      },
      baseFolder: folder,
      network: editorNetwork(process.env),
    });
  }
}

/** The command line that ships with the extension, run by the editor's own Node: a terminal may have none. */
export function mergeDriverProgram(): MergeDriverProgram {
  return { node: process.execPath, script: path.join(__dirname, 'cli.js'), env: { ELECTRON_RUN_AS_NODE: '1' } };
}

/** Throws STORE_NOT_TRUSTED in a restricted workspace: there we read local files only. */
export function requireTrustedWorkspace(): void {
  if (vscode.workspace.isTrusted) return;
  throw new DataManagerError(
    'STORE_NOT_TRUSTED',
    'This folder is open in Restricted Mode, in which Data Manager uses no store, no network and no Git.',
  );
}
