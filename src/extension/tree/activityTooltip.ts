import type { Activity } from '../activity/activityList';
import { escapeMarkdown } from '../ui/plainText';
import { phaseWords } from '../ui/progressWords';
import { formatBytes, formatDuration, formatTime } from '../ui/quantities';
import type { Words } from '../ui/words';
import type { ActivityNode, InterruptedNode, PendingNode } from './activityNodes';
import { canUndo, foundWords, stateWords } from './activityRow';

/** The Markdown tooltip of a row of the Activity view. What comes from outside is escaped. */
export function activityTooltip(node: ActivityNode, words: Words): string {
  switch (node.kind) {
    case 'activity':
      return activityText(node.activity, words);
    case 'figure':
      return '';
    case 'pending': {
      const said = pendingWords(node, words);
      const commits = node.commits.map(({ subject }) => `- ${escapeMarkdown(subject)}`);
      return [escapeMarkdown(said), commits.join('\n'), escapeMarkdown(node.state.folder)].join('\n\n');
    }
    case 'pendingVersion':
      return [node.commit.subject, node.commit.oid.slice(0, 12)].map(escapeMarkdown).join('\n\n');
    case 'interrupted':
      return interruptedText(node, words);
  }
}

function pendingWords({ commits, branch }: PendingNode, { l10n }: Words): string {
  const on = branch ?? l10n.t('a detached HEAD');
  return commits.length === 1
    ? l10n.t('1 commit of {0} waits to be pushed. Until then nobody else sees it; nothing is lost.', on)
    : l10n.t(
        '{0} commits of {1} wait to be pushed. Until then nobody else sees them; nothing is lost.',
        commits.length,
        on,
      );
}

type Fact = readonly [label: string, value: string | null];

function activityText(activity: Activity, words: Words): string {
  const { task, state, startedAt, endedAt } = activity;
  const { l10n, language, now } = words;
  const until = endedAt ?? now;
  return [
    `**${escapeMarkdown(task.title)}**`,
    ...(state.kind === 'running' || state.kind === 'stopping' ? [] : [escapeMarkdown(stateWords(activity, words))]),
    ...(state.kind === 'failed' && state.hint !== null ? [escapeMarkdown(state.hint)] : []),
    facts([
      ...figureFacts(activity, words),
      [l10n.t('Started'), formatTime(new Date(startedAt).toISOString(), language)],
      [endedAt === null ? l10n.t('Runs for') : l10n.t('Took'), formatDuration((until - startedAt) / 1000)],
      [l10n.t('Repository'), task.folder],
    ]),
  ].join('\n\n');
}

/** Bytes that were confirmed, those that nobody had to send, and those from before, each on a line of its own. */
export function figureFacts({ figures, endedAt }: Activity, words: Words): readonly Fact[] {
  if (figures === null) return [];
  const { l10n } = words;
  const { phase, done, total, copied, resumed, speed, secondsLeft, detail } = figures;
  const running = endedAt === null;
  const of = total === null ? formatBytes(done) : l10n.t('{0} of {1}', formatBytes(done), formatBytes(total));
  const copiedLabel = phase === 'upload' ? l10n.t('Copied in the store') : l10n.t('On this machine already');
  return [
    [running ? l10n.t('Now') : l10n.t('Last'), `${phaseWords(phase, words)}${detail === null ? '' : ` ${detail}`}`],
    [l10n.t('Confirmed'), done > 0 ? of : null],
    [copiedLabel, copied > 0 ? formatBytes(copied) : null],
    [l10n.t('There from before'), resumed > 0 ? formatBytes(resumed) : null],
    [l10n.t('Speed'), running && done > 0 && speed !== null ? l10n.t('{0}/s', formatBytes(speed)) : null],
    [l10n.t('Time left'), running && secondsLeft !== null ? formatDuration(secondsLeft) : null],
  ];
}

function interruptedText({ record, state }: InterruptedNode, words: Words): string {
  const { l10n, language } = words;
  const said = canUndo(record)
    ? l10n.t(
        'Finish publishes the file now, and goes on where the upload stopped. Undo forgets it; nothing was published.',
      )
    : l10n.t('Finish cleans up; a version that was committed is kept and pushed.');
  return [
    escapeMarkdown(said),
    facts([
      [l10n.t('State'), foundWords(record, words)],
      ...(record.kind === 'publish' ? [[l10n.t('File'), record.file] as const] : []),
      [l10n.t('Process'), String(record.owner.pid)],
      [l10n.t('Started'), Number.isNaN(Date.parse(record.started)) ? null : formatTime(record.started, language)],
      [l10n.t('Repository'), state.folder],
    ]),
  ].join('\n\n');
}

function facts(all: readonly Fact[]): string {
  return all
    .flatMap(([label, value]) => (value === null ? [] : [`- ${escapeMarkdown(label)}: ${escapeMarkdown(value)}`]))
    .join('\n');
}
