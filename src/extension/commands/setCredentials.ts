import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import type { S3StoreSettings, StoreCredentials } from '../../core/store/storeSettings';
import { requireTrustedWorkspace, type Services } from '../services';
import { answered } from '../ui/prompts';
import { chooseRepository, optionsOf, type SubjectOptions } from './subject';

export interface SetCredentialsOptions extends SubjectOptions {
  readonly credentials?: StoreCredentials;
}

/** Asks for the access key of a repository's bucket and keeps it in VS Code's secret storage. */
export async function setCredentials(services: Services, argument: unknown): Promise<void> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Set Credentials');
  const { repository, folder } = await chooseRepository(services, argument, title);
  const store = await services.operations.storeSettings(repository);
  if (store?.type !== 's3') {
    throw store
      ? new DataManagerError('CREDENTIALS_MISSING', 'A folder store needs no credentials.')
      : new DataManagerError('STORE_NOT_CONFIGURED', 'This repository does not say where its data lives.');
  }
  await services.storeTrust.require(folder, store);
  const { credentials = await askCredentials(store, title) } = optionsOf<SetCredentialsOptions>(argument);
  await services.credentials.keep(store, credentials);
  vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) Credentials for "{0}" kept', store.bucket), 4000);
}

export async function askCredentials({ bucket }: S3StoreSettings, title: string): Promise<StoreCredentials> {
  const accessKeyId = await askText(title, vscode.l10n.t('Access key ID for the bucket "{0}"', bucket), false);
  const secretAccessKey = await askText(title, vscode.l10n.t('Secret access key'), true);
  return { accessKeyId, secretAccessKey };
}

async function askText(title: string, prompt: string, password: boolean): Promise<string> {
  const text = await answered(
    vscode.window.showInputBox({
      title,
      prompt,
      password,
      ignoreFocusOut: true,
      validateInput: (value) => (value.trim() === '' ? vscode.l10n.t("It can't be empty.") : undefined),
    }),
  );
  return text.trim();
}
