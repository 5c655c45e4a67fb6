import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDataset } from '../../../src/core/operations/createDataset';
import { initRepository } from '../../../src/core/operations/initRepository';
import { linkVersions } from '../../../src/core/operations/linkVersions';
import { updateDataset } from '../../../src/core/operations/updateDataset';
import { fixtureAt, git } from '../../support/gitFixture';
import { workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';

const schema = 'CREATE TABLE t(a)';

/** Runs the command line in a process that dies by SIGKILL `before` or `after` the commit becomes visible. */
function killed(when: 'before' | 'after', dir: string, args: readonly string[]): void {
  const preload = join(tempDir(), 'preload.cjs');
  const script = `
    const files = require('node:fs/promises');
    const { rename } = files;
    files.rename = async (from, to) => {
      const visible = /[\\\\/]refs[\\\\/]heads[\\\\/]/.test(to);
      if (!visible || ${when === 'after'}) await rename(from, to);
      if (visible) process.kill(process.pid, 'SIGKILL');
    };`;
  writeFileSync(preload, script);
  const identity = { GIT_AUTHOR_NAME: 'A', GIT_AUTHOR_EMAIL: 'a@example.com' };
  const env = { ...git.env, ...identity, GIT_COMMITTER_NAME: 'A', GIT_COMMITTER_EMAIL: 'a@example.com' };
  const program = ['--require', preload, join(process.cwd(), 'dist', 'cli.js')];
  const { signal, stderr } = spawnSync(process.execPath, [...program, ...args], {
    cwd: dir,
    env: { ...env, DATAMANAGER_CACHE: tempDir() },
    encoding: 'utf8',
  });
  assert.equal(signal, 'SIGKILL', stderr);
}

describe('after a process was killed while it committed', () => {
  it('the next update undoes or finishes it by itself, and nothing is lost', async () => {
    for (const when of ['before', 'after'] as const) {
      const bench = await workbench();
      const { context, fixture } = bench;
      await createDataset(context, 't.sqlite', { file: await bench.database('1.sqlite', schema) });
      fixture.write('mine.txt', 'mine\n');
      const second = await bench.database('2.sqlite', schema, 'INSERT INTO t VALUES(2)');
      killed(when, fixture.dir, ['update', 't.sqlite', second]);
      assert.ok(existsSync(join(fixture.dir, '.git', 'index.lock')), `${when}: died while it held the lock`);

      const third = await bench.database('3.sqlite', schema, 'INSERT INTO t VALUES(3)');
      const result = await updateDataset(context, 't.sqlite', { file: third });
      assert.equal(result.version, when === 'before' ? 'v2' : 'v3');
      assert.equal(fixture.status(), '?? mine.txt\0', when);
      assert.doesNotMatch(fixture.run('fsck', '--strict', '--no-dangling'), /error|missing|broken/);
    }
  }).timeout(60_000);

  it('a create that did not become visible is no dataset', async () => {
    const bench = await workbench();
    const file = await bench.database('1.sqlite', schema);
    killed('before', bench.fixture.dir, ['create', 't.sqlite', file]);
    assert.equal((await createDataset(bench.context, 't.sqlite', { file })).status, 'created');
    assert.equal(bench.fixture.status(), '');
  }).timeout(60_000);

  it('lineage and init clean up too', async () => {
    const bench = await workbench();
    const { context, fixture } = bench;
    for (const name of ['a.sqlite', 'b.sqlite']) {
      await createDataset(context, name, { file: await bench.database(name, `CREATE TABLE ${name[0]}(a)`) });
    }
    killed('before', fixture.dir, ['lineage', '--parent', 'a.sqlite', '--child', 'b.sqlite']);
    assert.equal((await linkVersions(context, { parent: 'a.sqlite', child: 'b.sqlite' })).status, 'linked');
    assert.equal(fixture.status(), '');

    const folder = join(tempDir(), 'catalog');
    mkdirSync(folder);
    killed('before', folder, ['init']);
    const fresh = fixtureAt(folder);
    fresh.run('config', 'user.name', 'A');
    fresh.run('config', 'user.email', 'a@example.com');
    const store = { type: 'folder', path: tempDir() } as const;
    assert.equal((await initRepository({ git, folder, store })).created, true);
    assert.equal(fresh.status(), '');
  }).timeout(60_000);
});
