import * as vscode from 'vscode';
import { DataManagerError, type ErrorCode } from '../../core/errors';
import { type FaultPlace, faultPlace } from './faultPlace';
import type { CommandId } from './ids';
import { notificationText } from './plainText';

/** Where an error came from: what its buttons act on. */
export interface ErrorPlace {
  /** Folder of the repository, if there is one. */
  readonly folder: string | undefined;
}

/**
 * Says what went wrong: one sentence, what to do, and at most two buttons. A cancel is silent; what is no error of ours is
 * a bug, and its stack goes to the log. Returns at once: nobody waits until a notification is closed.
 */
export function showError(error: unknown, log: vscode.LogOutputChannel, { folder }: ErrorPlace): void {
  if (DataManagerError.is(error, 'CANCELLED')) return;
  if (!DataManagerError.is(error)) {
    log.error(error instanceof Error ? error : String(error));
    void offer(vscode.l10n.t('Data Manager met an unexpected error. The log has the details.'), [showLogButton()]);
    return;
  }
  log.error(`${error.code}: ${[error.message, error.hint].filter(Boolean).join(' ')}`);
  if (error.cause !== undefined) log.debug(String(error.cause));
  const hint = hintFor(error);
  void offer(hint ? `${error.message} ${hint}` : error.message, buttonsFor(error, folder));
}

interface Button {
  readonly title: string;
  run(): unknown;
}

async function offer(message: string, buttons: readonly Button[]): Promise<void> {
  const chosen = await vscode.window.showErrorMessage(notificationText(message), ...buttons.map(({ title }) => title));
  await buttons.find(({ title }) => title === chosen)?.run();
}

/**
 * What to do next, in the editor's terms. Core's hint serves for every code that is not listed; those that are name a
 * command line where the editor has a button, or nothing to add (null).
 */
function hintFor(error: DataManagerError): string | null {
  const { t } = vscode.l10n;
  const own: Partial<Record<ErrorCode, string | null>> = {
    BRANCH_DIVERGED: t('Pull (rebase) with Git, then try again.'),
    COMMIT_NOT_FOUND: null,
    CONFIRMATION_NEEDED: null,
    CREDENTIALS_MISSING: t('Set the access key of the bucket.'),
    DATASET_CONFLICT:
      error.data.pending === true
        ? null
        : t('Compare your file with the new version; update again to put yours on top.'),
    DATASET_EXISTS: t('Use Update to publish a new version of it.'),
    DATASET_NOT_FOUND: null,
    GIT_MISSING: t('Install Git, or say where it is in the setting "datamanager.git.path".'),
    MANIFEST_INVALID: null,
    REFERENCE_AMBIGUOUS: null,
    REPOSITORY_EXISTS: null,
    REPOSITORY_NOT_FOUND: null,
    SETTINGS_INVALID: null,
    STORE_NOT_CONFIGURED: t('Say in the settings where the data lives: a folder or a bucket.'),
    STORE_NOT_TRUSTED: null,
    VERSION_NOT_AVAILABLE: null,
    VERSION_NOT_FOUND: null,
  };
  const hint = own[error.code];
  return hint === undefined ? (error.hint ?? null) : hint;
}

function buttonsFor(error: DataManagerError, folder: string | undefined): readonly Button[] {
  const command = (title: string, id: CommandId): Button => ({
    title,
    run: () => vscode.commands.executeCommand(id, folder === undefined ? undefined : { folder }),
  });
  switch (error.code) {
    case 'CREDENTIALS_MISSING':
    case 'CREDENTIALS_REJECTED':
      return [command(vscode.l10n.t('Set Credentials'), 'datamanager.setCredentials')];
    case 'STORE_NOT_CONFIGURED':
    case 'BUCKET_MISSING':
      return [command(vscode.l10n.t('Open Settings'), 'datamanager.openSettings')];
    case 'STORE_UNREACHABLE':
    case 'STORE_REFUSED':
      return [command(vscode.l10n.t('Verify Store'), 'datamanager.verifyStore'), showLogButton()];
    case 'MANIFEST_INVALID':
    case 'SETTINGS_INVALID':
      return openAtButton(error, folder);
    case 'GIT_MISSING':
      return [{ title: vscode.l10n.t('Open Setting'), run: () => openSetting('datamanager.git.path') }];
    case 'REPOSITORY_NOT_FOUND':
      return [command(vscode.l10n.t('Set Up Repository'), 'datamanager.initRepository')];
    case 'DATASET_CONFLICT':
      return [command(vscode.l10n.t('Resolve...'), 'datamanager.resolveConflict')];
    case 'GIT_FAILED':
    case 'PUSH_REJECTED':
    case 'STORE_FAILED':
      return [showLogButton()];
    default:
      return [];
  }
}

function showLogButton(): Button {
  return {
    title: vscode.l10n.t('Show Log'),
    run: () => vscode.commands.executeCommand('datamanager.showLog' satisfies CommandId),
  };
}

function openSetting(id: string): Thenable<unknown> {
  return vscode.commands.executeCommand('workbench.action.openSettings', id);
}

function openAtButton(error: DataManagerError, folder: string | undefined): readonly Button[] {
  const place = faultPlace(error, folder);
  return place === null ? [] : [{ title: vscode.l10n.t('Show in File'), run: () => openAt(place) }];
}

async function openAt({ file, line, column }: FaultPlace): Promise<void> {
  const position = new vscode.Position(line - 1, column - 1);
  const selection = new vscode.Range(position, position);
  await vscode.window.showTextDocument(vscode.Uri.file(file), { selection });
}
