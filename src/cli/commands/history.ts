import { argument, defineCommand } from '../command';
import { age } from '../output/age';
import { humanSize } from '../output/sizes';
import { table } from '../output/table';

export const historyCommand = defineCommand({
  name: 'history',
  summary: 'the versions of a dataset, newest first',
  usage: ['history NAME'],
  positionals: ['NAME'],
  details: 'The commit comes from Git history: the one that brought the version in.',
  examples: ['datamanager history utopia.sqlite', 'datamanager history utopia.sqlite --json'],
  run: async (session, { positionals }) => {
    const { versionHistory } = await import('../../core/operations/versionHistory');
    const name = argument(positionals, 0);
    const rows = await versionHistory({ repository: await session.repository(), signal: session.monitor.signal }, name);
    if (session.output.json) {
      await session.output.value(
        rows.map(({ entry: { json: _, number: __, ...entry }, commit }) => ({
          name,
          ...entry,
          commit: commit?.oid ?? null,
        })),
      );
      return undefined;
    }
    const columns = [
      { title: 'VERSION' },
      { title: 'UPDATED' },
      { title: 'SIZE', align: 'right' },
      { title: 'AUTHOR' },
      { title: 'SHA-256' },
      { title: 'COMMIT' },
      { title: 'STATUS' },
      { title: 'DESCRIPTION' },
    ] as const;
    const now = session.now();
    await session.output.lines(
      table(
        columns,
        rows.map(({ entry, commit }) => [
          entry.version,
          age(entry.timestamp, now),
          entry.size === null ? '?' : humanSize(entry.size),
          entry.author ?? commit?.author.name ?? '-',
          entry.sha256.slice(0, 12),
          commit?.oid.slice(0, 7) ?? '-',
          entry.status,
          entry.description ?? commit?.subject ?? '',
        ]),
      ),
    );
    return undefined;
  },
});
