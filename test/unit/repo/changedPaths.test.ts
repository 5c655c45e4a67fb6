import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { changedPaths } from '../../../src/core/repo/changedPaths';
import { emptyRepository, type GitFixture } from '../../support/gitFixture';

async function pathsOf(fixture: GitFixture, from: string | null, to: string): Promise<readonly string[]> {
  const tree = (commit: string): string => fixture.run('rev-parse', `${commit}^{tree}`).trim();
  const paths: string[] = [];
  for await (const path of changedPaths(await fixture.open(), from && tree(from), tree(to))) paths.push(path);
  return paths.sort();
}

describe('changedPaths', () => {
  it('names the files that git names, through folders, file to folder and back, modes and removals', async () => {
    const fixture = emptyRepository();
    const commits = [
      fixture.commit({ a: '1', 'b/c': '1', 'b/d/e': '1', 'ä/😀': '1', same: '1' }),
      fixture.commit({ a: '2', 'b/d/f': '1' }),
    ];
    rmSync(join(fixture.dir, 'a'));
    rmSync(join(fixture.dir, 'b'), { recursive: true });
    commits.push(fixture.commit({ 'a/inside': '1', b: 'a file now' }));
    fixture.run('update-index', '--chmod=+x', 'same');
    fixture.run('commit', '-q', '-m', 'mode');
    commits.push(fixture.run('rev-parse', 'HEAD').trim());
    assert.deepEqual(await pathsOf(fixture, null, commits[0] ?? ''), ['a', 'b/c', 'b/d/e', 'same', 'ä/😀']);
    for (const [i, from] of commits.entries()) {
      for (const to of commits.slice(i)) {
        const git = fixture
          .run('diff-tree', '-r', '-z', '--no-renames', '--name-only', from, to)
          .split('\0')
          .slice(0, -1);
        assert.deepEqual(await pathsOf(fixture, from, to), git.sort());
      }
    }
  });
});
