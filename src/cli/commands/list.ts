import { DataManagerError } from '../../core/errors';
import type { DatasetRow } from '../../core/operations/listDatasets';
import type { PendingCommit } from '../../core/operations/pendingCommits';
import type { GitProgram, Repository } from '../../core/repo/repository';
import { defineCommand } from '../command';
import { age } from '../output/age';
import { humanSize } from '../output/sizes';
import { table } from '../output/table';

export const listCommand = defineCommand({
  name: 'list',
  aliases: ['list-datasets'],
  summary: 'the datasets of this repository',
  usage: ['list'],
  details:
    'Reads what is here: asks neither the remote nor the store. LOCAL is the copy on this machine that was recorded last.',
  examples: ['datamanager list', 'datamanager list --json'],
  run: async (session) => {
    const { listDatasets } = await import('../../core/operations/listDatasets');
    const repository = await session.repository();
    const waiting = await waitingCommits(repository, session.git);
    const pending = new Set(waiting.flatMap(({ versions }) => versions.map(({ name }) => name)));
    const rows = (await listDatasets({ repository })).map((row) =>
      pending.has(row.name) ? { ...row, pending: true } : row,
    );
    if (session.output.json) await session.output.value(rows);
    else if (rows.length === 0) {
      await session.output.lines(['There is no dataset yet. Publish the first one with: datamanager push FILE']);
    } else {
      const columns = [
        { title: 'NAME' },
        { title: 'VERSION' },
        { title: 'SIZE', align: 'right' },
        { title: 'UPDATED' },
        { title: 'LOCAL' },
        { title: 'STATUS' },
      ] as const;
      const now = session.now();
      const lines = table(
        columns,
        rows.map((row) => [
          row.name,
          row.latestVersion,
          row.size === null ? '?' : humanSize(row.size),
          age(row.timestamp, now),
          localText(row.local),
          row.status,
        ]),
      );
      await session.output.lines([...lines, ...waitingLines(waiting.length)]);
    }
    return undefined;
  },
});

/** What this clone knows by itself; without a git on this machine, nothing. */
async function waitingCommits(repository: Repository, git: GitProgram): Promise<readonly PendingCommit[]> {
  const { pendingCommits } = await import('../../core/operations/pendingCommits');
  return pendingCommits({ repository, git }).catch((error: unknown) => {
    if (DataManagerError.is(error)) return [];
    throw error;
  });
}

function waitingLines(count: number): readonly string[] {
  if (count === 0) return [];
  return ['', `${count === 1 ? '1 commit waits' : `${count} commits wait`} to be pushed: datamanager recover`];
}

function localText(local: DatasetRow['local']): string {
  if (!local) return '-';
  return local.state === 'present' ? local.version : `${local.version}, ${local.state}`;
}
