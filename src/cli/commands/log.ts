import type { DatasetChange } from '../../core/catalog/manifestChanges';
import { defineCommand } from '../command';
import { limitOption } from '../numberOption';
import { age } from '../output/age';
import { visible } from '../output/visible';

const usage = 'log [--branch B] [--limit N]';
/** On a terminal: about a screen. */
const defaultLimit = 20;

export const logCommand = defineCommand({
  name: 'log',
  summary: 'the commits that changed datasets, newest first',
  usage: [usage],
  options: {
    branch: { type: 'string', value: 'B', help: 'a branch, tag or commit (default: what is checked out)' },
    limit: {
      type: 'string',
      value: 'N',
      help: `how many commits, or "all" (default: ${defaultLimit} on a terminal, else all)`,
    },
  },
  examples: ['datamanager log', 'datamanager log --branch origin/main --limit 5'],
  run: async (session, { values }) => {
    const { commitLog } = await import('../../core/operations/commitLog');
    const asked = limitOption(values.limit, `Usage: datamanager ${usage}`);
    const limit = (asked === undefined && session.output.isTerminal ? defaultLimit : asked) ?? Number.MAX_SAFE_INTEGER;
    const { commits, more } = await commitLog(
      { repository: await session.repository(), signal: session.monitor.signal },
      { from: values.branch, limit },
    );
    if (session.output.json) {
      const entries = commits.map(({ commit: { tree: _, timestamp, oid, ...commit }, changes, problem }) => ({
        commit: oid,
        ...commit,
        timestamp: new Date(timestamp).toISOString(),
        changes,
        problem,
      }));
      await session.output.value(entries);
      return undefined;
    }
    const now = session.now();
    const { dim } = session.output.colours;
    const lines = commits.flatMap(({ commit, changes, problem }) => [
      `${commit.oid.slice(0, 7)}  ${visible(commit.subject)}  ${dim(visible(`${commit.author.name}, ${age(commit.timestamp, now)}`))}`,
      ...changes.map((change) => `         ${visible(changeText(change))}`),
      ...(problem === null ? [] : [`         ${visible(problem)}`]),
    ]);
    if (commits.length === 0) lines.push('No commit has changed a dataset yet.');
    if (more) lines.push(dim('There are older ones: datamanager log --limit all'));
    await session.output.lines(lines);
    return undefined;
  },
});

function changeText({ name, kind, added, removed, edited }: DatasetChange): string {
  if (kind === 'removed') return `${name}: removed`;
  const parts = [
    [added, 'added'],
    [removed, 'removed'],
    [edited, 'edited'],
  ] as const;
  const versions = parts.flatMap(([list, what]) =>
    list.length === 0 ? [] : [`${list.map(({ version }) => version).join(', ')} ${what}`],
  );
  return `${name}: ${kind === 'added' ? 'new, ' : ''}${versions.join('; ') || 'its description changed'}`;
}
