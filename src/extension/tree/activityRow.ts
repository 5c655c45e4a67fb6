import type { JournalRecord } from '../../core/transaction/journal';
import type { PublishState } from '../../core/transaction/steps';
import type { Activity } from '../activity/activityList';
import type { Conflict } from '../activity/conflict';
import type { Figures } from '../activity/transferMeter';
import { oneLine } from '../ui/plainText';
import { phaseWords } from '../ui/progressWords';
import { formatAge, formatBytes, formatDuration } from '../ui/quantities';
import type { Words } from '../ui/words';
import {
  type ActivityNode,
  conflictIn,
  type FigureNode,
  type InterruptedNode,
  type PendingNode,
  type PendingVersionNode,
} from './activityNodes';
import { contextValue, joined, type RowText } from './rowText';

/** How a row of the Activity view looks. */
export function activityRow(node: ActivityNode, words: Words): RowText {
  switch (node.kind) {
    case 'activity':
      return activityText(node.activity, words);
    case 'figure':
      return figureText(node);
    case 'pending':
      return pendingText(node, words);
    case 'pendingVersion':
      return versionText(node);
    case 'interrupted':
      return interruptedText(node, words);
  }
}

function activityText(activity: Activity, words: Words): RowText {
  const { state, task } = activity;
  const open = conflictIn(activity);
  const conflict = open !== null;
  const label = oneLine(open?.name ? words.l10n.t('Conflict: {0}', open.name) : task.title);
  const description = stateWords(activity, words);
  return {
    label,
    description,
    icon: iconOf(activity),
    contextValue: contextValue('activity', {
      running: state.kind === 'running',
      again: state.kind === 'paused' || (state.kind === 'failed' && !conflict),
      conflict,
    }),
    children: state.kind === 'running' ? 'collapsed' : 'none',
    spoken: `${label}, ${description}`,
  };
}

function figureText({ label, value }: FigureNode): RowText {
  return {
    label,
    description: value,
    icon: { id: 'dash' },
    contextValue: 'figure',
    children: 'none',
    spoken: `${label}: ${value}`,
  };
}

/** The state in words: what a row says behind its title. */
export function stateWords({ state, figures, endedAt }: Activity, words: Words): string {
  const { l10n, now, language } = words;
  switch (state.kind) {
    case 'running':
      return figures ? figuresWords(figures, words) : l10n.t('starting');
    case 'stopping':
      return l10n.t('stopping');
    case 'paused':
      return state.kept > 0 ? l10n.t('Paused, {0} are kept', formatBytes(state.kept)) : l10n.t('Paused');
    case 'done':
      return joined([oneLine(state.sentence), endedAt === null ? null : formatAge(endedAt, now, language)]);
    case 'failed':
      return oneLine(state.conflict ? conflictWords(state.conflict, words) : state.sentence);
  }
}

/** `Grace Hopper published v2 of prices.csv, 2 minutes ago`; core's sentence where less is known. */
export function conflictWords({ name, theirs, sentence }: Conflict, { l10n, now, language }: Words): string {
  if (name === null || !theirs?.author || !theirs.timestamp) return sentence;
  const said = l10n.t('{0} published {1} of {2}', theirs.author, theirs.version, name);
  return joined([said, formatAge(theirs.timestamp, now, language)], ', ');
}

/** `44 % · 4 s left · uploading 41 MB of 92 MB · 12 MB/s`: what matters most first, a side bar is narrow. */
function figuresWords({ phase, done, total, percent, speed, secondsLeft, detail }: Figures, words: Words): string {
  const { l10n } = words;
  const said = phaseWords(phase, words);
  if (detail !== null) return `${said} ${oneLine(detail)}`;
  const bytes =
    total !== null && total > 0
      ? l10n.t('{0} of {1}', formatBytes(done), formatBytes(total))
      : done > 0
        ? formatBytes(done)
        : null;
  return joined([
    percent === null ? null : `${percent} %`,
    secondsLeft !== null && percent !== 100 ? l10n.t('{0} left', formatDuration(secondsLeft)) : null,
    joined([said, bytes], ' '),
    bytes !== null && speed !== null ? l10n.t('{0}/s', formatBytes(speed)) : null,
  ]);
}

function iconOf({ state }: Activity): RowText['icon'] {
  switch (state.kind) {
    case 'running':
    case 'stopping':
      return { id: 'loading~spin' };
    case 'paused':
      return { id: 'debug-pause' };
    case 'done':
      return { id: 'pass' };
    case 'failed':
      return state.conflict
        ? { id: 'warning', color: 'list.warningForeground' }
        : { id: 'error', color: 'list.errorForeground' };
  }
}

function pendingText({ state, branch, commits, several }: PendingNode, { l10n }: Words): RowText {
  const label = commits.length === 1 ? l10n.t('1 commit to push') : l10n.t('{0} commits to push', commits.length);
  const versions = commits.flatMap((commit) => commit.versions.map(({ name, version }) => `${name} ${version}`));
  const description = joined([
    several ? oneLine(state.label) : null,
    branch === null ? null : l10n.t('of {0}', oneLine(branch)),
    oneLine(versions.join(', ')),
  ]);
  return {
    label,
    description,
    icon: { id: 'cloud-upload' },
    contextValue: 'pending',
    children: 'collapsed',
    spoken: joined([label, description], ', '),
  };
}

function versionText({ version, commit }: PendingVersionNode): RowText {
  const label = oneLine(version ? `${version.name} ${version.version}` : commit.subject);
  const description = version ? oneLine(commit.subject) : '';
  return {
    label,
    description,
    icon: { id: version ? 'database' : 'git-commit' },
    contextValue: contextValue('pendingVersion', { diff: version !== null }),
    children: 'none',
    spoken: joined([label, description], ', '),
    ...(version ? { command: { id: 'datamanager.comparePrevious', title: label } } : {}),
  };
}

function interruptedText({ record, state, several }: InterruptedNode, words: Words): RowText {
  const { l10n, now, language } = words;
  const label =
    record.kind === 'publish'
      ? l10n.t('Interrupted: {0}', oneLine(record.name))
      : l10n.t('Interrupted: moving unpublished versions');
  const description = joined([
    several ? oneLine(state.label) : null,
    foundWords(record, words),
    formatAge(record.started, now, language),
  ]);
  return {
    label,
    description,
    icon: { id: 'debug-restart', color: 'list.warningForeground' },
    contextValue: contextValue('interrupted', { undo: canUndo(record) }),
    children: 'none',
    spoken: `${label}, ${description}`,
  };
}

/** Once there may be a commit, it is kept: only Git knows whether others have it. */
export function canUndo(record: JournalRecord): boolean {
  return record.kind === 'publish' && record.state !== 'COMMIT_BUILT' && record.state !== 'PUSHING';
}

/** How far an interrupted transaction had come. */
export function foundWords(record: JournalRecord, { l10n }: Words): string {
  if (record.kind === 'rebuild') return l10n.t('halfway onto what others published');
  const found: Readonly<Record<PublishState, string>> = {
    INTENT: l10n.t('before anything was sent'),
    HASHED: l10n.t('before anything was sent'),
    UPLOADING: l10n.t('while uploading'),
    UPLOADED: l10n.t('uploaded, not committed'),
    COMMIT_BUILT: l10n.t('while committing'),
    PUSHING: l10n.t('committed, perhaps not pushed'),
    DONE: l10n.t('at its end'),
  };
  return found[record.state];
}
