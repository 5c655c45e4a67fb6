import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DatasetRow } from '../../../src/core/operations/listDatasets';
import type { PublishResult } from '../../../src/core/operations/publishVersion';
import type { PullResult } from '../../../src/core/operations/pullVersion';
import { type CatalogFolder, newCatalog, runCli, snapshot } from '../../support/cli';
import { bareRemote, runIn } from '../../support/gitFixture';
import { makeSqlite } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const firstSql = `CREATE TABLE cost(tech TEXT, year INT, value REAL, PRIMARY KEY(tech, year));
  INSERT INTO cost VALUES('wind', 2030, 10.5), ('pv', 2030, 7), ('coal', 2030, 3)`;
const secondSql = `UPDATE cost SET value = 9.25 WHERE tech = 'wind'; DELETE FROM cost WHERE tech = 'coal';
  INSERT INTO cost VALUES('hydro', 2030, 4); CREATE INDEX byYear ON cost(year)`;

describe('datamanager: the main job', () => {
  let catalog: CatalogFolder;
  let first: string;
  let second: string;
  let created: PublishResult;
  let updated: PublishResult;

  before(async () => {
    catalog = await newCatalog();
    first = await makeSqlite(firstSql);
    second = await makeSqlite(secondSql, { from: first });
    created = await catalog.json<PublishResult>(
      'create',
      'energy/utopia.sqlite',
      first,
      '-m',
      'First import',
      '--source',
      'https://example.org/u',
    );
    updated = await catalog.json<PublishResult>('update', 'energy/utopia.sqlite', second, '-m', 'Revise');
  });

  it('creates, with the promised result', () => {
    const size = readFileSync(first).length;
    const hash = sha256(first);
    const key = `energy/utopia/${hash}.sqlite`;
    const { commit, transfer, ...rest } = created;
    assert.deepEqual(rest, {
      status: 'created',
      name: 'energy/utopia.sqlite',
      version: 'v1',
      sha256: hash,
      key,
      size,
      pushed: false,
      note: null,
      diff: null,
    });
    assert.equal(transfer.bytesSent, size);
    assert.deepEqual(Object.keys(transfer), ['bytesSent', 'bytesCopied', 'requests']);
    assert.equal(sha256(join(catalog.store, key)), hash);
    assert.equal(runIn(catalog.dir, ['log', '--format=%s', '-1', commit ?? '']).trim(), 'First import');
  });

  it('updates, with the rows that changed', () => {
    assert.equal(updated.status, 'updated');
    assert.equal(updated.version, 'v2');
    assert.equal(updated.commit, runIn(catalog.dir, ['rev-parse', 'HEAD']).trim());
    assert.deepEqual(updated.diff?.tables, [
      {
        name: 'cost',
        key: { kind: 'primary-key', columns: ['tech', 'year'] },
        inserted: 1,
        updated: 1,
        deleted: 1,
        unchanged: 1,
      },
    ]);
    assert.deepEqual(
      updated.diff?.schema.map(({ type, name }) => [type, name]),
      [['index', 'byYear']],
    );
    assert.equal(runIn(catalog.dir, ['status', '--porcelain']), '');
  });

  it('sends and commits nothing for the same bytes', async () => {
    const before = { repository: runIn(catalog.dir, ['rev-parse', 'HEAD']), store: snapshot(catalog.store) };
    const again = await catalog.json<PublishResult>('update', 'energy/utopia.sqlite', second);
    assert.equal(again.status, 'unchanged');
    assert.equal(again.version, 'v2');
    assert.equal(again.commit, null);
    assert.deepEqual(again.transfer, { bytesSent: 0, bytesCopied: 0, requests: 0 });
    const text = await catalog.run('update', 'energy/utopia.sqlite', second);
    assert.equal(text.stdout, 'energy/utopia.sqlite v2 holds these bytes already: nothing was sent or committed.\n');
    assert.equal(text.code, 0);
    assert.deepEqual({ repository: runIn(catalog.dir, ['rev-parse', 'HEAD']), store: snapshot(catalog.store) }, before);
  });

  it('lists as text and JSON', async () => {
    const rows = await catalog.json<DatasetRow[]>('list');
    assert.deepEqual(await catalog.json('list-datasets'), rows);
    const [row] = rows;
    assert.deepEqual(
      { ...row, timestamp: 'T' },
      {
        name: 'energy/utopia.sqlite',
        latestVersion: 'v2',
        versions: 2,
        size: updated.size,
        sha256: updated.sha256,
        timestamp: 'T',
        status: 'published',
        local: { path: second, version: 'v2', state: 'present' },
      },
    );
    const { stdout, code } = await catalog.run('list');
    assert.equal(code, 0);
    assert.equal(
      stdout,
      [
        'NAME                  VERSION      SIZE  UPDATED   LOCAL  STATUS',
        'energy/utopia.sqlite  v2       16.0 KiB  just now  v2     published',
        '',
      ].join('\n'),
    );
  });

  it('pulls into the working folder, a file, a folder, and again', async () => {
    const cwd = tempDir();
    const pull = async (...args: string[]): Promise<PullResult> => {
      const { stdout, code, stderr } = await runCli(['pull', ...args, '--repo', catalog.dir, '--json'], {
        cwd,
        env: { DATAMANAGER_CACHE: join(cwd, 'cache') },
      });
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout);
    };
    const here = await pull('energy/utopia.sqlite');
    assert.deepEqual(here, {
      name: 'energy/utopia.sqlite',
      version: 'v2',
      sha256: updated.sha256,
      path: join(cwd, 'energy/utopia.sqlite'),
      bytesReceived: updated.size,
      bytesResumed: 0,
      from: 'full',
    });
    assert.equal(sha256(here.path), updated.sha256);
    assert.deepEqual((await pull('energy/utopia.sqlite')).from, 'local');
    const cached = await pull('energy/utopia.sqlite@latest', '-o', 'copy.sqlite');
    assert.deepEqual([cached.from, cached.bytesReceived, cached.path], ['cache', 0, join(cwd, 'copy.sqlite')]);
    mkdirSync(join(cwd, 'sub'));
    for (const args of [
      ['energy/utopia.sqlite', '--version', 'v1', '-o', 'sub'],
      ['energy/utopia.sqlite@1', '-o', 'new/'],
      [`sha256:${created.sha256.slice(0, 12)}`, '-o', join(cwd, 'hash.sqlite')],
    ]) {
      const { version, path } = await pull(...args);
      assert.equal(version, 'v1');
      assert.equal(sha256(path), created.sha256);
    }
    const text = await runCli(['pull', 'energy/utopia.sqlite', '--repo', catalog.dir], { cwd });
    assert.equal(text.stdout, `energy/utopia.sqlite v2 -> ${here.path} (it was there already, SHA-256 checked)\n`);
  });

  it('replaces a changed file when there is nobody to ask', async () => {
    const file = join(tempDir(), 'mine.sqlite');
    writeFileSync(file, 'my own work');
    await catalog.json('pull', 'energy/utopia.sqlite', '-o', file);
    assert.equal(sha256(file), updated.sha256);
  });

  it('diffs two versions as text', async () => {
    const { stdout, stderr, code } = await catalog.run('diff', 'energy/utopia.sqlite@v1', 'energy/utopia.sqlite@v2');
    assert.deepEqual([stderr, code], ['', 0]);
    assert.equal(
      stdout,
      [
        'energy/utopia.sqlite@v1 -> energy/utopia.sqlite@v2',
        '',
        'schema',
        '  new index byYear',
        '  +CREATE INDEX byYear ON cost(year)',
        '',
        'table cost (key: tech, year)',
        '  - tech=coal, year=2030  value=3.0',
        '  + tech=hydro, year=2030  value=4.0',
        '  ~ tech=wind, year=2030  value: 10.5 -> 9.25',
        '',
        'table  inserted  updated  deleted  unchanged',
        'cost          1        1        1          1',
        '',
      ].join('\n'),
    );
    const limited = await catalog.run('diff', 'energy/utopia.sqlite@v1', 'energy/utopia.sqlite', '--limit', '1');
    assert.match(limited.stdout, / 2 more rows/);
    const around = await catalog.run('diff', 'energy/utopia.sqlite@v1', 'energy/utopia.sqlite', '--context', '1');
    assert.match(around.stdout, / tech=hydro, .*\n {4}tech=pv, year=2030 {2}value=7\.0\n {2}~ tech=wind/);
  });

  it('diffs as summary, patch and JSON', async () => {
    const [from, to] = ['energy/utopia.sqlite@v1', 'energy/utopia.sqlite'];
    const summary = await catalog.run('diff', from, to, '--summary');
    assert.equal(summary.stdout, 'schema: index byYear added\ncost: 1 changes, 1 inserts, 1 deletes, 1 unchanged\n');

    const patch = await catalog.run('diff', from, to, '--sql');
    const patched = await makeSqlite(patch.stdout, { from: first });
    const same = await runCli(['diff', patched, second, '--summary'], { cwd: tempDir() });
    assert.equal(same.stdout, `${basename(patched)} and ${basename(second)} hold the same schema and rows\n`);

    const json = await catalog.json<Record<string, unknown>>('diff', from, to);
    assert.deepEqual(Object.keys(json), ['from', 'to', 'identical', 'schema', 'tables']);
    assert.deepEqual([json.from, json.to, json.identical], [from, 'energy/utopia.sqlite@v2', false]);
    const [table] = json.tables as { rows: object[]; key: object }[];
    assert.deepEqual(table?.key, { kind: 'primary-key', columns: ['tech', 'year'] });
    assert.deepEqual(table?.rows, [
      {
        kind: 'delete',
        key: { tech: 'coal', year: 2030 },
        before: { tech: 'coal', year: 2030, value: 3 },
        after: null,
      },
      {
        kind: 'insert',
        key: { tech: 'hydro', year: 2030 },
        before: null,
        after: { tech: 'hydro', year: 2030, value: 4 },
      },
      {
        kind: 'update',
        key: { tech: 'wind', year: 2030 },
        before: { tech: 'wind', year: 2030, value: 10.5 },
        after: { tech: 'wind', year: 2030, value: 9.25 },
        changed: ['value'],
      },
    ]);
    const short = await catalog.json<{ tables: object[] }>('diff', from, to, '--summary');
    assert.deepEqual(short.tables, updated.diff?.tables);
  });

  it('compares texts line by line', async () => {
    const [older, newer] = ['old.csv', 'new.csv'].map((name) => join(catalog.dir, '..', name));
    assert.ok(older && newer);
    writeFileSync(older, 'region;cost\nNORD;1\n');
    writeFileSync(newer, 'region;cost\nNORD;2\nOST;3\n');
    const text = await catalog.run('diff', older, newer);
    assert.match(
      text.stdout,
      /\n--- old\.csv\n\+\+\+ new\.csv\n@@ -1,2 \+1,3 @@\n region;cost\n-NORD;1\n\+NORD;2\n\+OST;3\n$/,
    );
    assert.equal((await catalog.run('diff', older, newer, '--summary')).stdout, 'lines: 2 added, 1 removed\n');
    const json = await catalog.json<Record<string, unknown>>('diff', older, newer);
    const { from, to, identical, schema, tables, lines } = json;
    assert.deepEqual([from, to, identical, schema, tables], ['old.csv', 'new.csv', false, [], []]);
    assert.deepEqual(lines, { added: 2, removed: 1 });
    const { code, stderr } = await catalog.run('diff', older, newer, '--sql');
    assert.equal(code, 1, stderr);
  });

  it('takes a word that is a version and a file for the version, a path for the file', async () => {
    await catalog.json('pull', 'energy/utopia.sqlite@v1', '-o', join(catalog.dir, 'energy/utopia.sqlite'));
    const ends = async (from: string, to: string) => {
      const { from: a, to: b, identical } = await catalog.json<Record<string, unknown>>('diff', from, to, '--summary');
      return [a, b, identical];
    };
    const [v1, v2] = ['energy/utopia.sqlite@v1', 'energy/utopia.sqlite@v2'];
    assert.deepEqual(await ends('energy/utopia.sqlite', v1), [v2, v1, false]);
    assert.deepEqual(await ends(v1, './energy/utopia.sqlite'), [v1, 'utopia.sqlite', true]);
    assert.deepEqual(await ends(second, v2), [basename(second), v2, true]);
    assert.deepEqual(await ends(first, second), [basename(first), basename(second), false]);
  });

  it('tells history, log, refs and info', async () => {
    const history = await catalog.json<Record<string, unknown>[]>('history', 'energy/utopia.sqlite');
    assert.deepEqual(
      history.map(({ version, commit, description, author, sha256: hash }) => [
        version,
        commit,
        description,
        author,
        hash,
      ]),
      [
        ['v2', updated.commit, 'Revise', 'Ada Lovelace', updated.sha256],
        ['v1', created.commit, 'First import', 'Ada Lovelace', created.sha256],
      ],
    );
    const text = await catalog.run('history', 'energy/utopia.sqlite');
    assert.match(
      text.stdout,
      /^v1 +just now +12\.0 KiB +Ada Lovelace +[0-9a-f]{12} +[0-9a-f]{7} +published +First import$/m,
    );

    const log = await catalog.json<{ commit: string; changes: { name: string; kind: string }[] }[]>('log');
    assert.deepEqual(log.map(({ commit }) => commit).slice(0, 2), [updated.commit, created.commit]);
    assert.deepEqual(
      log[1]?.changes.map(({ name, kind }) => [name, kind]),
      [['energy/utopia.sqlite', 'added']],
    );
    assert.match(
      (await catalog.run('log', '--limit', '1')).stdout,
      /Revise {2}Ada Lovelace, just now\n +energy\/utopia\.sqlite: v2 added\n.*older/,
    );

    const branch = runIn(catalog.dir, ['branch', '--show-current']).trim();
    assert.deepEqual(await catalog.json('refs'), [
      { kind: 'branch', name: branch, oid: updated.commit, current: true },
    ]);

    const info = await catalog.json<Record<string, Record<string, unknown>>>('info', 'energy/utopia.sqlite@v1');
    assert.deepEqual([info.commit, info.version?.version, info.version?.key], [created.commit, 'v1', created.key]);
    assert.equal(info.version?.source, 'https://example.org/u');
    assert.match(String(info.version?.contentHash), /^[0-9a-f]{64}$/);
    const shown = (await catalog.run('info', 'energy/utopia.sqlite@v1')).stdout;
    assert.match(shown, /^author {7}Ada Lovelace$/m);
    assert.match(shown, new RegExp(`^content {6}${info.version?.contentHash}$`, 'm'));
  });

  it('records, shows and removes lineage', async () => {
    const clean = await makeSqlite('CREATE TABLE t(x); INSERT INTO t VALUES(1)');
    await catalog.json('push', clean, '--name', 'clean.sqlite', '--parent', 'energy/utopia.sqlite@v1');
    const ends = { parent: 'energy/utopia.sqlite@v2', child: 'clean.sqlite' };
    const link = ['lineage', '--parent', ends.parent, '--child', ends.child];
    assert.equal((await catalog.json<{ status: string }>(...link)).status, 'linked');
    assert.equal((await catalog.json<{ status: string }>(...link)).status, 'unchanged');
    assert.equal(
      (await catalog.run('lineage', 'clean.sqlite')).stdout,
      'clean.sqlite@v1\nderived from\n├─ energy/utopia.sqlite@v1\n└─ energy/utopia.sqlite@v2\nnothing was derived from it\n',
    );
    const circle = await catalog.run('lineage', '--parent', 'clean.sqlite', '--child', ends.parent, '--json');
    assert.equal(circle.code, 1);
    assert.equal(JSON.parse(circle.stdout).error.code, 'LINEAGE_CYCLE');
    assert.equal((await catalog.json<{ status: string }>(...link, '--remove')).status, 'unlinked');
    const tree = await catalog.json<{ children: { name: string }[] }>(
      'lineage',
      'energy/utopia.sqlite@v1',
      '--depth',
      '1',
    );
    assert.deepEqual(
      tree.children.map(({ name }) => name),
      ['clean.sqlite'],
    );
  });

  it('verifies the store', async () => {
    const report = await catalog.json<{ location: string; ok: boolean; checks: { check: string; ok: boolean }[] }>(
      'verify',
    );
    assert.equal(report.ok, true);
    assert.deepEqual(
      report.checks.map(({ check, ok }) => [check, ok]),
      [
        ['reach', true],
        ['list', true],
        ['read', true],
        ['write', true],
        ['delete', true],
      ],
    );
    assert.match((await catalog.run('verify')).stdout, /^reach {3}ok {6}/m);
  });

  it('pushes to the remote, and says what is pushed along', async () => {
    const other = await newCatalog();
    runIn(other.dir, ['remote', 'add', 'origin', bareRemote()]);
    runIn(other.dir, ['push', '-q', '-u', 'origin', 'HEAD']);
    const result = await other.json<PublishResult>('push', first, '--name', 'a.sqlite');
    assert.equal(result.pushed, true);
    assert.equal(runIn(other.dir, ['rev-parse', '@{upstream}']).trim(), result.commit);

    writeFileSync(join(other.dir, 'mine.txt'), 'mine');
    runIn(other.dir, ['add', 'mine.txt']);
    runIn(other.dir, ['-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit', '-qm', 'Own work']);
    const before = snapshot(other.store);
    const refused = await other.run('update', 'a.sqlite', second, '--json');
    assert.equal(refused.code, 1);
    assert.equal(JSON.parse(refused.stdout).error.code, 'CONFIRMATION_NEEDED');
    assert.match(JSON.parse(refused.stdout).error.message, /Own work/);
    assert.deepEqual(snapshot(other.store), before);

    const local = await other.json<PublishResult>('update', 'a.sqlite', second, '--no-push');
    assert.deepEqual([local.pushed, local.version], [false, 'v2']);
    const agreed = await other.json<PublishResult>('update', 'a.sqlite', first, '--yes');
    assert.deepEqual([agreed.pushed, agreed.version, agreed.transfer.bytesSent], [true, 'v3', 0]);
  });

  it('prints a short, friendly result', async () => {
    const other = await newCatalog();
    const made = await other.run('create', 'a.sqlite', first);
    assert.match(
      made.stdout,
      /^Created a\.sqlite v1\n {2}size {4}12\.0 KiB, 12\.0 KiB sent\n {2}sha256 {2}[0-9a-f]{64}\n {2}commit {2}[0-9a-f]{7}, no remote to push to\n$/,
    );
    const next = await other.run('update', 'a.sqlite', second);
    assert.match(next.stdout, /\n {2}changes {2}schema: index byYear\n {11}cost: 1 inserted, 1 updated, 1 deleted\n/);
    assert.equal(made.stderr + next.stderr, '');
  });
});
