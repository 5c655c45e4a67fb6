import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '../../../src/core/catalog/readCatalog';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { createDataset } from '../../../src/core/operations/createDataset';
import { recover } from '../../../src/core/operations/recover';
import { recoverTransactions } from '../../../src/core/operations/recoverTransactions';
import { updateDataset } from '../../../src/core/operations/updateDataset';
import { processMark } from '../../../src/core/repo/processMark';
import type { Repository } from '../../../src/core/repo/repository';
import { createFolderStore } from '../../../src/core/store/folderStore';
import { journalFolder, type PublishRecord, type RebuildRecord } from '../../../src/core/transaction/journal';
import { fixtureAt } from '../../support/gitFixture';
import { workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';

const has = (code: ErrorCode) => (error: unknown) => DataManagerError.is(error, code);

function csv(text: string): string {
  const file = join(tempDir(), 'x.csv');
  writeFileSync(file, text);
  return file;
}

/** The journal of a process that is over. */
function leave(
  repository: Repository,
  facts: Partial<PublishRecord> | (Partial<RebuildRecord> & { readonly kind: 'rebuild' }),
): void {
  const id = randomUUID();
  const owner = { ...processMark(), pid: 4_194_303, process: 'gone' };
  const { root, manifestPath } = repository;
  const head = { schemaVersion: 1, id, owner, started: new Date().toISOString(), root, manifestPath, branch: 'main' };
  mkdirSync(join(journalFolder(repository), id), { recursive: true });
  writeFileSync(join(journalFolder(repository), id, 'journal.json'), JSON.stringify({ ...head, ...facts }));
}

describe('a file that changes while it is published', () => {
  it('stops the publish, also when only the change counter of SQLite tells', async () => {
    const bench = await workbench();
    const store = createFolderStore({ folder: bench.storeFolder });
    const file = await bench.database('a.sqlite', 'CREATE TABLE t(a)');
    const touch = (): void => {
      const { atime, mtime } = statSync(file);
      const handle = openSync(file, 'r+');
      writeSync(handle, Buffer.from([9]), 0, 1, 27);
      closeSync(handle);
      utimesSync(file, atime, mtime);
    };
    const before = bench.fixture.run('rev-parse', 'HEAD');
    const put: typeof store.put = async (...args) => {
      const result = await store.put(...args);
      touch();
      return result;
    };
    const context = { ...bench.context, openStore: async () => ({ ...store, put }) };
    await assert.rejects(createDataset(context, 'a.sqlite', { file }), has('FILE_CHANGED'));
    assert.equal(bench.fixture.run('rev-parse', 'HEAD'), before);
    assert.equal(bench.fixture.status(), '');
    assert.deepEqual(readdirSync(bench.storeFolder), []);
    assert.equal(existsSync(journalFolder(context.repository)), false);
  }).timeout(30_000);
});

describe('recovery', () => {
  it('of a publish goes by what Git holds, whatever the journal says', async () => {
    const { context, fixture } = await workbench();
    const file = csv('a\n1\n');
    const { sha256 } = await createDataset(context, 'x.csv', { file });
    const { timestamp } = (await readCatalog(context.repository)).manifest.datasets[0]?.history[0] ?? {};
    const stamp = { size: 4, mtimeMs: 0, ino: 0 };
    const intent = { kind: 'publish', name: 'x.csv', target: 'either', file, stamp, sha256 } as const;
    leave(context.repository, { ...intent, state: 'COMMIT_BUILT', ...(timestamp === undefined ? {} : { timestamp }) });
    leave(context.repository, { ...intent, state: 'COMMIT_BUILT', timestamp: '2020-01-01T00:00:00.000Z' });
    leave(context.repository, { ...intent, state: 'UPLOADED' });
    const found = await recoverTransactions(context, {});
    assert.deepEqual(found.map(({ action, version }) => [action, version]).sort(), [
      ['finished', 'v1'],
      ['undone', null],
      ['undone', null],
    ]);
    assert.deepEqual(await recoverTransactions(context, {}), []);
    assert.equal(fixture.status(), '');
  }).timeout(30_000);

  it('of a move brings our commits back, although the branch is not checked out any more', async () => {
    const { context, fixture } = await workbench();
    const base = fixture.run('rev-parse', 'HEAD').trim();
    await createDataset(context, 'x.csv', { file: csv('a\n1\n') });
    const from = fixture.run('rev-parse', 'HEAD').trim();
    const rebuild = { kind: 'rebuild', from, base, to: from, commits: [{ was: from, now: from }] } as const;
    fixture.run('checkout', '-q', '-b', 'side', base);
    fixture.run('update-ref', 'refs/heads/main', base);
    leave(context.repository, rebuild);
    const [back] = await recoverTransactions(context, {});
    assert.match(back?.sentence ?? '', /back on main/);
    assert.equal(fixture.run('rev-parse', 'main').trim(), from);

    // The person has committed there in between: a branch of its own keeps ours.
    fixture.run('checkout', '-q', '-B', 'main', base);
    fixture.commit({ 'mine.txt': 'mine\n' });
    fixture.run('checkout', '-q', 'side');
    leave(context.repository, rebuild);
    const [kept] = await recoverTransactions(context, {});
    const branch = /branch (\S+):/.exec(kept?.sentence ?? '')?.[1] ?? '';
    assert.equal(fixture.run('rev-parse', branch).trim(), from);
  }).timeout(30_000);

  it('of a move keeps what the user committed in between, below our commits', async () => {
    const { context, fixture } = await workbench();
    const base = fixture.run('rev-parse', 'HEAD').trim();
    await createDataset(context, 'x.csv', { file: csv('a\n1\n') });
    const from = fixture.run('rev-parse', 'HEAD').trim();
    fixture.run('reset', '-q', '--hard', base);
    const theirs = fixture.commit({ 'mine.txt': 'mine\n' });
    leave(context.repository, { kind: 'rebuild', from, base, to: from, commits: [{ was: from, now: from }] });
    await recover(context, {});
    assert.equal(fixture.run('rev-parse', 'HEAD~1').trim(), theirs);
    assert.equal((await readCatalog(context.repository)).manifest.datasets.length, 1);
    assert.equal(fixture.status(), '');
    assert.deepEqual((await recover(context, {})).recovered, []);
  }).timeout(30_000);

  it('works from one work tree for another, which share the lock and the journals', async () => {
    const { context, fixture } = await workbench();
    await createDataset(context, 'x.csv', { file: csv('a\n1\n') });
    const dir = join(tempDir(), 'linked');
    fixture.run('worktree', 'add', '-q', '-b', 'side', dir);
    const linked = fixtureAt(dir);
    const there = { ...context, repository: await linked.open() };
    const base = linked.run('rev-parse', 'HEAD').trim();
    await updateDataset(there, 'x.csv', { file: csv('a\n2\n') });
    const from = linked.run('rev-parse', 'HEAD').trim();
    linked.run('reset', '-q', '--hard', base);
    leave(there.repository, {
      kind: 'rebuild',
      branch: 'side',
      from,
      base,
      to: from,
      commits: [{ was: from, now: from }],
    });
    await recoverTransactions(context, {});
    assert.equal(linked.run('rev-parse', 'HEAD').trim(), from);
    assert.equal(linked.status(), '');
    const results = await Promise.all([
      updateDataset(context, 'x.csv', { file: csv('a\n3\n') }),
      updateDataset(there, 'x.csv', { file: csv('a\n4\n') }),
    ]);
    assert.deepEqual(
      results.map(({ version }) => version),
      ['v2', 'v3'],
    );
    assert.equal(fixture.status() + linked.status(), '');
  }).timeout(30_000);
});
