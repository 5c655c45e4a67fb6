import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import type { StoreCheck } from '../../core/store/objectStore';
import type { S3StoreSettings } from '../../core/store/storeSettings';
import { editorNetwork } from '../editorNetwork';
import { requireTrustedWorkspace, type Services } from '../services';
import { askCredentials, type CredentialsWay } from '../ui/askCredentials';
import type { KeptCredentials } from '../ui/credentials';
import { firstFailure } from '../ui/firstFailure';
import { notificationText } from '../ui/plainText';
import { withProgress } from '../ui/withProgress';
import { chooseRepository, optionsOf, type SubjectOptions } from './subject';

export interface SetCredentialsOptions extends SubjectOptions {
  readonly credentials?: KeptCredentials;
  /** Where they are, instead of a question. */
  readonly way?: CredentialsWay;
}

/**
 * Asks for the access key of a repository's bucket, tries it, and keeps it in VS Code's secret storage. A key with which nothing
 * works is not kept; of one that can't do everything it is said what is missing.
 */
export async function setCredentials(services: Services, argument: unknown): Promise<readonly StoreCheck[]> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Set Credentials');
  const { repository, folder } = await chooseRepository(services, argument, title);
  const store = await services.operations.storeSettings(repository);
  if (store?.type !== 's3') {
    throw store
      ? new DataManagerError('CREDENTIALS_MISSING', 'A folder store needs no credentials.')
      : new DataManagerError('STORE_NOT_CONFIGURED', 'This repository does not say where its objects live.');
  }
  await services.storeTrust.require(folder, store);
  const { credentials: given, way } = optionsOf<SetCredentialsOptions>(argument);
  const credentials = given ?? (await askCredentials(store, { title, folder, way, credentials: services.credentials }));
  const checks = await keepWhatWorks(services, store, credentials);
  if (checks.some(({ ok }) => !ok)) {
    const message = vscode.l10n.t(
      'The access key for "{0}" is kept, but not all works: {1}',
      store.bucket,
      firstFailure(checks),
    );
    void vscode.window.showWarningMessage(notificationText(message));
  } else {
    vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) Credentials for "{0}" kept', store.bucket), 4000);
  }
  return checks;
}

/**
 * Keeps credentials that open the bucket for anything at all. Throws what is wrong with those that don't: CREDENTIALS_REJECTED,
 * STORE_UNREACHABLE, BUCKET_MISSING, STORE_REFUSED, STORE_FAILED; CREDENTIALS_MISSING for a profile without keys.
 */
export async function keepWhatWorks(
  { credentials: keeper, log }: Pick<Services, 'credentials' | 'log'>,
  store: S3StoreSettings,
  credentials: KeptCredentials,
): Promise<readonly StoreCheck[]> {
  const keys = await keeper.resolve(credentials);
  const { openStore } = await import('../../core/store/openStore');
  const network = editorNetwork(process.env);
  const opened = await openStore({ settings: store, credentials: keys, baseFolder: '/', network });
  const checks = await withProgress(vscode.l10n.t('Trying the access key'), (monitor) => opened.verify(monitor));
  for (const { check, ok, code } of checks)
    log.info(`${opened.location}: ${check} ${ok ? 'ok' : (code ?? 'not tried')}`);
  const works = checks.some(({ check, ok }) => check !== 'reach' && ok);
  const failure = checks.find(({ code }) => code !== null);
  if (!works) {
    throw new DataManagerError(
      failure?.code ?? 'STORE_FAILED',
      vscode.l10n.t('The access key was not kept: {0}', failure?.detail ?? opened.location),
    );
  }
  await keeper.keep(store, credentials);
  return checks;
}
