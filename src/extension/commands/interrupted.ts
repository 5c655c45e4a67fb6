import * as vscode from 'vscode';
import type { Recovered } from '../../core/operations/recoverTransactions';
import { sameStamp, stampFile } from '../../core/store/hashFile';
import type { JournalRecord, PublishRecord } from '../../core/transaction/journal';
import { runActivity } from '../activity/runActivity';
import type { RepositoryState } from '../repositoryState';
import { requireTrustedWorkspace, type Services } from '../services';
import { activityRoots, type InterruptedNode } from '../tree/activityNodes';
import { activityRow, canUndo } from '../tree/activityRow';
import { editorWords } from '../ui/editorWords';
import { notificationText, oneLine, withoutIcons } from '../ui/plainText';
import { chooseOne, dismissed } from '../ui/prompts';
import { createDataset } from './createDataset';
import { pushPending } from './pushPending';
import { rowOf } from './subject';
import { updateDataset } from './updateDataset';

/** Brings an interrupted publish to its end: what was committed is pushed, what was not is published again from its file. */
export async function finishInterrupted(services: Services, argument: unknown): Promise<unknown> {
  requireTrustedWorkspace();
  const node = await chooseInterrupted(services, argument, vscode.l10n.t('Finish'), () => true);
  if (!node) return undefined;
  const { state, record } = node;
  if (record.kind === 'publish' && canUndo(record)) await askAboutChanges(record);
  const found = await recover(services, state, () => finishInterrupted(services, node));
  const own = found.find(({ id }) => id === record.id);
  if (own?.action === 'pending') return pushPending(services, { folder: state.folder });
  if (own?.action === 'undone' && record.kind === 'publish') return publishAgain(services, state, record);
  say(own?.sentence ?? doneElsewhere());
  return own;
}

/** Forgets a publish that was interrupted before it was committed. */
export async function undoInterrupted(services: Services, argument: unknown): Promise<Recovered | undefined> {
  requireTrustedWorkspace();
  const node = await chooseInterrupted(services, argument, vscode.l10n.t('Undo'), ({ record }) => canUndo(record));
  if (!node) return undefined;
  const found = await recover(services, node.state, () => undoInterrupted(services, node));
  const own = found.find(({ id }) => id === node.record.id);
  say(own?.sentence ?? doneElsewhere());
  return own;
}

/** Core mends all journals of a clone at once, as the next publish would. */
async function recover(
  services: Services,
  { repository, folder }: RepositoryState,
  again: () => Promise<unknown>,
): Promise<readonly Recovered[]> {
  const { recoverTransactions } = await import('../../core/operations/recoverTransactions');
  const context = services.operations.contextOf(repository, { asked: true });
  const outcome = (found: readonly Recovered[]): string =>
    found.map(({ sentence }) => sentence).join(' ') || doneElsewhere();
  const title = vscode.l10n.t('Cleaning up after an interruption');
  const found = await runActivity(services.activities, { kind: 'recover', title, folder, outcome, again }, (monitor) =>
    recoverTransactions(context, monitor),
  );
  for (const { sentence } of found) services.log.info(`${folder}: ${sentence}`);
  await services.repositories.refresh();
  await services.pendingWork.refresh();
  return found;
}

/** The file may be another one by now than the one that was to be published. */
async function askAboutChanges({ file, stamp }: PublishRecord): Promise<void> {
  const now = await stampFile(file).catch(() => null);
  // One that is gone is refused by the publish, with its reason.
  if (now === null || sameStamp(now, stamp)) return;
  const publish = vscode.l10n.t('Publish It as It Is Now');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('The file has changed since the publish was interrupted.'),
    { modal: true, detail: oneLine(file) },
    publish,
  );
  if (answer !== publish) throw dismissed();
}

// A journal does not hold everything that was answered then; the commands ask for the rest.
function publishAgain(
  services: Services,
  { folder, content }: RepositoryState,
  { name, file, message }: PublishRecord,
): Promise<unknown> {
  const exists = !content.problem && content.manifest.datasets.some((dataset) => dataset.name === name);
  const answers = { folder, name, file, ...(message === null ? {} : { message }) };
  return exists ? updateDataset(services, answers) : createDataset(services, answers);
}

async function chooseInterrupted(
  { pendingWork }: Services,
  argument: unknown,
  title: string,
  fits: (node: { readonly record: JournalRecord }) => boolean,
): Promise<InterruptedNode | null> {
  const row = rowOf(argument);
  if (row?.kind === 'interrupted') return row;
  await pendingWork.refresh();
  const nodes = activityRoots([], pendingWork.known).filter((node) => node.kind === 'interrupted');
  const words = editorWords();
  const items = nodes.filter(fits).map((node) => {
    const { label, description = '' } = activityRow(node, words);
    return { label: withoutIcons(label), description: withoutIcons(description), node };
  });
  if (items.length === 0) {
    say(vscode.l10n.t('Nothing was interrupted.'));
    return null;
  }
  return (await chooseOne(items, vscode.l10n.t('Which one?'), title)).node;
}

function doneElsewhere(): string {
  return vscode.l10n.t('There is nothing left to do: another window or command has seen to it.');
}

function say(message: string): void {
  void vscode.window.showInformationMessage(notificationText(message));
}
