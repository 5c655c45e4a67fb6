import path from 'node:path';
import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import type { InitResult } from '../../core/operations/initRepository';
import type { StoreSettings } from '../../core/store/storeSettings';
import { mergeDriverProgram, requireTrustedWorkspace, type Services } from '../services';
import { gitProgram } from '../settings';
import { askBucket, askCredentials } from '../ui/askCredentials';
import type { KeptCredentials } from '../ui/credentials';
import { answered, chooseOne } from '../ui/prompts';
import { withProgress } from '../ui/withProgress';
import { keepWhatWorks } from './setCredentials';
import { optionsOf } from './subject';

export interface InitRepositoryOptions {
  readonly folder?: string;
  readonly store?: StoreSettings;
}

interface ChosenStore {
  readonly settings: StoreSettings;
  readonly credentials: KeptCredentials | null;
}

/** Makes a repository in a workspace folder: asks where the data is to live, writes manifest and settings, commits them. */
export async function initRepository(services: Services, argument: unknown): Promise<InitResult> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Set Up Repository');
  const given = optionsOf<InitRepositoryOptions>(argument);
  const folder = given.folder ?? (await chooseFolder(title));
  const store = given.store ? { settings: given.store, credentials: null } : await askStore(services, folder, title);
  const { initRepository: init } = await import('../../core/operations/initRepository');
  const result = await withProgress(vscode.l10n.t('Setting up {0}', path.basename(folder)), (monitor) =>
    init({ git: gitProgram(), folder, store: store.settings, mergeDriver: mergeDriverProgram(), ...monitor }),
  );
  // Whoever typed the address trusts it.
  if (store.settings.type === 's3') await services.storeTrust.trust(folder, store.settings);
  services.log.info(`${folder}: set up, created: ${result.created}, commit ${result.commit ?? '-'}`);
  await services.repositories.refresh();
  if (store.settings.type === 's3' && store.credentials) {
    await keepWhatWorks(services, store.settings, store.credentials);
  }
  return result;
}

async function chooseFolder(title: string): Promise<string> {
  const folders = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
  if (folders.length === 0) {
    throw new DataManagerError('REPOSITORY_NOT_FOUND', 'No folder is open.', { hint: 'Open a folder first.' });
  }
  const items = folders.map(({ name, uri }) => ({ label: name, description: uri.fsPath }));
  return (await chooseOne(items, vscode.l10n.t('Which folder becomes the repository?'), title)).description;
}

async function askStore(services: Services, folder: string, title: string): Promise<ChosenStore> {
  const { t } = vscode.l10n;
  const kinds = [
    {
      label: t('$(cloud) Cloudflare R2, S3 or compatible'),
      description: t('a bucket of your own'),
      detail: t('Needs its name, its address or the account id, and an access key'),
      ask: async () => {
        const settings = await askBucket(title);
        const { credentials } = services;
        return { settings, credentials: await askCredentials(settings, { title, folder, credentials }) };
      },
    },
    {
      label: t('$(folder) Folder'),
      description: t('on this machine, a network share or a synced folder'),
      detail: t('Needs no account; each version is one plain file'),
      ask: () => askFolder(folder),
    },
  ];
  return (await chooseOne(kinds, t('Where shall the data live?'), title)).ask();
}

async function askFolder(repository: string): Promise<ChosenStore> {
  const [chosen] = await answered(
    vscode.window.showOpenDialog({
      title: vscode.l10n.t('Folder for the data, best outside of the repository'),
      openLabel: vscode.l10n.t('Keep Data Here'),
      canSelectFiles: false,
      canSelectFolders: true,
      canSelectMany: false,
      defaultUri: vscode.Uri.file(path.dirname(repository)),
    }),
  );
  if (!chosen) throw new DataManagerError('CANCELLED', 'Dismissed.');
  // Beside the repository a relative path works for everybody who has both.
  const relative = path.relative(repository, chosen.fsPath);
  const near = !path.isAbsolute(relative) && relative.split(path.sep).filter((part) => part === '..').length <= 1;
  const settingsPath = near ? relative.split(path.sep).join('/') || '.' : chosen.fsPath;
  return { settings: { type: 'folder', path: settingsPath }, credentials: null };
}
