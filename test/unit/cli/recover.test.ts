import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CatalogFolder, newCatalog, runCli } from '../../support/cli';
import { bareRemote, cloneOf, runIn } from '../../support/gitFixture';
import { tempDir } from '../../support/tempDir';

interface Item {
  readonly name: string;
  readonly version: string;
  readonly action: string;
}

async function withRemote(): Promise<CatalogFolder & { readonly remote: string; file(text: string): string }> {
  const catalog = await newCatalog();
  const remote = bareRemote();
  runIn(catalog.dir, ['remote', 'add', 'origin', remote]);
  runIn(catalog.dir, ['push', '-q', '-u', 'origin', 'HEAD']);
  let count = 0;
  return {
    ...catalog,
    remote,
    file: (text) => {
      const file = join(tempDir(), `${count++}.csv`);
      writeFileSync(file, text);
      return file;
    },
  };
}

describe('datamanager recover', () => {
  it('says when there is nothing to do', async () => {
    const catalog = await withRemote();
    const { code, stdout } = await catalog.run('recover');
    assert.deepEqual([code, stdout], [0, 'Nothing to recover.\n']);
    assert.deepEqual(await catalog.json('recover'), []);
  }).timeout(30_000);

  it('pushes what was published offline, which list shows until then', async () => {
    const catalog = await withRemote();
    runIn(catalog.dir, ['remote', 'set-url', 'origin', join(tempDir(), 'away')]);
    const published = await catalog.run('create', 'x.csv', catalog.file('a\n1\n'));
    assert.equal(published.code, 0);
    assert.match(published.stdout, /the push is pending/);
    assert.match((await catalog.run('list')).stdout, /\n1 commit waits to be pushed: datamanager recover\n$/);
    const [row] = await catalog.json<{ pending?: boolean }[]>('list');
    assert.equal(row?.pending, true);
    const waiting = await catalog.json<Item[]>('recover', '--no-push');
    assert.deepEqual(
      waiting.map(({ name, version, action }) => [name, version, action]),
      [['x.csv', 'v1', 'pending']],
    );
    runIn(catalog.dir, ['remote', 'set-url', 'origin', catalog.remote]);
    const { code, stdout } = await catalog.run('recover');
    assert.deepEqual([code, stdout], [0, 'x.csv@v1 is pushed.\n']);
    assert.doesNotMatch((await catalog.run('list')).stdout, /waits/);
    assert.equal(runIn(catalog.remote, ['rev-parse', 'HEAD']), runIn(catalog.dir, ['rev-parse', 'HEAD']));
  }).timeout(60_000);

  it('stops at a conflict of what waits, and settles it as told', async () => {
    const catalog = await withRemote();
    await catalog.json('create', 'x.csv', catalog.file('a\n1\n'));
    const other = cloneOf(catalog.remote);
    await catalog.json('update', 'x.csv', catalog.file('a\n2\n'), '--no-push');
    const theirs = await runCli(['update', 'x.csv', catalog.file('a\n3\n'), '-m', 'Theirs'], { cwd: other.dir });
    assert.equal(theirs.code, 0, theirs.stderr);
    const stopped = await catalog.run('recover');
    assert.equal(stopped.code, 1);
    assert.match(stopped.stderr, /^datamanager: x\.csv has got v2 .*"Theirs".*\nhint: .*recover --on-top x\.csv/);
    const wrong = await catalog.run('recover', '--on-top', 'x.csv', '--theirs', 'x.csv');
    assert.equal(wrong.code, 2);
    const settled = await catalog.json<{ pushed: boolean }>('recover', '--on-top', 'x.csv');
    assert.equal(settled.pushed, true);
    const [row] = await catalog.json<{ latestVersion: string }[]>('list');
    assert.equal(row?.latestVersion, 'v3');
  }).timeout(60_000);
});
