import * as vscode from 'vscode';
import type { PushResult } from '../../core/operations/publishBranch';
import type { Resolution } from '../../core/operations/resolveConflict';
import { type Conflict, type ConflictSide, conflictOf } from '../activity/conflict';
import { runActivity } from '../activity/runActivity';
import type { ComparedSide, ComparedVersion } from '../documents/comparison';
import { requireTrustedWorkspace, type Services } from '../services';
import { conflictIn } from '../tree/activityNodes';
import { conflictWords } from '../tree/activityRow';
import { editorWords } from '../ui/editorWords';
import type { CommandId } from '../ui/ids';
import { notificationText, withoutIcons } from '../ui/plainText';
import { answered, dismissed } from '../ui/prompts';
import { refreshSourceControl } from '../vscodeGit';
import { chooseActivity } from './activity';
import { openComparison } from './compare';
import { comparedFile } from './comparedFile';
import { chooseRepository } from './subject';
import { withConsent } from './withConsent';

/** How a person goes on with a conflict. */
export type Choice = 'showTheirs' | 'showMine' | 'on-top' | 'theirs' | 'branch';

/** Asks about a conflict that a row of the Activity view tells of. */
export async function resolveConflict(services: Services, argument: unknown): Promise<unknown> {
  requireTrustedWorkspace();
  const activity = await chooseActivity(services, argument, {
    title: vscode.l10n.t('Resolve Conflict'),
    none: vscode.l10n.t('There is no conflict.'),
    fits: (candidate) => conflictIn(candidate) !== null,
  });
  const conflict = activity && conflictIn(activity);
  if (!activity || !conflict) return undefined;
  const done = (): void => forgetConflict(services, conflict);
  return settle(services, conflict, { onTop: activity.task.onTop, done });
}

export interface SettleOptions {
  /** Publishes the file again, on top of theirs. */
  readonly onTop: (() => Promise<unknown>) | undefined;
  /** Called once a way was chosen: the conflict is not open any more. */
  readonly done: () => void;
}

/** Says what happened, asks how to go on, and does that. Throws CANCELLED when it was left open. */
export async function settle(services: Services, conflict: Conflict, options: SettleOptions): Promise<unknown> {
  const choice = await askHow(conflict);
  if (choice === 'showTheirs' || choice === 'showMine') {
    await showDifference(services, conflict, choice);
    remind(conflict);
    return undefined;
  }
  if (conflict.pending) {
    const resolution = await resolutionOf(conflict, choice);
    const result = await settlePending(services, conflict, resolution);
    options.done();
    return result;
  }
  options.done();
  if (choice === 'on-top') return options.onTop?.();
  offerTheirs(conflict);
  return undefined;
}

/** Takes the rows away that tell of a conflict which is settled. */
export function forgetConflict({ activities }: Services, { folder, name }: Conflict): void {
  for (const activity of activities.all) {
    const open = conflictIn(activity);
    if (open?.folder === folder && open.name === name) activities.remove(activity);
  }
}

async function askHow(conflict: Conflict): Promise<Choice> {
  const { t } = vscode.l10n;
  const { base, theirs, mine, name, pending, file } = conflict;
  type Item = vscode.QuickPickItem & { readonly choice?: Choice };
  const next = theirs ? `v${numberOf(theirs) + 1}` : '';
  // Each of mine gets a number of its own.
  const several = pending && mine !== null && numberOf(mine) - (base ? numberOf(base) : 0) > 1;
  const items: Item[] = [];
  if (base && theirs)
    items.push({
      choice: 'showTheirs',
      label: t('$(git-compare) Show what they changed'),
      description: `${base.version} ↔ ${theirs.version}`,
    });
  if (theirs && (file !== null || mine))
    items.push({
      choice: 'showMine',
      label: t('$(git-compare) Show how mine differs from theirs'),
      description: t('{0} ↔ mine', theirs.version),
    });
  if (items.length > 0) items.push({ label: '', kind: vscode.QuickPickItemKind.Separator });
  if (theirs)
    items.push({
      choice: 'on-top',
      label: several ? t('$(arrow-up) Publish mine on top') : t('$(arrow-up) Publish mine on top, as {0}', next),
      detail: t('{0} stays in the history; rows that only they changed are not in yours', theirs.version),
    });
  if (name !== null)
    items.push({
      choice: 'theirs',
      label: theirs ? t('$(check) Take theirs, {0}', theirs.version) : t('$(check) Take theirs'),
      detail: pending
        ? t('Gives up what waits here; your file stays as it is')
        : t('Nothing of yours is published; your file stays as it is'),
    });
  if (pending)
    items.push({
      choice: 'branch',
      label: t('$(git-branch) Publish mine on a branch...'),
      detail: t('All that waits here goes there, to be merged later'),
    });
  if (items.length === 0) throw dismissed();
  const picked = await answered(
    vscode.window.showQuickPick(items, {
      title: withoutIcons(conflictWords(conflict, editorWords())),
      placeHolder: t('How do you want to go on? Escape decides later, in the Activity view'),
      ignoreFocusOut: true,
    }),
  );
  if (!picked.choice) throw dismissed();
  return picked.choice;
}

function numberOf({ version }: ConflictSide): number {
  return Number(version.slice(1));
}

/** Base and theirs, or theirs and mine, as row diffs. */
async function showDifference(services: Services, conflict: Conflict, what: 'showTheirs' | 'showMine'): Promise<void> {
  const { folder, name, base, theirs } = conflict;
  if (name === null || theirs === null) return;
  // Theirs is not in the manifest of the work tree while ours waits here.
  const at = conflict.pending ? await remoteTip(services, folder) : null;
  const comparison = { folder, at, name };
  if (what === 'showTheirs') {
    await openComparison(services, { ...comparison, before: base && compared(base), after: compared(theirs) });
    return;
  }
  await openComparison(services, { ...comparison, before: compared(theirs), after: await ourSide(conflict, theirs) });
}

/** The version that waits here, else the file that was not published. */
async function ourSide({ file, mine, pending }: Conflict, theirs: ConflictSide): Promise<ComparedSide> {
  const label = vscode.l10n.t('mine');
  if (!pending && file !== null) return comparedFile(file, label);
  return { ...compared(mine ?? theirs), label };
}

async function remoteTip(services: Services, folder: string): Promise<string | null> {
  const { pushedUpTo } = await import('../../core/operations/pendingCommits');
  return pushedUpTo(await services.operations.context(folder));
}

function compared({ version, sha256 }: ConflictSide): ComparedVersion {
  return { kind: 'version', version, sha256 };
}

async function resolutionOf({ name }: Conflict, choice: Choice): Promise<Resolution> {
  if (choice !== 'branch' && name !== null) return { kind: choice === 'on-top' ? 'on-top' : 'theirs', name };
  const branch = await answered(
    vscode.window.showInputBox({
      title: vscode.l10n.t('Publish mine on a branch'),
      prompt: vscode.l10n.t('Name of the new branch'),
      value: `datamanager/${(name ?? 'mine').replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+|\.(sqlite3?|db)$|[.-]+$/g, '')}`,
      ignoreFocusOut: true,
      validateInput: (text) => (text.trim() === '' ? vscode.l10n.t("It can't be empty.") : undefined),
    }),
  );
  return { kind: 'branch', branch: branch.trim() };
}

/** Settles what waits here. Another conflict behind this one is asked about in turn. */
async function settlePending(services: Services, conflict: Conflict, resolution: Resolution): Promise<unknown> {
  const { folder } = conflict;
  const state = await chooseRepository(services, { folder }, vscode.l10n.t('Resolve Conflict'));
  const { resolveConflict: resolve } = await import('../../core/operations/resolveConflict');
  const context = services.operations.contextOf(state.repository, { asked: true });
  const words = resolutionWords(resolution);
  const task = {
    kind: 'push' as const,
    title: words.title,
    folder,
    outcome: ({ note, pushed }: PushResult) => note ?? (pushed ? words.done : vscode.l10n.t('Not pushed yet')),
    again: () => settlePending(services, conflict, resolution),
  };
  try {
    const result = await withConsent<{ readonly yes?: boolean }, PushResult>({}, (options) =>
      runActivity(services.activities, task, (monitor) => resolve(context, resolution, { ...options, ...monitor })),
    );
    void vscode.window.showInformationMessage(notificationText(task.outcome(result)));
    return result;
  } catch (error) {
    const next = conflictOf(error, folder);
    if (!next) throw error;
    return settle(services, next, { onTop: undefined, done: () => undefined });
  } finally {
    refreshSourceControl(state.repository.root);
    await services.repositories.refresh();
    await services.pendingWork.refresh();
  }
}

function resolutionWords(resolution: Resolution): { readonly title: string; readonly done: string } {
  const { t } = vscode.l10n;
  switch (resolution.kind) {
    case 'on-top':
      return {
        title: t('Publishing {0} on top', resolution.name),
        done: t('{0} is published on top of theirs.', resolution.name),
      };
    case 'theirs':
      return {
        title: t('Taking theirs of {0}', resolution.name),
        done: t('{0} is as they published it.', resolution.name),
      };
    case 'branch':
      return {
        title: t('Publishing on {0}', resolution.branch),
        done: t('Your versions are on the branch {0}.', resolution.branch),
      };
  }
}

/** The file is the person's: theirs comes beside or over it only when they say so. */
function offerTheirs({ folder, name, theirs }: Conflict): void {
  if (name === null || theirs === null) return;
  const pull = vscode.l10n.t('Pull {0}', theirs.version);
  const said = vscode.l10n.t('{0} stays at {1}, as they published it. Your file is as it was.', name, theirs.version);
  void vscode.window.showInformationMessage(notificationText(said), pull).then((answer) => {
    if (answer !== pull) return undefined;
    const { version } = theirs;
    return vscode.commands.executeCommand('datamanager.pullVersion' satisfies CommandId, { folder, name, version });
  });
}

/** Behind the comparison that was opened: the question is still to be answered. */
function remind({ name }: Conflict): void {
  const decide = vscode.l10n.t('Decide...');
  const said = vscode.l10n.t('{0}: theirs or mine?', name ?? '');
  void vscode.window.showInformationMessage(notificationText(said), decide).then((answer) => {
    if (answer !== decide) return undefined;
    return vscode.commands.executeCommand('datamanager.resolveConflict' satisfies CommandId);
  });
}
