import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import files from 'node:fs/promises';
import { join } from 'node:path';
import { type GitSettings, readGitSettings } from '../../../src/core/repo/gitSettings';
import { prepareHeadMove } from '../../../src/core/repo/headMove';
import { lockIndex } from '../../../src/core/repo/indexLock';
import { readHead } from '../../../src/core/repo/readRefs';
import { failsWith } from '../../support/commitChecks';
import { type GitFixture, git, manifestRepository } from '../../support/gitFixture';

const SIGNATURE = 'Ada Lovelace <ada@example.com> 1700000000 +0000';

/** Prepares a move to a new commit, lets somebody act in between, and moves. */
async function moveAfter(fixture: GitFixture, act: (next: string) => void, settings?: GitSettings): Promise<string> {
  const repo = await fixture.open();
  const next = fixture.run('commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'Next').trim();
  const lock = await lockIndex(repo, 1000);
  try {
    const from = await readHead(repo);
    const used = settings ?? (await readGitSettings(repo, git));
    const { perform } = await prepareHeadMove(repo, lock, used, SIGNATURE, { from, to: next, reason: 'two\nlines' });
    act(next);
    await perform();
  } finally {
    await lock.release();
  }
  return next;
}

function locks({ dir }: GitFixture): readonly string[] {
  return readdirSync(join(dir, '.git'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lock'));
}

describe('prepareHeadMove', () => {
  it('moves the branch, loose or packed, and writes both reflogs as git does', async () => {
    const fixture = manifestRepository();
    const first = fixture.run('rev-parse', 'HEAD').trim();
    const second = await moveAfter(fixture, () => {});
    fixture.run('pack-refs', '--all', '--prune');
    assert.equal(existsSync(join(fixture.dir, '.git', 'refs', 'heads', 'main')), false);
    const third = await moveAfter(fixture, () => {});
    assert.equal(fixture.run('rev-parse', 'HEAD').trim(), third);
    for (const log of ['HEAD', 'refs/heads/main']) {
      const lines = readFileSync(join(fixture.dir, '.git', 'logs', log), 'utf8')
        .trim()
        .split('\n')
        .slice(-2);
      assert.deepEqual(lines, [
        `${first} ${second} ${SIGNATURE}\ttwo lines`,
        `${second} ${third} ${SIGNATURE}\ttwo lines`,
      ]);
    }
    assert.match(fixture.run('reflog', 'main@{1}'), /two lines/);
    assert.deepEqual(locks(fixture), []);
  });

  it('moves nothing when somebody else committed, switched branches or reset meanwhile', async () => {
    for (const [what, act] of Object.entries({
      commit: (f: GitFixture) =>
        f.run('update-ref', 'HEAD', f.run('commit-tree', 'HEAD^{tree}', '-m', 'Theirs').trim()),
      switch: (f: GitFixture) => f.run('symbolic-ref', 'HEAD', 'refs/heads/side'),
      detach: (f: GitFixture) => f.run('update-ref', '--no-deref', 'HEAD', f.run('rev-parse', 'HEAD').trim()),
      unborn: (f: GitFixture) => f.run('symbolic-ref', 'HEAD', 'refs/heads/new'),
      deletion: (f: GitFixture) => f.run('update-ref', '-d', 'refs/heads/main'),
    })) {
      const fixture = manifestRepository();
      fixture.run('branch', 'side');
      let after = '';
      const state = (): string => fixture.run('for-each-ref') + readFileSync(join(fixture.dir, '.git', 'HEAD'), 'utf8');
      const moving = moveAfter(fixture, () => {
        act(fixture);
        after = state();
      });
      await assert.rejects(moving, failsWith('REF_MOVED'), what);
      assert.equal(state(), after, what);
      assert.deepEqual(locks(fixture), [], what);
    }
  });

  it('waits for a lock, and names one that stays', async () => {
    const fixture = manifestRepository();
    const lock = join(fixture.dir, '.git', 'HEAD.lock');
    writeFileSync(lock, 'theirs');
    await assert.rejects(
      moveAfter(fixture, () => {}),
      failsWith('REPOSITORY_BUSY', /HEAD\.lock/),
    );
    assert.equal(readFileSync(lock, 'utf8'), 'theirs');
    const moved = moveAfter(fixture, () => setTimeout(() => rmSync(lock), 100));
    assert.equal(await moved, fixture.run('rev-parse', 'HEAD').trim());
    assert.deepEqual(locks(fixture), []);
  }).timeout(20_000);

  it('works on a disk without hard links', async () => {
    const fixture = manifestRepository();
    const { link } = files;
    files.link = async () => {
      throw Object.assign(new Error('no links here'), { code: 'ENOTSUP' });
    };
    try {
      const next = await moveAfter(fixture, () => {});
      assert.equal(fixture.run('rev-parse', 'HEAD').trim(), next);
      const lock = join(fixture.dir, '.git', 'refs', 'heads', 'main.lock');
      writeFileSync(lock, 'theirs');
      await assert.rejects(
        moveAfter(fixture, () => {}),
        failsWith('REPOSITORY_BUSY', /main\.lock/),
      );
      assert.deepEqual(locks(fixture), [join('refs', 'heads', 'main.lock')]);
    } finally {
      files.link = link;
    }
  }).timeout(20_000);

  it('lets a lock alone that somebody took on the heels of the move', async () => {
    const fixture = manifestRepository();
    const ref = join(fixture.dir, '.git', 'refs', 'heads', 'main');
    const { rename } = files;
    files.rename = async (from, to) => {
      await rename(from, to);
      if (to === ref) writeFileSync(`${ref}.lock`, 'theirs');
    };
    try {
      await moveAfter(fixture, () => {});
    } finally {
      files.rename = rename;
    }
    assert.deepEqual(locks(fixture), [join('refs', 'heads', 'main.lock')]);
  });

  it('keeps no reflog when git keeps none', async () => {
    const fixture = manifestRepository();
    rmSync(join(fixture.dir, '.git', 'logs'), { recursive: true });
    await moveAfter(fixture, () => {}, new Map([['core.logallrefupdates', ['false']]]));
    assert.equal(existsSync(join(fixture.dir, '.git', 'logs')), false);
  });

  it('makes no branch beside one that is its folder', async () => {
    const fixture = manifestRepository();
    fixture.run('pack-refs', '--all');
    fixture.run('symbolic-ref', 'HEAD', 'refs/heads/main/sub');
    const repo = await fixture.open();
    const to = fixture.run('rev-parse', 'main').trim();
    const lock = await lockIndex(repo, 1000);
    const from = await readHead(repo);
    const { perform } = await prepareHeadMove(repo, lock, new Map(), SIGNATURE, { from, to, reason: 'x' });
    await assert.rejects(perform(), failsWith('GIT_FAILED', /main\/sub.*branch main/));
    await lock.release();
    assert.deepEqual(locks(fixture), []);
  });
});
