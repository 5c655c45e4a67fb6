import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { settingsFile, writeSettings } from '../../core/catalog/settings';
import { requireTrustedWorkspace, type Services } from '../services';
import { dismissed } from '../ui/prompts';
import { chooseRepository, folderOf } from './subject';

/** Opens a repository's `.datamanager.json`; makes it, when asked to. */
export async function openSettings(services: Services, argument: unknown): Promise<string> {
  // Settings that can't be read are what one wants to mend here, so the folder is enough.
  const known = await services.repositories.current();
  const folder =
    folderOf(argument, known) ?? (await chooseRepository(services, argument, vscode.l10n.t('Open Settings'))).folder;
  const file = path.join(folder, settingsFile);
  if ((await stat(file).catch(() => null)) === null) await make(file);
  await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false });
  return file;
}

async function make(file: string): Promise<void> {
  requireTrustedWorkspace();
  const create = vscode.l10n.t('Create');
  const answer = await vscode.window.showInformationMessage(
    vscode.l10n.t('This repository has no {0} yet. Create it?', settingsFile),
    { modal: true, detail: vscode.l10n.t('It says where the data lives: a folder, or a bucket. It holds no secret.') },
    create,
  );
  if (answer !== create) throw dismissed();
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(writeSettings({ type: 'folder', path: '../datasets' }));
  } finally {
    await handle.close();
  }
}
