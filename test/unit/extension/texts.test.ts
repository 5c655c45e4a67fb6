import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findManifestFolders } from '../../../src/extension/findManifests';
import { openRepositoryAt } from '../../../src/extension/repositoryState';
import { notificationText, withoutIcons } from '../../../src/extension/ui/plainText';
import { formatAge, formatBytes } from '../../../src/extension/ui/quantities';
import { emptyRepository } from '../../support/gitFixture';
import { tempDir } from '../../support/tempDir';

describe('texts for people', () => {
  it('writes sizes as file managers do', () => {
    const sizes = [0, 999, 1000, 1234, 99_949, 99_950, 999_499, 999_500, 1_234_567, 2.5e9, 9e15];
    assert.deepEqual(sizes.map(formatBytes), [
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 kB',
      '99.9 kB',
      '100 kB',
      '999 kB',
      '1.0 MB',
      '1.2 MB',
      '2.5 GB',
      '9000 TB',
    ]);
  });

  it('writes ages, and never a time in the future', () => {
    const now = Date.parse('2026-03-01T12:00:00Z');
    const age = (time: string): string | null => formatAge(time, now, 'en');
    assert.equal(age('2026-03-01T12:00:30Z'), 'now');
    assert.equal(age('2026-03-01T11:58:30Z'), '1 minute ago');
    assert.equal(age('2026-02-28T12:00:00Z'), 'yesterday');
    assert.equal(age('2023-01-01T00:00:00Z'), '3 years ago');
    assert.equal(age('soon'), null);
  });

  it('lets nobody put links into notifications or icons into lists', () => {
    assert.doesNotMatch(notificationText('[Click](command:evil)'), /\]\(/);
    assert.equal(withoutIcons('$(trash)\nx'), '\\$(trash) x');
  });
});

describe('the search for repositories', () => {
  it('goes as deep as it was told, and not into hidden or program folders', async () => {
    const root = tempDir();
    for (const folder of ['.', 'a', 'a/b', 'a/b/c', '.hidden', 'node_modules/x']) {
      mkdirSync(path.join(root, folder), { recursive: true });
      writeFileSync(path.join(root, folder, 'manifest.json'), '[]');
    }
    const found = await findManifestFolders(root, 2);
    assert.deepEqual(
      found.map((folder) => path.relative(root, folder)),
      ['', 'a', path.join('a', 'b')],
    );
    assert.deepEqual(await findManifestFolders(root, 0), [root]);
  });

  it("takes no other program's manifest.json, and none outside of Git", async () => {
    const { dir, write } = emptyRepository();
    write('manifest.json', '[]');
    write('app/manifest.json', '{"manifest_version": 3}');
    assert.equal((await openRepositoryAt(dir))?.manifestPath, 'manifest.json');
    assert.equal(await openRepositoryAt(path.join(dir, 'app')), null);
    const outside = tempDir();
    writeFileSync(path.join(outside, 'manifest.json'), '[]');
    assert.equal(await openRepositoryAt(outside), null);
  });
});
