import type { JsonObject } from '../../core/catalog/json';
import type { LineageNode } from '../../core/lineage/lineage';
import type { VersionInfo } from '../../core/operations/datasetInfo';
import { argument, defineCommand } from '../command';
import { age } from '../output/age';
import { humanSize } from '../output/sizes';
import { fields } from '../output/table';

export const infoCommand = defineCommand({
  name: 'info',
  summary: 'all that is known about a dataset or one of its versions',
  usage: ['info REF'],
  positionals: ['REF'],
  examples: ['datamanager info utopia.sqlite', 'datamanager info utopia.sqlite@v2 --json'],
  run: async (session, { positionals }) => {
    const [{ datasetInfo }, { writeJson }] = await Promise.all([
      import('../../core/operations/datasetInfo'),
      import('../../core/catalog/json'),
    ]);
    const info = await datasetInfo({ repository: await session.repository() }, argument(positionals, 0));
    // Not JSON.stringify: members that we don't know may hold numbers that JavaScript would change.
    if (session.output.json) await session.output.write(writeJson(infoJson(info)));
    else await session.output.lines(fields(infoFields(info, session.now())));
    return undefined;
  },
});

/** The manifest's own members, also unknown ones, with what is derived from them and from Git beside. */
function infoJson({ dataset, entry, commit, parents, children, localCopies }: VersionInfo): JsonObject {
  const { history: _, ...members } = dataset.json;
  const node = ({ name, version, sha256, entry: found }: LineageNode): JsonObject => {
    return { name, version, sha256, found: found !== null };
  };
  return {
    dataset: {
      ...members,
      name: dataset.name,
      latestVersion: dataset.history[0].version,
      versions: dataset.history.length,
      status: dataset.status,
    },
    version: {
      ...entry.json,
      key: entry.key,
      size: entry.size,
      contentHash: entry.contentHash,
      status: entry.status,
    },
    commit,
    parents: parents.map(node),
    children: children.map(node),
    local: localCopies.map(({ path, version, state }) => ({ path, version, state })),
  };
}

function infoFields({ dataset, entry, commit, parents, children, localCopies }: VersionInfo, now: Date) {
  const optional = (name: string, value: string | null | undefined): [string, string][] =>
    value ? [[name, value]] : [];
  const labels = (nodes: readonly LineageNode[]): string =>
    nodes
      .map(({ name, version, entry: found }) => `${name}@${version}${found ? '' : ' (not in this catalog)'}`)
      .join(', ');
  const recorded = commit === null ? entry.recordedCommit : null;
  return [
    ['name', dataset.name],
    ['version', `${entry.version} of ${dataset.history.length}`],
    ...optional('description', entry.description ?? dataset.description),
    ['published', `${entry.timestamp} (${age(entry.timestamp, now)})`],
    ...optional('author', entry.author),
    ['size', entry.size === null ? 'not recorded' : `${humanSize(entry.size)} (${entry.size} bytes)`],
    ['sha256', entry.sha256],
    ...optional('content', entry.contentHash),
    ['key', entry.key],
    ['status', [entry.status, entry.statusReason].filter(Boolean).join(': ')],
    ...(dataset.status === 'published' ? [] : [['dataset', dataset.status] as const]),
    ['commit', commit ?? (recorded ? `${recorded} (recorded, not found)` : 'not committed')],
    ...optional('source', entry.source ?? dataset.source),
    ...optional('license', dataset.license),
    ...optional('tags', dataset.tags.join(', ')),
    ...optional('diff', entry.diffFromPrevious),
    ...optional('parents', labels(parents)),
    ...optional('children', labels(children)),
    ...localCopies.map(({ path, state }) => ['local', state === 'present' ? path : `${path} (${state})`] as const),
  ] as const;
}
