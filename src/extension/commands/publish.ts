import * as vscode from 'vscode';
import { latest } from '../../core/catalog/manifest';
import type { PublishOptions, PublishResult } from '../../core/operations/publishVersion';
import { conflictOf } from '../activity/conflict';
import { runActivity } from '../activity/runActivity';
import type { Services } from '../services';
import type { CommandId } from '../ui/ids';
import { notificationText, withoutIcons } from '../ui/plainText';
import { answered, dismissed } from '../ui/prompts';
import { formatBytes } from '../ui/quantities';
import { refreshSourceControl } from '../vscodeGit';
import { makeWholeLater } from './makeWholeObjects';
import { forgetConflict, settle } from './resolveConflict';
import type { OpenRepository } from './subject';
import { withConsent } from './withConsent';

/** What a program may say instead of a person, when it publishes. */
export interface PublishAnswers {
  readonly file?: string;
  /** Commit message; '' for the one that is made up. */
  readonly message?: string;
  readonly parents?: readonly string[];
  readonly push?: boolean;
  /** Agrees to push the user's own commits along. */
  readonly yes?: boolean;
}

type Publish = (options: PublishOptions) => Promise<PublishResult>;

/** Publishes with progress, asks when commits of the user's own would be pushed along, and says what became of it. */
export async function publishWithProgress(
  services: Services,
  state: OpenRepository,
  title: string,
  publish: Publish,
  options: PublishOptions,
): Promise<PublishResult> {
  const { folder } = state;
  const again = (changed: Partial<PublishOptions>): Promise<PublishResult> =>
    publishWithProgress(services, state, title, publish, { ...options, ...changed });
  const onTop = (): Promise<PublishResult> => again({ onConflict: 'on-top' });
  const task = { kind: 'publish' as const, title, folder, outcome: outcomeWords, again: () => again({}), onTop };
  let result: PublishResult;
  try {
    result = await withConsent(options, (agreed) =>
      runActivity(services.activities, task, (monitor) => publish({ ...agreed, ...monitor })),
    );
  } catch (error) {
    const conflict = conflictOf(error, folder);
    if (!conflict) throw error;
    // The branch holds what they published by now.
    await services.repositories.refresh();
    const settled = await settle(services, conflict, { onTop, done: () => forgetConflict(services, conflict) });
    if (!isPublished(settled)) throw dismissed();
    return settled;
  }
  services.log.info(
    `${result.name}@${result.version}: ${result.status}, sha256 ${result.sha256}, commit ${result.commit ?? '-'}, ` +
      `${result.transfer.bytesSent} bytes sent, pushed: ${result.pushed}`,
  );
  refreshSourceControl(state.repository.root);
  await Promise.all([services.repositories.refresh(), services.pendingWork.refresh()]);
  void report(result, state);
  const sentLess = result.status === 'updated' && result.transfer.bytesSent < result.size;
  if (sentLess && state.content.settings.transfer.deltaFirst) makeWholeLater(services, state, result.name);
  return result;
}

function isPublished(settled: unknown): settled is PublishResult {
  return typeof settled === 'object' && settled !== null && 'status' in settled && 'sha256' in settled;
}

/** One line for the Activity view. */
function outcomeWords(result: PublishResult): string {
  const { t } = vscode.l10n;
  const { version, status, transfer, pushed, note } = result;
  if (status === 'unchanged') return t('Unchanged, {0} has these bytes', version);
  const parts = [
    version,
    t('{0} sent', formatBytes(transfer.bytesSent)),
    transfer.bytesCopied > 0 ? t('{0} copied in the store', formatBytes(transfer.bytesCopied)) : null,
    transfer.bytesResumed > 0 ? t('{0} from before', formatBytes(transfer.bytesResumed)) : null,
    !pushed && note !== null ? t('push pending') : null,
  ];
  return parts.filter((part) => part !== null).join(', ');
}

async function report(result: PublishResult, { folder }: OpenRepository): Promise<void> {
  const { t } = vscode.l10n;
  const { name, version, status, note, pushed } = result;
  if (status === 'unchanged') {
    const message = t('{0} is unchanged: the file has the same bytes as {1}. Nothing was sent.', name, version);
    await vscode.window.showInformationMessage(notificationText(message));
    return;
  }
  const size = formatBytes(result.size);
  const said =
    status === 'created'
      ? t('{0} {1} was created ({2}).', name, version, size)
      : t('{0} was updated to {1} ({2}){3}.', name, version, size, changeWords(result));
  const compare = t('Compare');
  const actions = status === 'updated' && result.diff ? [compare] : [];
  const show = note !== null && !pushed ? vscode.window.showWarningMessage : vscode.window.showInformationMessage;
  const text = note !== null && !pushed ? `${said} ${note}` : said;
  if ((await show(notificationText(text), ...actions)) !== compare) return;
  await vscode.commands.executeCommand('datamanager.comparePrevious' satisfies CommandId, { folder, name, version });
}

function changeWords({ diff }: PublishResult): string {
  if (!diff) return '';
  const { t } = vscode.l10n;
  if (diff.lines) return t(', {0} lines added, {1} removed', diff.lines.added, diff.lines.removed);
  const rows = diff.tables.reduce((sum, { inserted, updated, deleted }) => sum + inserted + updated + deleted, 0);
  const schema = diff.schema.length > 0 ? t(', schema changed') : '';
  return `${rows === 1 ? t(', 1 row changed') : t(', {0} rows changed', rows)}${schema}`;
}

/** The commit message; '' lets core make one up. */
export async function askMessage(given: string | undefined, value: string, title: string): Promise<string> {
  if (given !== undefined) return given;
  const prompt = vscode.l10n.t('What changed? This becomes the commit message.');
  return answered(vscode.window.showInputBox({ title, prompt, value, ignoreFocusOut: true }));
}

/** References of the versions that the new one was made from; may be left empty. */
export async function askParents(
  given: readonly string[] | undefined,
  { content }: OpenRepository,
  self: string | null,
  title: string,
): Promise<readonly string[]> {
  if (given !== undefined) return given;
  const others = content.manifest.datasets.filter(({ name }) => name !== self);
  if (others.length === 0) return [];
  const items = others.map((dataset) => ({
    label: withoutIcons(dataset.name),
    description: latest(dataset).version,
    reference: `${dataset.name}@${latest(dataset).version}`,
  }));
  const placeHolder = vscode.l10n.t('Derived from which datasets? Leave empty if none');
  const picked = await answered(
    vscode.window.showQuickPick(items, { title, placeHolder, canPickMany: true, ignoreFocusOut: true }),
  );
  return picked.map(({ reference }) => reference);
}
