import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitPaths } from '../../../src/core/repo/commitPaths';
import { recoverInterruptedCommit } from '../../../src/core/repo/indexLock';
import { type MovedBranch, moveBranchTo } from '../../../src/core/repo/moveBranch';
import { assertSound, dieAt, failsWith, snapshot } from '../../support/commitChecks';
import { fixtureAt, type GitFixture, git, manifestRepository } from '../../support/gitFixture';
import { tempDir } from '../../support/tempDir';

/** Two commits of ours on top of the first one. */
async function published(): Promise<{ readonly fixture: GitFixture; readonly base: string; readonly tip: string }> {
  const fixture = manifestRepository();
  const base = fixture.run('rev-parse', 'HEAD').trim();
  const repo = await fixture.open();
  const diff = 'diffs/a/v1-to-v2.diff';
  await commitPaths({ repo, git, changes: [{ path: 'manifest.json', content: '["v1"]\n' }], message: 'v1' });
  const changes = [
    { path: 'manifest.json', content: '["v2"]\n' },
    { path: diff, content: '+1\n' },
  ];
  const { commit: tip } = await commitPaths({ repo, git, changes, message: 'v2' });
  return { fixture, base, tip };
}

type Move = (fixture: GitFixture, to: string, expected?: string) => Promise<MovedBranch>;

function mover(writer: 'locked' | 'git'): Move {
  return async (fixture, to, expected) => moveBranchTo({ repo: await fixture.open(), git, to, expected, writer });
}

for (const writer of ['locked', 'git'] as const) {
  describe(`moveBranchTo, ${writer} writer`, () => {
    const move = mover(writer);
    it('takes our commits off and puts them back, and keeps what the user has', async () => {
      const { fixture, base, tip } = await published();
      fixture.write('readme.txt', 'staged\n');
      fixture.run('add', 'readme.txt');
      fixture.write('readme.txt', 'dirty\n');
      fixture.write('untracked', 'x\n');
      fixture.write('intended', 'x\n');
      fixture.run('add', '-N', 'intended');
      const before = {
        status: fixture.status(),
        cached: fixture.run('diff', '--cached'),
        unstaged: fixture.run('diff'),
      };
      const now = () => ({
        status: fixture.status(),
        cached: fixture.run('diff', '--cached'),
        unstaged: fixture.run('diff'),
      });

      assert.deepEqual(await move(fixture, base, tip), { from: tip, to: base });
      assert.equal(fixture.run('rev-parse', 'main').trim(), base);
      assert.equal(readFileSync(join(fixture.dir, 'manifest.json'), 'utf8'), '[]\n');
      assert.equal(existsSync(join(fixture.dir, 'diffs')), false);
      assert.deepEqual(now(), before);
      assert.match(fixture.run('reflog', '-1', 'HEAD'), new RegExp(`datamanager: move to ${base}`));
      assert.match(fixture.run('reflog', '-1', 'main'), new RegExp(`datamanager: move to ${base}`));
      assertSound(fixture);

      assert.deepEqual(await move(fixture, tip), { from: base, to: tip });
      assert.equal(fixture.run('rev-parse', 'HEAD').trim(), tip);
      assert.deepEqual(now(), before);
      assert.deepEqual(await move(fixture, tip, tip), { from: tip, to: tip });
      assertSound(fixture);
    });

    it('moves to a sibling, on a detached HEAD of a linked worktree', async () => {
      const { fixture, base, tip } = await published();
      const dir = join(tempDir(), 'linked');
      fixture.run('worktree', 'add', '-q', '--detach', dir, base);
      const linked = fixtureAt(dir);
      const changes = [{ path: 'diffs/b.diff', content: 'b\n' }];
      const { commit } = await commitPaths({ repo: await linked.open(), git, changes, message: 'sibling' });
      await move(linked, tip, commit);
      assert.equal(linked.run('rev-parse', 'HEAD').trim(), tip);
      assert.equal(linked.status(), '');
      assert.equal(existsSync(join(dir, 'diffs', 'b.diff')), false);
      assert.equal(fixture.status(), '');
      assertSound(linked);
    });

    it('refuses when HEAD is elsewhere', async () => {
      const { fixture, base, tip } = await published();
      const before = await snapshot(fixture);
      await assert.rejects(move(fixture, base, base), failsWith('REF_MOVED'));
      await assert.rejects(move(fixture, '1'.repeat(40)), failsWith('COMMIT_NOT_FOUND'));
      assert.deepEqual(await snapshot(fixture), before);
      fixture.run('update-ref', 'refs/heads/main', base, tip);
      await assert.rejects(move(fixture, base, tip), failsWith('REF_MOVED'));
    });

    for (const [state, prepare] of Object.entries({
      'changed in the work tree': (f: GitFixture) => f.write('manifest.json', '["mine"]\n'),
      staged: (f: GitFixture) => {
        f.write('manifest.json', '["mine"]\n');
        f.run('add', 'manifest.json');
      },
      deleted: (f: GitFixture) => rmSync(join(f.dir, 'manifest.json')),
      'assumed unchanged': (f: GitFixture) => f.run('update-index', '--assume-unchanged', 'manifest.json'),
    })) {
      it(`refuses when a file that differs is ${state}`, async () => {
        const { fixture, base } = await published();
        prepare(fixture);
        const before = await snapshot(fixture);
        await assert.rejects(move(fixture, base), failsWith('PATH_DIRTY', /manifest\.json/));
        assert.deepEqual(await snapshot(fixture), before);
      });
    }

    it('does not overwrite an untracked file on the way back', async () => {
      const { fixture, base, tip } = await published();
      await move(fixture, base);
      fixture.write('diffs/a/v1-to-v2.diff', 'mine');
      const before = await snapshot(fixture);
      await assert.rejects(move(fixture, tip), failsWith('PATH_DIRTY', /v1-to-v2/));
      assert.deepEqual(await snapshot(fixture), before);
    });

    it('refuses what is not just the content of a regular file', async () => {
      const fixture = manifestRepository();
      const plain = fixture.commit({ 'kept.txt': 'a\n', tool: 'x\n', place: 'x\n' });
      chmodSync(join(fixture.dir, 'tool'), 0o755);
      const executable = fixture.commit({});
      rmSync(join(fixture.dir, 'place'));
      const folder = fixture.commit({ 'place/file': 'x\n' });
      symlinkSync('kept.txt', join(fixture.dir, 'link'));
      const link = fixture.commit({});
      fixture.run('rm', '-q', '--cached', 'link');
      rmSync(join(fixture.dir, 'link'));
      const named = Buffer.concat([Buffer.from(fixture.dir), Buffer.from('/caf\xe9', 'latin1')]);
      writeFileSync(named, 'x');
      const latin1 = fixture.commit({});
      fixture.run('reset', '-q', '--hard', folder);
      const before = await snapshot(fixture);
      await assert.rejects(move(fixture, link), failsWith('FILE_NOT_REGULAR', /link/));
      assert.deepEqual(await snapshot(fixture), before);
      for (const [from, to, about] of [
        [executable, plain, /tool/],
        [folder, executable, /place/],
        [latin1, folder, /UTF-8/],
      ] as const) {
        fixture.run('reset', '-q', '--hard', from);
        await assert.rejects(move(fixture, to), failsWith('REPOSITORY_UNSUPPORTED', about));
        assert.equal(fixture.run('rev-parse', 'HEAD').trim(), from);
        assert.equal(fixture.status(), '');
      }
      assertSound(fixture);
    });
  });
}

describe('moveBranchTo, git writer, step by step', () => {
  const move = mover('git');
  it('finishes or undoes a move whose process was killed, in both directions', async () => {
    const imports = "import { moveBranchTo } from './src/core/repo/moveBranch';";
    for (const step of ['--index-info', 'update-ref', 'after update-ref']) {
      const { fixture, base, tip } = await published();
      fixture.write('readme.txt', 'dirty\n');
      for (const [from, to] of [
        [tip, base],
        [base, tip],
      ] as const) {
        dieAt(
          fixture.dir,
          step,
          imports,
          `await moveBranchTo({ repo, git, to: '${to}', expected: '${from}', writer: 'git' });`,
        );
        const reached = step === 'after update-ref' ? to : from;
        await recoverInterruptedCommit(await fixture.open());
        assert.equal(fixture.run('rev-parse', 'HEAD').trim(), reached, step);
        assert.equal(fixture.status(), ' M readme.txt\0', step);
        assertSound(fixture);
        if (reached === from) await move(fixture, to);
      }
    }
  }).timeout(60_000);
});
