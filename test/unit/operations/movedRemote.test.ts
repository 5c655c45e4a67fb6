import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCatalog } from '../../../src/core/catalog/readCatalog';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import type { OperationContext } from '../../../src/core/operations/context';
import { createDataset } from '../../../src/core/operations/createDataset';
import { linkVersions } from '../../../src/core/operations/linkVersions';
import { pendingCommits } from '../../../src/core/operations/pendingCommits';
import { type PreparedBranch, pushCommits } from '../../../src/core/operations/publishBranch';
import { pushPending } from '../../../src/core/operations/pushPending';
import { recover } from '../../../src/core/operations/recover';
import { resolveConflict } from '../../../src/core/operations/resolveConflict';
import { updateDataset } from '../../../src/core/operations/updateDataset';
import { createCache } from '../../../src/core/store/cache';
import { createFolderStore } from '../../../src/core/store/folderStore';
import { cloneOf, type GitFixture, runIn } from '../../support/gitFixture';
import { type Workbench, workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';

const has = (code: ErrorCode) => (error: unknown) => DataManagerError.is(error, code);

interface Clones extends Workbench {
  readonly remote: string;
  /** A colleague's clone of the same repository. */
  readonly other: OperationContext;
  readonly otherFixture: GitFixture;
  /** A text file: quick to compare. */
  file(text: string): string;
  /** The context, with something that happens once while it uploads: after its fetch, before its commit. */
  during(happens: () => Promise<unknown>): OperationContext;
}

async function clones(): Promise<Clones> {
  const bench = await workbench({ remote: true });
  const remote = bench.remote ?? '';
  const otherFixture = cloneOf(remote);
  const other = {
    ...bench.context,
    repository: await otherFixture.open(),
    cache: createCache({ folder: tempDir() }),
  };
  let count = 0;
  const store = createFolderStore({ folder: bench.storeFolder });
  return {
    ...bench,
    remote,
    other,
    otherFixture,
    file: (text) => {
      const file = join(tempDir(), `${count++}.csv`);
      writeFileSync(file, text);
      return file;
    },
    during: (happens) => {
      let once: (() => Promise<unknown>) | null = happens;
      const put: typeof store.put = async (...args) => {
        const now = once;
        once = null;
        await now?.();
        return store.put(...args);
      };
      return { ...bench.context, openStore: async () => ({ ...store, put }) };
    },
  };
}

async function versions({ repository }: OperationContext, name: string): Promise<readonly string[]> {
  const { manifest } = await readCatalog(repository);
  const history = manifest.datasets.find((dataset) => dataset.name === name)?.history ?? [];
  return history.map(({ version, sha256 }) => `${version} ${sha256.slice(0, 6)}`);
}

const linear = ({ fixture }: Clones): string => fixture.run('rev-list', '--min-parents=2', '--all').trim();

describe('a remote that moves while we publish', () => {
  it('another dataset: our commit is made again on top of theirs, with author, date and words', async () => {
    const team = await clones();
    const { context, other, fixture, file } = team;
    const racing = team.during(() => createDataset(other, 'theirs.csv', { file: file('a\n1\n') }));
    const result = await createDataset(racing, 'mine.csv', { file: file('b\n1\n'), message: 'Mine\n\nBecause.' });
    assert.equal(result.pushed, true);
    assert.equal(result.version, 'v1');
    const head = fixture.run('rev-parse', 'HEAD').trim();
    assert.equal(result.commit, head);
    assert.equal(runIn(team.remote, ['rev-parse', 'main']).trim(), head);
    assert.match(
      fixture.run('show', '-s', '--format=%B', 'HEAD'),
      /^Mine\n\nBecause\.\n\nDataset: mine\.csv\nVersion: v1\n/,
    );
    assert.equal(linear(team), '');
    assert.equal(fixture.status(), '');
    assert.deepEqual(
      (await readCatalog(context.repository)).manifest.datasets.map(({ name }) => name),
      ['theirs.csv', 'mine.csv'],
    );
    assert.equal(
      existsSync(join(fixture.dir, '.git/datamanager/txn')) && fixture.run('fsck', '--strict').includes('error'),
      false,
    );
  }).timeout(60_000);

  it('files of others come along, and what the user changed stays', async () => {
    const team = await clones();
    const { other, otherFixture, fixture, file } = team;
    fixture.commit({ 'a.txt': 'a\n' });
    fixture.run('push', '-q');
    const racing = team.during(async () => {
      otherFixture.run('pull', '-q');
      otherFixture.commit({ 'b.txt': 'b\n' });
      otherFixture.run('push', '-q');
      await createDataset(other, 'theirs.csv', { file: file('a\n1\n') });
      fixture.write('a.txt', 'changed\n');
      fixture.write('new.txt', 'new\n');
      fixture.run('add', 'new.txt');
    });
    const result = await createDataset(racing, 'mine.csv', { file: file('b\n1\n') });
    assert.equal(result.pushed, true);
    assert.equal(readFileSync(join(fixture.dir, 'b.txt'), 'utf8'), 'b\n');
    assert.equal(fixture.status(), ' M a.txt\0A  new.txt\0');
  }).timeout(60_000);

  it('the same dataset: stops, takes its commit back, and says who published what', async () => {
    const team = await clones();
    const { context, other, fixture, file } = team;
    await createDataset(context, 'x.csv', { file: file('a\n1\n') });
    team.otherFixture.run('pull', '-q');
    const theirs = file('a\n2\n');
    const racing = team.during(() => updateDataset(other, 'x.csv', { file: theirs, message: 'Their change' }));
    const mine = file('a\n3\n');
    await assert.rejects(updateDataset(racing, 'x.csv', { file: mine }), (error) => {
      assert.ok(DataManagerError.is(error, 'DATASET_CONFLICT'));
      assert.match(error.message, /x\.csv has got v2 .*Ada Lovelace.*"Their change"/);
      assert.match(error.hint ?? '', /datamanager diff x\.csv@v2 .*same command again/);
      const { base, theirs: published, mine: own } = error.data as Record<string, { version: string }>;
      assert.deepEqual([base?.version, published?.version, own?.version], ['v1', 'v2', 'v2']);
      assert.equal(error.data.pending, false);
      return true;
    });
    assert.equal(fixture.run('rev-parse', 'HEAD'), runIn(team.remote, ['rev-parse', 'main']));
    assert.equal(fixture.status(), '');
    assert.equal((await versions(context, 'x.csv')).length, 2);
    // Once more, knowing of theirs: on top.
    const again = await updateDataset(context, 'x.csv', { file: mine });
    assert.deepEqual([again.version, again.pushed], ['v3', true]);
  }).timeout(60_000);

  it('the same dataset, with agreement: on top as the next version, compared with theirs', async () => {
    const team = await clones();
    const { context, other, fixture, file } = team;
    await createDataset(context, 'x.csv', { file: file('a\n1\n') });
    team.otherFixture.run('pull', '-q');
    const racing = team.during(() => updateDataset(other, 'x.csv', { file: file('a\n2\n') }));
    const result = await updateDataset(racing, 'x.csv', { file: file('a\n3\n'), onConflict: 'on-top' });
    assert.deepEqual([result.version, result.status, result.pushed], ['v3', 'updated', true]);
    assert.equal(result.transfer.bytesSent, result.size);
    const stored = readFileSync(join(fixture.dir, 'diffs/x.csv/diff-v2-to-v3.diff'), 'utf8');
    assert.match(stored, /-2\n\+3/);
    assert.match(fixture.run('show', '-s', '--format=%B'), /^Update x\.csv to v3\n[\s\S]*Version: v3/);
    assert.deepEqual(fixture.run('ls-files', 'diffs').trim().split('\n'), [
      'diffs/x.csv/diff-v1-to-v2.diff',
      'diffs/x.csv/diff-v2-to-v3.diff',
    ]);
    assert.equal(
      (await readCatalog(context.repository)).manifest.datasets[0]?.history[0].diffFromPrevious,
      'diffs/x.csv/diff-v2-to-v3.diff',
    );
  }).timeout(60_000);

  it('both make a dataset of one name: with agreement ours is v2, with a diff', async () => {
    const team = await clones();
    const { context, other, file } = team;
    const mine = file('a\n3\n');
    const racing = () => team.during(() => createDataset(other, 'x.csv', { file: file('a\n2\n') }));
    const result = await createDataset(racing(), 'x.csv', { file: mine, onConflict: 'on-top' });
    assert.deepEqual([result.version, result.status, result.pushed], ['v2', 'updated', true]);
    assert.deepEqual(result.diff?.lines, { added: 1, removed: 1 });
    assert.equal((await versions(context, 'x.csv')).length, 2);
  }).timeout(60_000);

  it('the same bytes: nothing of ours is left to do', async () => {
    const team = await clones();
    const { context, other, fixture, file } = team;
    await createDataset(context, 'x.csv', { file: file('a\n1\n') });
    team.otherFixture.run('pull', '-q');
    const racing = team.during(() => updateDataset(other, 'x.csv', { file: file('a\n2\n') }));
    const result = await updateDataset(racing, 'x.csv', { file: file('a\n2\n') });
    assert.deepEqual([result.status, result.version, result.commit], ['unchanged', 'v2', null]);
    assert.equal(fixture.run('rev-parse', 'HEAD'), runIn(team.remote, ['rev-parse', 'main']));
    const { key } = result;
    assert.ok(existsSync(join(team.storeFolder, key)));
  }).timeout(60_000);

  it("a commit of the user's is not pushed unasked, and diverged with it we stop, pending", async () => {
    const team = await clones();
    const { context, fixture, file, other } = team;
    const racing = team.during(async () => fixture.commit({ 'mine.txt': 'half done\n' }, 'Half done'));
    const result = await createDataset(racing, 'x.csv', { file: file('a\n1\n') });
    assert.equal(result.pushed, false);
    assert.match(result.note ?? '', /"Half done"/);
    await createDataset(other, 'y.csv', { file: file('b\n1\n') });
    await assert.rejects(recover(context, {}), has('BRANCH_DIVERGED'));
    assert.equal((await pendingCommits(context)).length, 1);
  }).timeout(60_000);

  it("where the user's changes are in the way of theirs, ours stays as it was, pending", async () => {
    const team = await clones();
    const { context, otherFixture, fixture, file } = team;
    fixture.commit({ 'a.txt': 'a\n' });
    fixture.run('push', '-q');
    const racing = team.during(async () => {
      otherFixture.run('pull', '-q');
      otherFixture.commit({ 'a.txt': 'theirs\n' });
      otherFixture.run('push', '-q');
      fixture.write('a.txt', 'mine\n');
    });
    await assert.rejects(createDataset(racing, 'x.csv', { file: file('a\n1\n') }), (error) => {
      assert.ok(DataManagerError.is(error, 'PATH_DIRTY'));
      assert.match(error.message, /x\.csv@v1 is uploaded and committed here/);
      return true;
    });
    assert.equal(fixture.status(), ' M a.txt\0');
    assert.deepEqual((await pendingCommits(context))[0]?.versions, [{ name: 'x.csv', version: 'v1' }]);
    fixture.run('checkout', '-q', '--', 'a.txt');
    assert.equal((await pushPending(context, {})).pushed, true);
    assert.equal(fixture.status(), '');
  }).timeout(60_000);
});

describe('versions that wait to be pushed', () => {
  it('go with the next publish, rebuilt where others were first', async () => {
    const team = await clones();
    const { context, other, fixture, file } = team;
    await createDataset(context, 'x.csv', { file: file('a\n1\n'), push: false });
    await updateDataset(context, 'x.csv', { file: file('a\n2\n'), push: false });
    await linkVersions(context, { parent: 'x.csv@v1', child: 'x.csv@v2', push: false });
    assert.equal((await pendingCommits(context)).length, 3);
    await createDataset(other, 'y.csv', { file: file('b\n1\n') });
    const result = await createDataset(context, 'z.csv', { file: file('c\n1\n') });
    assert.equal(result.pushed, true);
    assert.equal(fixture.run('rev-list', '--count', 'HEAD').trim(), '6');
    assert.deepEqual(await pendingCommits(context), []);
    assert.equal(fixture.status(), '');
  }).timeout(60_000);

  it('are not pushed to a remote that has just let the fetch wait for nothing', async () => {
    const { context, fixture, file } = await clones();
    await createDataset(context, 'x.csv', { file: file('a\n1\n'), push: false });
    const before = fixture.run('ls-remote', 'origin');
    const silent = {
      kind: 'timeout',
      trouble: 'timeout',
      text: '',
      remote: 'origin',
      address: 'https://there.example/x',
    };
    const { pushed, note } = await pushCommits(context, null, { silent: silent as PreparedBranch['silent'] });
    assert.equal(pushed, false);
    assert.match(note ?? '', /nothing is lost; the push is pending: there\.example gave no answer in time/);
    assert.equal(fixture.run('ls-remote', 'origin'), before);
  });

  it('an update that has nothing to add still pushes them', async () => {
    const { context, fixture, file } = await clones();
    const data = file('a\n1\n');
    const url = fixture.run('remote', 'get-url', 'origin').trim();
    fixture.run('remote', 'set-url', 'origin', join(tempDir(), 'away'));
    const offline = await createDataset(context, 'x.csv', { file: data });
    assert.equal(offline.pushed, false);
    fixture.run('remote', 'set-url', 'origin', url);
    const again = await updateDataset(context, 'x.csv', { file: data });
    assert.deepEqual([again.status, again.pushed], ['unchanged', true]);
    assert.deepEqual((await recover(context, {})).recovered, []);
  }).timeout(60_000);

  it('one that gets another number on its way is reported by that', async () => {
    const { context, other, otherFixture, file } = await clones();
    await createDataset(context, 'x.csv', { file: file('a\n1\n') });
    const mine = file('a\n2\n');
    await updateDataset(context, 'x.csv', { file: mine, push: false });
    otherFixture.run('pull', '-q');
    await updateDataset(other, 'x.csv', { file: file('a\n3\n'), push: false });
    let locked = 0;
    const overtaken: OperationContext = {
      ...context,
      onStep: (step) => {
        // The first time it fetches, the second time it pushes.
        if (step === 'LOCKED' && ++locked === 2) otherFixture.run('push', '-q');
      },
    };
    const again = await updateDataset(overtaken, 'x.csv', { file: mine, onConflict: 'on-top' });
    assert.deepEqual([again.status, again.version, again.pushed], ['unchanged', 'v3', true]);
    assert.equal((await versions(context, 'x.csv'))[0], `v3 ${again.sha256.slice(0, 6)}`);
  }).timeout(60_000);

  it('a conflict leaves them as they were, and is settled on top, as theirs, or on a branch', async () => {
    for (const kind of ['on-top', 'theirs', 'branch'] as const) {
      const team = await clones();
      const { context, other, fixture, file } = team;
      await createDataset(context, 'x.csv', { file: file('a\n1\n') });
      team.otherFixture.run('pull', '-q');
      await updateDataset(context, 'x.csv', { file: file('a\n2\n'), push: false });
      await updateDataset(context, 'x.csv', { file: file('a\n3\n'), push: false });
      await createDataset(context, 'w.csv', { file: file('w\n3\n'), push: false });
      const theirs = await updateDataset(other, 'x.csv', { file: file('a\n9\n') });
      const before = fixture.run('rev-parse', 'HEAD');
      await assert.rejects(recover(context, {}), (error) => {
        assert.ok(DataManagerError.is(error, 'DATASET_CONFLICT'));
        assert.equal(error.data.pending, true);
        return true;
      });
      assert.equal(fixture.run('rev-parse', 'HEAD'), before);
      const resolution = kind === 'branch' ? ({ kind, branch: 'offline' } as const) : { kind, name: 'x.csv' };
      assert.equal((await resolveConflict(context, resolution, {})).pushed, true, kind);
      assert.equal(fixture.status(), '', kind);
      const main = runIn(team.remote, ['rev-parse', 'main']);
      assert.equal(fixture.run('rev-parse', 'main'), main, kind);
      const found = await versions(context, 'x.csv');
      const expected = { 'on-top': ['v4', 'v3', 'v2', 'v1'], theirs: ['v2', 'v1'], branch: ['v2', 'v1'] }[kind];
      assert.deepEqual(
        found.map((version) => version.split(' ')[0]),
        expected,
        kind,
      );
      assert.ok(found.includes(`v2 ${theirs.sha256.slice(0, 6)}`), kind);
      assert.equal((await versions(context, 'w.csv')).length, kind === 'branch' ? 0 : 1, kind);
      if (kind === 'branch') assert.equal(runIn(team.remote, ['rev-parse', 'offline']), before);
      if (kind === 'theirs') assert.equal(fixture.run('ls-files', 'diffs').trim(), 'diffs/x.csv/diff-v1-to-v2.diff');
      assert.deepEqual(await pendingCommits(context), [], kind);
    }
  }).timeout(120_000);
});
