import type { RecoverResult } from '../../core/operations/recover';
import type { Resolution } from '../../core/operations/resolveConflict';
import { defineCommand } from '../command';
import { oneLine, visible } from '../output/visible';
import { UsageError } from '../usageError';
import { withConfirmation } from './publish';

const usage = ['recover', 'recover --on-top NAME | --theirs NAME | --branch BRANCH'];

export const recoverCommand = defineCommand({
  name: 'recover',
  summary: 'finish or undo interrupted publishes, push what waits',
  usage,
  options: {
    'on-top': { type: 'string', value: 'NAME', help: 'put versions that wait on top of what others published of NAME' },
    theirs: { type: 'string', value: 'NAME', help: 'give up versions of NAME that wait; files stay as they are' },
    branch: { type: 'string', value: 'BRANCH', help: 'publish what waits on a new branch instead' },
  },
  details:
    'Every write cleans up after interrupted publishes by itself; this does it at once, and pushes what was published while the remote ' +
    'could not be reached. With --no-push nothing is pushed. When somebody else has published the same dataset meanwhile, it stops: ' +
    'then say with --on-top, --theirs or --branch how to go on.',
  examples: ['datamanager recover', 'datamanager recover --on-top utopia.sqlite'],
  run: async (session, { globals, values }) => {
    const resolution = resolutionOf(values);
    const context = await session.context();
    const options = {
      push: !globals['no-push'],
      onConflict: globals.yes ? ('on-top' as const) : ('stop' as const),
      ...session.monitor,
    };
    const { output } = session;
    if (resolution) {
      if (globals['no-push']) throw new UsageError('A conflict is settled by pushing: leave --no-push out.', hint);
      const { resolveConflict } = await import('../../core/operations/resolveConflict');
      const { pushed, note } = await withConfirmation(session, (yes) =>
        resolveConflict(context, resolution, { ...options, yes: yes || globals.yes }),
      );
      if (output.json) await output.value({ pushed, note });
      else await output.lines([note === null ? 'Settled and pushed.' : oneLine(note)]);
      return undefined;
    }
    const { recover } = await import('../../core/operations/recover');
    const result = await withConfirmation(session, (yes) => recover(context, { ...options, yes: yes || globals.yes }));
    if (output.json) await output.value(result.recovered);
    else await output.lines(lines(result));
    return undefined;
  },
});

const hint = `Usage: ${usage.map((line) => `datamanager ${line}`).join(' | ')}`;

function resolutionOf(values: {
  readonly 'on-top': string | undefined;
  readonly theirs: string | undefined;
  readonly branch: string | undefined;
}): Resolution | null {
  const { 'on-top': onTop, theirs, branch } = values;
  if ([onTop, theirs, branch].filter((value) => value !== undefined).length > 1) {
    throw new UsageError('Give only one of --on-top, --theirs and --branch.', hint);
  }
  if (onTop !== undefined) return { kind: 'on-top', name: onTop };
  if (theirs !== undefined) return { kind: 'theirs', name: theirs };
  return branch === undefined ? null : { kind: 'branch', branch };
}

function lines({ recovered, note }: RecoverResult): readonly string[] {
  if (recovered.length === 0) return ['Nothing to recover.'];
  return [...recovered.map(({ sentence }) => visible(sentence)), ...(note === null ? [] : [oneLine(note)])];
}
