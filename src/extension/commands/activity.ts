import * as vscode from 'vscode';
import type { Activity } from '../activity/activityList';
import type { Services } from '../services';
import { type ActivityRowNode, conflictIn } from '../tree/activityNodes';
import { stateWords } from '../tree/activityRow';
import { editorWords } from '../ui/editorWords';
import { withoutIcons } from '../ui/plainText';
import { chooseOne } from '../ui/prompts';
import { rowOf } from './subject';

/** Stops what runs. A transfer keeps what it has brought over, for Resume. */
export async function pauseActivity(services: Services, argument: unknown): Promise<void> {
  const title = vscode.l10n.t('Pause');
  const none = vscode.l10n.t('Nothing is running.');
  const activity = await chooseActivity(services, argument, { title, none, fits: isRunning });
  if (activity) services.activities.stop(activity.id);
}

/** Does once more what was paused or failed; transfers go on where they were. */
export async function resumeActivity(services: Services, argument: unknown): Promise<unknown> {
  const title = vscode.l10n.t('Resume');
  const none = vscode.l10n.t('Nothing is paused, and nothing failed.');
  const activity = await chooseActivity(services, argument, { title, none, fits: canResume });
  if (!activity) return undefined;
  services.activities.remove(activity);
  return activity.task.again();
}

/** Forgets what has ended. */
export async function clearActivity({ activities }: Services): Promise<void> {
  activities.clear();
}

interface Wanted {
  readonly title: string;
  /** Said when there is none. */
  readonly none: string;
  readonly fits: (activity: Activity) => boolean;
}

/** The activity of a row, or one that is chosen. Null when none fits. */
export async function chooseActivity(
  { activities }: Services,
  argument: unknown,
  { title, none, fits }: Wanted,
): Promise<Activity | null> {
  const row = rowOf(argument);
  const given = row?.kind === 'activity' ? (row satisfies ActivityRowNode).activity : null;
  // What ended between the look and the click has nothing to do any more.
  if (given) return fits(given) ? given : null;
  const words = editorWords();
  const items = activities.all.filter(fits).map((activity) => ({
    label: withoutIcons(activity.task.title),
    description: withoutIcons(stateWords(activity, words)),
    activity,
  }));
  if (items.length === 0) {
    void vscode.window.showInformationMessage(none);
    return null;
  }
  return (await chooseOne(items, vscode.l10n.t('Choose one'), title)).activity;
}

function isRunning({ state }: Activity): boolean {
  return state.kind === 'running';
}

function canResume(activity: Activity): boolean {
  return activity.state.kind === 'paused' || (activity.state.kind === 'failed' && conflictIn(activity) === null);
}
