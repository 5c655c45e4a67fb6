import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatasetRow } from '../../../src/core/operations/listDatasets';
import type { PublishResult } from '../../../src/core/operations/publishVersion';
import { type CatalogFolder, newCatalog } from '../../support/cli';
import { runIn } from '../../support/gitFixture';
import { makeSqlite } from '../../support/sqliteFixture';

/**
 * A repository whose manifest the original tool wrote, in both of its states: short hashes of commits that do not exist, a wrong
 * `latestVersion`, a version that is still staged, one that is marked for deletion, no trailing newline, and no size.
 */
async function originalRepository(): Promise<
  CatalogFolder & { readonly file: string; readonly manifest: readonly object[] }
> {
  const catalog = await newCatalog();
  const file = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 2)');
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  const key = `utopia/v3-${sha256}.sqlite`;
  mkdirSync(dirname(join(catalog.store, key)), { recursive: true });
  writeFileSync(join(catalog.store, key), readFileSync(file));
  const entry = (version: string, digit: string, more: object = {}) => ({
    version,
    timestamp: '2025-06-30T18:12:11.123456Z',
    sha256: digit.repeat(64),
    r2_object_key: `utopia/${version}-${digit.repeat(64)}.sqlite`,
    diffFromPrevious: null,
    commit: 'abc1234',
    ...more,
  });
  const manifest = [
    {
      fileName: 'utopia.sqlite',
      latestVersion: 'v1', // the history says v3
      history: [
        entry('v3', 'a', {
          sha256,
          r2_object_key: key,
          description: 'Rollback to version v1',
          reviewedBy: ['x', { y: 1 }],
        }),
        entry('v2', 'b', { status: 'pending-deletion' }),
        entry('v1', 'c'),
      ],
      owner: { team: 'energy', quota: 0.5 },
    },
    {
      fileName: 'staged.sqlite',
      history: [
        entry('v1', 'd', {
          staging_key: `staging-uploads/${'d'.repeat(64)}.sqlite`,
          commit: 'pending-merge',
          description: 'pending-merge',
        }),
      ],
      latestVersion: 'v1',
    },
    { fileName: 'leaving.sqlite', history: [entry('v1', 'e')], latestVersion: 'v1', status: 'pending-deletion' },
  ];
  writeFileSync(join(catalog.dir, 'manifest.json'), JSON.stringify(manifest, null, 2));
  runIn(catalog.dir, [
    '-c',
    'user.name=A',
    '-c',
    'user.email=a@example.org',
    'commit',
    '-qam',
    'As the original tool left it',
  ]);
  return { ...catalog, file, manifest };
}

describe('datamanager on a repository of the original tool', () => {
  let original: Awaited<ReturnType<typeof originalRepository>>;
  before(async () => {
    original = await originalRepository();
  });

  it('trusts the history, and shows what is pending', async () => {
    const rows = await original.json<DatasetRow[]>('list');
    assert.deepEqual(
      rows.map(({ name, latestVersion, versions, size, status }) => [name, latestVersion, versions, size, status]),
      [
        ['utopia.sqlite', 'v3', 3, null, 'published'],
        ['staged.sqlite', 'v1', 1, null, 'pending'],
        ['leaving.sqlite', 'v1', 1, null, 'pending-deletion'],
      ],
    );
    assert.match((await original.run('list')).stdout, /^staged\.sqlite +v1 +\? .* pending$/m);
  });

  it('finds the real commit, and says what an older tool recorded', async () => {
    const history = await original.json<{ version: string; commit: string; recordedCommit: string }[]>(
      'history',
      'utopia.sqlite',
    );
    const head = runIn(original.dir, ['rev-parse', 'HEAD']).trim();
    assert.deepEqual(
      history.map(({ version, commit, recordedCommit }) => [version, commit, recordedCommit]),
      [
        ['v3', head, 'abc1234'],
        ['v2', head, 'abc1234'],
        ['v1', head, 'abc1234'],
      ],
    );
    const info = await original.json<{ version: Record<string, unknown>; dataset: Record<string, unknown> }>(
      'info',
      'utopia.sqlite',
    );
    assert.deepEqual(info.version.reviewedBy, ['x', { y: 1 }]);
    assert.deepEqual(info.dataset.owner, { team: 'energy', quota: 0.5 });
    assert.equal(info.dataset.latestVersion, 'v3');
  });

  it('pulls by the stored key, and refuses what is staged', async () => {
    const pulled = await original.json<{ sha256: string; path: string }>('pull', 'utopia.sqlite');
    assert.deepEqual(readFileSync(pulled.path), readFileSync(original.file));
    const staged = await original.run('pull', 'staged.sqlite', '--json');
    assert.deepEqual([staged.code, JSON.parse(staged.stdout).error.code], [1, 'VERSION_NOT_AVAILABLE']);
    const missing = await original.run('pull', 'utopia.sqlite@v2', '--json'); // marked, but not gone yet: so it is tried
    assert.deepEqual([missing.code, JSON.parse(missing.stdout).error.code], [1, 'OBJECT_MISSING']);
  });

  it('keeps every field that it does not know when it updates', async () => {
    const changed = await makeSqlite('INSERT INTO t VALUES(5, 6)', { from: original.file });
    const result = await original.json<PublishResult>('update', 'utopia.sqlite', changed);
    assert.deepEqual([result.version, result.diff?.tables[0]?.inserted], ['v4', 1]);
    const text = readFileSync(join(original.dir, 'manifest.json'), 'utf8');
    const [utopia, ...others] = JSON.parse(text);
    const [before, ...unchanged] = original.manifest as { history: object[] }[];
    assert.deepEqual(others, unchanged);
    assert.deepEqual(utopia.history.slice(1), before?.history);
    assert.deepEqual({ ...utopia, history: [] }, { ...before, latestVersion: 'v4', history: [] });
    assert.equal(utopia.history[0].commit, null);
    assert.ok(text.endsWith(']\n'));
  });
});
