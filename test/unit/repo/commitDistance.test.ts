import assert from 'node:assert/strict';
import { commitDistance } from '../../../src/core/repo/commitDistance';
import { emptyRepository, manifestRepository, runIn } from '../../support/gitFixture';

/** Repeatable random numbers from 0 to 1 (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('commitDistance', () => {
  it('counts as git does, whatever the history, also with commits of one second', async () => {
    for (const seed of [1, 2, 3]) {
      const fixture = emptyRepository();
      const next = random(seed);
      const input: string[] = [];
      const count = 60;
      for (let i = 1; i <= count; i++) {
        // Several commits share a second, none is older than its parents.
        const when = `${1_700_000_000 + Math.floor(i / 4)} +0000`;
        input.push('commit refs/heads/x', `mark :${i}`, `committer A <a@b> ${when}`, 'data 1', 'x');
        const parents = new Set<number>();
        for (let p = Math.floor(next() * 3); i > 1 && p >= 0; p--) {
          parents.add(i - 1 - Math.floor(next() * Math.min(i - 1, 8)));
        }
        for (const [at, parent] of [...parents].entries()) input.push(`${at === 0 ? 'from' : 'merge'} :${parent}`);
        input.push(`reset refs/heads/c${i}`, `from :${i}`, '');
      }
      runIn(fixture.dir, ['fast-import', '--quiet', '--force'], { input: `${input.join('\n')}\n` });
      const repo = await fixture.open();
      const oid = (i: number): string => fixture.run('rev-parse', `c${i}`).trim();
      for (let n = 0; n < 25; n++) {
        const [a, b] = [oid(1 + Math.floor(next() * count)), oid(1 + Math.floor(next() * count))];
        const counted = fixture
          .run('rev-list', '--left-right', '--count', `${a}...${b}`)
          .trim()
          .split('\t')
          .map(Number);
        const { ahead, behind } = await commitDistance(repo, a, b);
        assert.deepEqual([ahead, behind], counted, `seed ${seed}: ${a} ${b}`);
      }
    }
  });

  it('takes no commit for an empty history, and stops at the cut of a shallow clone', async () => {
    const fixture = manifestRepository();
    const first = fixture.run('rev-parse', 'HEAD').trim();
    const second = fixture.commit({ a: '1' });
    const repo = await fixture.open();
    assert.deepEqual(await commitDistance(repo, null, second), { ahead: 0, behind: 2 });
    assert.deepEqual(await commitDistance(repo, second, null), { ahead: 2, behind: 0 });
    assert.deepEqual(await commitDistance(repo, null, null), { ahead: 0, behind: 0 });
    const shallow = emptyRepository();
    shallow.run('fetch', '-q', '--depth', '1', `file://${fixture.dir}`, 'main');
    assert.deepEqual(await commitDistance(await shallow.open(), null, second), { ahead: 0, behind: 1 });
    assert.notEqual(first, second);
  });
});
