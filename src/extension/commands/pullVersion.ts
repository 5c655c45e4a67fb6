import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { checkDatasetName } from '../../core/catalog/datasetName';
import type { PullResult } from '../../core/operations/pullVersion';
import type { Monitor } from '../../core/progress';
import { hashFile } from '../../core/store/hashFile';
import { runActivity } from '../activity/runActivity';
import type { Services } from '../services';
import { pullFolder } from '../settings';
import { withoutIcons } from '../ui/plainText';
import { answered, dismissed } from '../ui/prompts';
import { formatBytes } from '../ui/quantities';
import { withProgress } from '../ui/withProgress';
import { chooseVersion, optionsOf, rowOf, type SubjectOptions, type VersionSubject } from './subject';

export interface PullVersionOptions extends SubjectOptions {
  /** File to write; the pull folder and the dataset's name when absent. */
  readonly output?: string;
  /** Replaces a file that holds something else, without a question. */
  readonly replace?: boolean;
}

/** Brings one version, or those of several selected rows, onto this machine. */
export async function pullVersion(
  services: Services,
  argument: unknown,
  selected: unknown,
): Promise<readonly PullResult[]> {
  const title = vscode.l10n.t('Pull');
  const rows = (Array.isArray(selected) ? selected : []).filter((row) =>
    ['dataset', 'version'].includes(rowOf(row)?.kind ?? ''),
  );
  const subjects: VersionSubject[] = [];
  for (const row of rows.length > 1 ? rows : [argument]) subjects.push(await chooseVersion(services, row, title));
  const given = optionsOf<PullVersionOptions>(argument);
  const results: PullResult[] = [];
  try {
    for (const subject of subjects) {
      const output = given.output ?? defaultTarget(subject);
      const target = given.replace ? output : await withoutLoss(subject, output);
      results.push(await pullOne(services, subject, target));
    }
  } finally {
    await services.repositories.refresh();
  }
  announce(results);
  return results;
}

async function pullOne(
  services: Services,
  { state, dataset, entry }: VersionSubject,
  output: string,
): Promise<PullResult> {
  const { pullVersion: pull } = await import('../../core/operations/pullVersion');
  const context = services.operations.contextOf(state.repository);
  const reference = `${dataset.name}@${entry.version}`;
  const { folder } = state;
  const { name } = dataset;
  const { version } = entry;
  const task = {
    kind: 'pull' as const,
    title: vscode.l10n.t('Pulling {0} {1}', name, version),
    folder,
    outcome: outcomeWords,
    again: () => pullVersion(services, { folder, name, version, output }, undefined),
  };
  const result = await runActivity(services.activities, task, (monitor) =>
    pull(context, reference, { output, workingFolder: folder, ...monitor }),
  );
  services.log.info(`${reference} is in ${result.path} (${result.from}, ${result.bytesReceived} bytes received)`);
  return result;
}

function outcomeWords({ from, bytesReceived }: PullResult): string {
  const { t } = vscode.l10n;
  switch (from) {
    case 'local':
      return t('was here already');
    case 'cache':
      return t('from the cache');
    case 'delta':
      return t('{0} received, only the changes', formatBytes(bytesReceived));
    case 'ranges':
      return t('{0} received, only what differs', formatBytes(bytesReceived));
    case 'full':
      return t('{0} received', formatBytes(bytesReceived));
  }
}

function defaultTarget({ state, dataset }: VersionSubject): string {
  return path.join(pullFolder(state.folder), checkDatasetName(dataset.name));
}

/** The target if nothing is lost by writing to it: there is no file, or it holds a version of this dataset. */
async function withoutLoss(subject: VersionSubject, target: string): Promise<string> {
  const found = await stat(target).catch(() => null);
  if (!found?.isFile() || found.size === 0) return target;
  const checking = vscode.l10n.t('Checking {0}', path.basename(target));
  if (await withProgress(checking, (monitor) => holdsSomeVersion(subject, target, monitor))) return target;
  const replace = vscode.l10n.t('Replace');
  const elsewhere = vscode.l10n.t('Save Elsewhere...');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('The file {0} holds data that is no version of this dataset.', path.basename(target)),
    { modal: true, detail: vscode.l10n.t('Pulling replaces it, and these changes are lost.\n{0}', target) },
    replace,
    elsewhere,
  );
  if (answer === replace) return target;
  if (answer !== elsewhere) throw dismissed();
  const { version } = subject.entry;
  const { dir, name, ext } = path.parse(target);
  const defaultUri = vscode.Uri.file(path.join(dir, `${name}-${version}${ext}`));
  return (await answered(vscode.window.showSaveDialog({ defaultUri, saveLabel: vscode.l10n.t('Pull') }))).fsPath;
}

async function holdsSomeVersion({ dataset }: VersionSubject, file: string, monitor: Monitor): Promise<boolean> {
  const { sha256 } = await hashFile({ path: file, ...monitor });
  return dataset.history.some((entry) => entry.sha256 === sha256);
}

/** A pull that went well needs no notification: the row shows it, the status bar says it for a moment. */
function announce(results: readonly PullResult[]): void {
  const [first, ...others] = results;
  if (!first) return;
  const { t } = vscode.l10n;
  const received = results.reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
  const what = others.length > 0 ? t('{0} datasets', results.length) : withoutIcons(`${first.name} ${first.version}`);
  const text =
    received > 0
      ? t('{0} pulled, {1} received', what, formatBytes(received))
      : first.from === 'local' && others.length === 0
        ? t('{0} is here already', what)
        : t('{0} pulled from the cache', what);
  vscode.window.setStatusBarMessage(`$(check) ${text}`, 6000);
}
