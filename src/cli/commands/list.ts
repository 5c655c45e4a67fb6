import type { DatasetRow } from '../../core/operations/listDatasets';
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
    'Reads the manifest only: needs neither Git nor the store. LOCAL is the copy on this machine that was recorded last.',
  examples: ['datamanager list', 'datamanager list --json'],
  run: async (session) => {
    const { listDatasets } = await import('../../core/operations/listDatasets');
    const rows = await listDatasets({ repository: await session.repository() });
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
      await session.output.lines(
        table(
          columns,
          rows.map((row) => [
            row.name,
            row.latestVersion,
            row.size === null ? '?' : humanSize(row.size),
            age(row.timestamp, now),
            localText(row.local),
            row.status,
          ]),
        ),
      );
    }
    return undefined;
  },
});

function localText(local: DatasetRow['local']): string {
  if (!local) return '-';
  return local.state === 'present' ? local.version : `${local.version}, ${local.state}`;
}
