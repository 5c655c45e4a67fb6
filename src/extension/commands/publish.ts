import * as vscode from 'vscode';
import { latest } from '../../core/catalog/manifest';
import { DataManagerError } from '../../core/errors';
import type { PublishOptions, PublishResult } from '../../core/operations/publishVersion';
import type { Services } from '../services';
import type { CommandId } from '../ui/ids';
import { notificationText, oneLine, withoutIcons } from '../ui/plainText';
import { answered, dismissed } from '../ui/prompts';
import { formatBytes } from '../ui/quantities';
import { withProgress } from '../ui/withProgress';
import { refreshSourceControl } from '../vscodeGit';
import type { OpenRepository } from './subject';

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
  const result = await withConsent(options, (agreed) =>
    withProgress(title, (monitor) => publish({ ...agreed, ...monitor })),
  );
  services.log.info(
    `${result.name}@${result.version}: ${result.status}, sha256 ${result.sha256}, commit ${result.commit ?? '-'}, ` +
      `${result.transfer.bytesSent} bytes sent, pushed: ${result.pushed}`,
  );
  refreshSourceControl(state.repository.root);
  await services.repositories.refresh();
  void report(result, state);
  return result;
}

/** Runs a write; when it would push commits of the user along, asks and runs it again with their consent. */
export async function withConsent<T extends { readonly yes?: boolean | undefined }, R>(
  options: T,
  run: (options: T) => Promise<R>,
): Promise<R> {
  try {
    return await run(options);
  } catch (error) {
    if (!DataManagerError.is(error, 'CONFIRMATION_NEEDED')) throw error;
    await agreeToPush(error);
    return run({ ...options, yes: true });
  }
}

async function agreeToPush(error: DataManagerError): Promise<void> {
  const agree = vscode.l10n.t('Push Them Too');
  const commits = Array.isArray(error.data.commits) ? (error.data.commits as readonly { subject?: unknown }[]) : [];
  const detail = commits.map(({ subject }) => `• ${oneLine(String(subject))}`).join('\n');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Commits of yours are not pushed yet. Publishing pushes them too.'),
    { modal: true, detail },
    agree,
  );
  if (answer !== agree) throw dismissed();
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
