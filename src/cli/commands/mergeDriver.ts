import type { MergeConflict } from '../../core/catalog/mergeConflict';
import { argument, defineCommand } from '../command';
import { visible } from '../output/visible';

export const mergeDriverCommand = defineCommand({
  name: 'merge-driver',
  summary: 'merge manifest.json by meaning, as "git merge" and "git rebase" ask for',
  usage: ['merge-driver BASE OURS THEIRS PATH'],
  positionals: ['BASE', 'OURS', 'THEIRS', 'PATH'],
  details: [
    'Git runs this for the files that .gitattributes gives to merge=datamanager; init sets both up. The result is written to OURS.',
    'Exit code 1: there are conflicts, which OURS then shows between markers, and the standard error in words.',
  ].join('\n'),
  examples: ['git config merge.datamanager.driver "datamanager merge-driver %O %A %B %P"'],
  run: async (session, { positionals }) => {
    const { runMergeDriver } = await import('../../core/repo/mergeDriver');
    const [base, ours, theirs] = [0, 1, 2].map((i) => session.resolve(argument(positionals, i)));
    const path = argument(positionals, 3);
    const result = await runMergeDriver({
      git: session.git,
      cwd: session.cwd,
      base: base ?? '',
      ours: ours ?? '',
      theirs: theirs ?? '',
      path,
    });
    if (session.output.json) await session.output.value(result);
    else {
      const lines = result.conflicts.map(conflictLine);
      if (result.textual !== null) lines.push(`${path} was merged line by line: ${result.textual}`);
      session.warn(lines.map((line) => visible(`datamanager: ${line}`)));
    }
    return result.clean ? 0 : 1;
  },
});

function conflictLine(conflict: MergeConflict): string {
  const { dataset } = conflict;
  switch (conflict.kind) {
    case 'same-dataset': {
      const [theirs, mine] = [conflict.published, conflict.mine].map((entries) =>
        entries.map(({ version }) => version).join(', '),
      );
      return `${dataset} has new versions on both sides (published: ${theirs}; not published yet: ${mine}). In the marked places keep the side that is not published yet to put its versions on top, or the published side to drop them.`;
    }
    case 'field':
      return `${dataset}${conflict.version === null ? '' : `@${conflict.version}`}: both sides changed "${conflict.field}". Keep one of them.`;
    case 'deleted': {
      const [remover, changer] =
        conflict.deletedBy === 'published'
          ? ['the published side', 'the other']
          : ['the unpublished side', 'the published one'];
      return `${dataset}${conflict.version === null ? '' : `@${conflict.version}`} was removed on ${remover} and changed on ${changer}. Keep it or leave it out.`;
    }
    case 'nothing-left':
      return `${dataset}: the two sides together removed every version of it. Keep one side.`;
    case 'name-clash':
      return `${conflict.mine} and ${conflict.published} are new on either side, and one file on some systems. Rename one of them.`;
  }
}
