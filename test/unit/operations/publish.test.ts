import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '../../../src/core/catalog/readCatalog';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { createDataset } from '../../../src/core/operations/createDataset';
import { listDatasets } from '../../../src/core/operations/listDatasets';
import { pushFile } from '../../../src/core/operations/pushFile';
import { updateDataset } from '../../../src/core/operations/updateDataset';
import { nothingTransferred } from '../../../src/core/operations/uploadVersion';
import { versionHistory } from '../../../src/core/operations/versionHistory';
import { createFolderStore } from '../../../src/core/store/folderStore';
import type { ObjectStore } from '../../../src/core/store/objectStore';
import { cloneOf, runIn } from '../../support/gitFixture';
import { type Workbench, workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';

const schema = 'CREATE TABLE cost(tech TEXT, year INT, value REAL, PRIMARY KEY(tech, year))';
const v1 = [schema, "INSERT INTO cost VALUES('wind', 2030, 10.5), ('pv', 2030, 7)"];
const v2 = [...v1, "UPDATE cost SET value = 9.25 WHERE tech = 'wind'", "INSERT INTO cost VALUES('hydro', 2030, 3)"];

const has = (code: ErrorCode) => (error: unknown) => DataManagerError.is(error, code);

/** Everything of the user's that a publish must not touch: refs, index, work tree. */
function snapshot({ fixture, storeFolder }: Workbench): unknown {
  return {
    head: fixture.run('rev-parse', 'HEAD'),
    status: fixture.status(),
    manifest: readFileSync(join(fixture.dir, 'manifest.json'), 'utf8'),
    objects: readdirSync(storeFolder, { recursive: true }).map(String).sort(),
  };
}

describe('publishing', () => {
  it('creates, updates and says unchanged', async () => {
    const bench = await workbench();
    const { context, fixture, storeFolder } = bench;
    const created = await createDataset(context, 'energy/utopia.sqlite', {
      file: await bench.database('a.sqlite', ...v1),
      message: 'First import',
    });
    assert.equal(created.status, 'created');
    assert.equal(created.version, 'v1');
    assert.equal(created.key, `energy/utopia/${created.sha256}.sqlite`);
    assert.ok(existsSync(join(storeFolder, created.key)));
    assert.equal(created.transfer.bytesSent, created.size);
    assert.equal(created.diff, null);
    assert.equal(created.commit, fixture.run('rev-parse', 'HEAD').trim());

    const file = await bench.database('b.sqlite', ...v2);
    const updated = await updateDataset(context, 'energy/utopia.sqlite', { file });
    assert.equal(updated.status, 'updated');
    assert.deepEqual(
      updated.diff?.tables.map(({ name, inserted, updated: changed, deleted, key }) => ({
        name,
        inserted,
        changed,
        deleted,
        key: key.columns,
      })),
      [{ name: 'cost', inserted: 1, changed: 1, deleted: 0, key: ['tech', 'year'] }],
    );
    const stored = readFileSync(join(fixture.dir, 'diffs/energy/utopia.sqlite/diff-v1-to-v2.diff'), 'utf8');
    assert.match(stored, /9\.25/);
    assert.doesNotMatch(stored, /\/tmp/);

    const before = snapshot(bench);
    const again = await updateDataset(context, 'energy/utopia.sqlite', { file });
    assert.equal(again.status, 'unchanged');
    assert.deepEqual(again.transfer, nothingTransferred);
    assert.deepEqual(snapshot(bench), before);
    assert.equal(fixture.run('fsck', '--strict').trim(), '');
  });

  it('says on a detached HEAD what keeps the commit', async () => {
    const { context, database, fixture } = await workbench({ remote: true });
    fixture.run('checkout', '-q', '--detach');
    const created = await createDataset(context, 'a.sqlite', { file: await database('a.sqlite', ...v1) });
    assert.equal(created.pushed, false);
    assert.match(created.note ?? '', /HEAD is detached.*git switch -c NAME/);
  });

  it('records the hash of the content, which a new layout of the file does not change, and none for other files', async () => {
    const { context, database } = await workbench();
    await createDataset(context, 'a.sqlite', { file: await database('a.sqlite', ...v2) });
    await createDataset(context, 'b.sqlite', { file: await database('b.sqlite', 'PRAGMA page_size=1024', ...v2) });
    await updateDataset(context, 'b.sqlite', { file: await database('c.sqlite', ...v1) });
    const text = join(tempDir(), 'text.csv');
    writeFileSync(text, 'a,b\n');
    await createDataset(context, 'text.csv', { file: text });
    const { manifest } = await readCatalog(context.repository);
    const hashes = manifest.datasets.map(({ history }) => history.map(({ contentHash }) => contentHash));
    assert.match(hashes[0]?.[0] ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual([hashes[1]?.[1], hashes[2]], [hashes[0]?.[0], [null]]);
    assert.notEqual(hashes[1]?.[0], hashes[1]?.[1]);
    const shas = manifest.datasets.map(({ history }) => history.at(-1)?.sha256);
    assert.notEqual(shas[0], shas[1]);
    const recorded = manifest.datasets[2]?.history[0].json;
    assert.equal(recorded && 'contentHash' in recorded, false);
  });

  it('leaves staged, modified and untracked files of the user as they are', async () => {
    const bench = await workbench();
    const { context, fixture } = bench;
    fixture.commit({ 'a.txt': 'a\n', 'b.txt': 'b\n', 'c.txt': 'c\n' });
    fixture.write('a.txt', 'staged\n');
    fixture.run('add', 'a.txt');
    fixture.write('a.txt', 'staged and changed\n');
    fixture.write('b.txt', 'changed\n');
    fixture.run('rm', '-q', '--cached', 'c.txt');
    fixture.write('untracked.txt', 'new\n');
    fixture.write('intended.txt', 'later\n');
    fixture.run('add', '-N', 'intended.txt');
    const status = fixture.status();
    await createDataset(context, 'x.sqlite', { file: await bench.database('x.sqlite', ...v1) });
    await updateDataset(context, 'x.sqlite', { file: await bench.database('y.sqlite', ...v2) });
    assert.equal(fixture.status(), status);
    assert.equal(fixture.run('fsck', '--strict').trim(), '');
    assert.deepEqual(fixture.run('diff', '--name-only', 'HEAD~2', 'HEAD').trim().split('\n'), [
      'diffs/x.sqlite/diff-v1-to-v2.diff',
      'manifest.json',
    ]);
  });

  it('refuses what can not be published and changes nothing', async () => {
    const bench = await workbench();
    const { context, fixture } = bench;
    const file = await bench.database('a.sqlite', ...v1);
    await createDataset(context, 'a.sqlite', { file });
    const folder = tempDir();
    const empty = join(folder, 'empty.sqlite');
    writeFileSync(empty, '');
    const journaled = await bench.database('wal.sqlite', ...v1);
    writeFileSync(`${journaled}-wal`, 'x');
    const before = snapshot(bench);
    const attempts: readonly [ErrorCode, () => Promise<unknown>][] = [
      ['NAME_INVALID', () => createDataset(context, '../../x.sqlite', { file })],
      ['NAME_INVALID', () => createDataset(context, '/x.sqlite', { file })],
      ['NAME_INVALID', () => createDataset(context, 'con', { file })],
      ['NAME_INVALID', () => pushFile(context, 'x'.repeat(300), { file })],
      ['DATASET_EXISTS', () => createDataset(context, 'a.sqlite', { file })],
      ['DATASET_EXISTS', () => createDataset(context, 'A.sqlite', { file })],
      ['DATASET_NOT_FOUND', () => updateDataset(context, 'b.sqlite', { file })],
      ['DATASET_NOT_FOUND', () => createDataset(context, 'c.sqlite', { file, parents: ['nothing'] })],
      ['FILE_EMPTY', () => updateDataset(context, 'a.sqlite', { file: empty })],
      ['FILE_NOT_REGULAR', () => updateDataset(context, 'a.sqlite', { file: folder })],
      ['FILE_NOT_FOUND', () => updateDataset(context, 'a.sqlite', { file: join(folder, 'gone') })],
      ['FILE_HAS_JOURNAL', () => updateDataset(context, 'a.sqlite', { file: journaled })],
    ];
    for (const [code, attempt] of attempts) await assert.rejects(attempt, has(code), code);
    fixture.write('manifest.json', `${readFileSync(join(fixture.dir, 'manifest.json'), 'utf8')}\n`);
    await assert.rejects(createDataset(context, 'd.sqlite', { file }), has('PATH_DIRTY'));
    fixture.run('checkout', '-q', '--', 'manifest.json');
    assert.deepEqual(snapshot(bench), before);
  });

  it('takes its own object back when the commit fails, and never one that was there before', async () => {
    const bench = await workbench();
    const { context, fixture, storeFolder } = bench;
    const first = await createDataset(context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1) });
    const before = snapshot(bench);
    const folder = createFolderStore({ folder: storeFolder });
    const spoiling: ObjectStore = {
      ...folder,
      put: async (...args) => {
        const result = await folder.put(...args);
        fixture.write('.git/MERGE_HEAD', `${fixture.run('rev-parse', 'HEAD')}`);
        return result;
      },
      head: async (...args) => {
        const info = await folder.head(...args);
        if (info) fixture.write('.git/MERGE_HEAD', `${fixture.run('rev-parse', 'HEAD')}`);
        return info;
      },
    };
    const spoiled = { ...context, openStore: async () => spoiling };
    await assert.rejects(
      updateDataset(spoiled, 'a.sqlite', { file: await bench.database('b.sqlite', ...v2) }),
      has('GIT_OPERATION_IN_PROGRESS'),
    );
    runIn(fixture.dir, ['update-ref', '-d', 'MERGE_HEAD']);
    assert.deepEqual(snapshot(bench), before, 'the new object is gone');

    await assert.rejects(
      createDataset(spoiled, 'same-bytes.sqlite', { file: join(storeFolder, first.key) }),
      has('GIT_OPERATION_IN_PROGRESS'),
    );
    runIn(fixture.dir, ['update-ref', '-d', 'MERGE_HEAD']);
    assert.ok(existsSync(join(storeFolder, first.key)), 'the shared object stays');
  });

  it('a cancel before the commit leaves everything as it was', async () => {
    const bench = await workbench();
    const { context } = bench;
    await createDataset(context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1) });
    const file = await bench.database('b.sqlite', ...v2);
    const before = snapshot(bench);
    for (const phase of ['hash', 'compare', 'upload', 'commit'] as const) {
      const abort = new AbortController();
      const attempt = updateDataset(context, 'a.sqlite', {
        file,
        signal: abort.signal,
        onProgress: (progress) => {
          if (progress.phase === phase) abort.abort();
        },
      });
      await assert.rejects(attempt, has('CANCELLED'), phase);
      assert.deepEqual(snapshot(bench), before, phase);
    }
  });

  it('reuses the object of equal bytes: A, B, A uploads twice, not three times', async () => {
    const bench = await workbench();
    const { context } = bench;
    const a = await bench.database('a.sqlite', ...v1);
    const first = await createDataset(context, 'x.sqlite', { file: a });
    await updateDataset(context, 'x.sqlite', { file: await bench.database('b.sqlite', ...v2) });
    const back = await updateDataset(context, 'x.sqlite', { file: a });
    assert.equal(back.version, 'v3');
    assert.equal(back.key, first.key);
    assert.equal(back.transfer.bytesSent, 0);
  });

  it('versions a text with its line diff, and any other file without one', async () => {
    const bench = await workbench();
    const file = join(tempDir(), 'table.csv');
    writeFileSync(file, 'a,b\n1,2\n');
    await createDataset(bench.context, 'table.csv', { file });
    writeFileSync(file, 'a,b\n1,3\n');
    const updated = await updateDataset(bench.context, 'table.csv', { file });
    assert.equal(updated.version, 'v2');
    assert.deepEqual(updated.diff?.lines, { added: 1, removed: 1 });
    const stored = readFileSync(join(bench.fixture.dir, 'diffs/table.csv/diff-v1-to-v2.diff'), 'utf8');
    assert.match(stored, /\n-1,2\n\+1,3\n$/);
    writeFileSync(file, 'a\0b');
    assert.equal((await updateDataset(bench.context, 'table.csv', { file })).diff, null);
  });

  it('derives the commit of every version from Git history', async () => {
    const bench = await workbench();
    const { context, fixture } = bench;
    const first = await createDataset(context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1) });
    fixture.commit({ 'other.txt': 'x' });
    const second = await updateDataset(context, 'a.sqlite', {
      file: await bench.database('b.sqlite', ...v2),
      message: 'Revise\n\nwind',
    });
    const rows = await versionHistory(context, 'a.sqlite');
    assert.deepEqual(
      rows.map(({ entry, commit }) => [entry.version, commit?.oid, entry.description]),
      [
        ['v2', second.commit, 'Revise'],
        ['v1', first.commit, null],
      ],
    );
  });

  it('records the local copy, and sees that it changed', async () => {
    const bench = await workbench();
    const file = await bench.database('a.sqlite', ...v1);
    await createDataset(bench.context, 'a.sqlite', { file });
    assert.deepEqual((await listDatasets(bench.context))[0]?.local, { path: file, version: 'v1', state: 'present' });
    chmodSync(file, 0o644);
    writeFileSync(file, 'changed');
    assert.equal((await listDatasets(bench.context))[0]?.local?.state, 'modified');
  });
});

describe('publishing to a remote', () => {
  it('pushes, and what others pushed in the meantime is taken in first', async () => {
    const bench = await workbench({ remote: true });
    const { context, fixture } = bench;
    const first = await createDataset(context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1) });
    assert.equal(first.pushed, true);
    const other = cloneOf(bench.remote ?? '');
    other.commit({ 'notes.txt': 'from somebody else\n' });
    other.run('push', '-q');
    const second = await updateDataset(context, 'a.sqlite', { file: await bench.database('b.sqlite', ...v2) });
    assert.equal(second.pushed, true);
    assert.ok(existsSync(join(fixture.dir, 'notes.txt')));
    assert.equal(runIn(bench.remote ?? '', ['rev-parse', 'main']).trim(), second.commit);
  });

  it('asks before it pushes commits of the user along', async () => {
    const bench = await workbench({ remote: true });
    const { context, fixture } = bench;
    fixture.commit({ 'mine.txt': 'not ready\n' }, 'Half done');
    const file = await bench.database('a.sqlite', ...v1);
    const before = snapshot(bench);
    await assert.rejects(
      createDataset(context, 'a.sqlite', { file }),
      (error) => DataManagerError.is(error, 'CONFIRMATION_NEEDED') && error.message.includes('"Half done"'),
    );
    assert.deepEqual(snapshot(bench), before);
    const kept = await createDataset(context, 'a.sqlite', { file, push: false });
    assert.equal(kept.pushed, false);
    const pushed = await updateDataset(context, 'a.sqlite', {
      file: await bench.database('b.sqlite', ...v2),
      yes: true,
    });
    assert.equal(pushed.pushed, true);
  });

  it('its own unpushed versions need no question', async () => {
    const bench = await workbench({ remote: true });
    await createDataset(bench.context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1), push: false });
    const pushed = await updateDataset(bench.context, 'a.sqlite', { file: await bench.database('b.sqlite', ...v2) });
    assert.equal(pushed.pushed, true);
  });

  it('stops on a diverged branch before anything is sent', async () => {
    const bench = await workbench({ remote: true });
    const { context, fixture } = bench;
    const other = cloneOf(bench.remote ?? '');
    other.commit({ 'notes.txt': 'theirs\n' });
    other.run('push', '-q');
    fixture.commit({ 'mine.txt': 'mine\n' });
    const before = snapshot(bench);
    await assert.rejects(
      createDataset(context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1), yes: true }),
      has('BRANCH_DIVERGED'),
    );
    assert.deepEqual(snapshot(bench), before);
  });

  it('a remote that is away leaves the commit here, push pending', async () => {
    const bench = await workbench({ remote: true });
    runIn(bench.fixture.dir, ['remote', 'set-url', 'origin', 'http://127.0.0.1:9/none.git']);
    const result = await createDataset(bench.context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1) });
    assert.equal(result.pushed, false);
    assert.match(result.note ?? '', /push is pending/);
    assert.equal(result.commit, bench.fixture.run('rev-parse', 'HEAD').trim());
  });

  it('a hook that says no is quoted, and the version stays here', async () => {
    const bench = await workbench({ remote: true });
    const hook = join(bench.remote ?? '', 'hooks', 'pre-receive');
    writeFileSync(hook, '#!/bin/sh\necho "no data on fridays" >&2\nexit 1\n', { mode: 0o755 });
    await assert.rejects(
      createDataset(bench.context, 'a.sqlite', { file: await bench.database('a.sqlite', ...v1) }),
      (error) => DataManagerError.is(error, 'PUSH_REJECTED') && error.message.includes('no data on fridays'),
    );
    assert.equal((await listDatasets(bench.context))[0]?.latestVersion, 'v1');
  });

  it('stored diffs are not ignored by the .gitignore that keeps data out of Git', async () => {
    const bench = await workbench();
    await createDataset(bench.context, 'a.sqlite', { file: await bench.database('1.sqlite', ...v1) });
    await updateDataset(bench.context, 'a.sqlite', { file: await bench.database('2.sqlite', ...v2) });
    const ignored = bench.fixture.run('ls-files', '--cached', '--ignored', '--exclude-standard');
    assert.equal(ignored, '');
    bench.fixture.write('a.sqlite', 'data');
    assert.equal(bench.fixture.status(), '!! a.sqlite\0');
  });

  it('a name that another system takes for an existing one is refused', async () => {
    const bench = await workbench();
    const file = await bench.database('1.sqlite', ...v1);
    await createDataset(bench.context, 'caf\u00e9.sqlite', { file });
    for (const twin of ['cafe\u0301.sqlite', 'CAF\u00c9.sqlite']) {
      await assert.rejects(createDataset(bench.context, twin, { file }), has('DATASET_EXISTS'), twin);
    }
  });

  it('several at once: every one becomes a version, none undoes another', async () => {
    const bench = await workbench();
    const { context, fixture } = bench;
    await createDataset(context, 'a.sqlite', { file: await bench.database('1.sqlite', ...v1) });
    const files: string[] = [];
    for (let i = 0; i < 4; i++) {
      files.push(await bench.database(`n${i}.sqlite`, ...v1, `INSERT INTO cost VALUES('new', ${2000 + i}, 1)`));
    }
    const results = await Promise.all([
      ...files.map((file) => updateDataset(context, 'a.sqlite', { file })),
      ...files.map((file, i) => createDataset(context, `b${i}.sqlite`, { file })),
    ]);
    const history = await versionHistory(context, 'a.sqlite');
    assert.deepEqual(
      history.map(({ entry }) => entry.version),
      ['v5', 'v4', 'v3', 'v2', 'v1'],
    );
    assert.equal(new Set(history.map(({ entry }) => entry.sha256)).size, 5);
    assert.deepEqual(
      results
        .slice(0, 4)
        .map(({ version }) => version)
        .sort(),
      ['v2', 'v3', 'v4', 'v5'],
    );
    assert.equal((await listDatasets(context)).length, 5);
    assert.equal(fixture.status(), '');
  }).timeout(60_000);

  it('the loser of two with the same bytes leaves the object of the winner alone', async () => {
    const bench = await workbench();
    const file = await bench.database('1.sqlite', ...v1);
    const results = await Promise.allSettled([1, 2, 3].map(() => createDataset(bench.context, 'a.sqlite', { file })));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    for (const result of results) assert.ok(result.status === 'fulfilled' || has('DATASET_EXISTS')(result.reason));
    const { key } = (await versionHistory(bench.context, 'a.sqlite'))[0]?.entry ?? { key: 'none' };
    assert.ok(existsSync(join(bench.storeFolder, key)));
  }).timeout(60_000);
});
