import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newCatalog, runCli, snapshot } from '../../support/cli';
import { runIn } from '../../support/gitFixture';
import { tempDir } from '../../support/tempDir';

describe('datamanager init', () => {
  it('writes the store as seen from the repository', async () => {
    const top = tempDir();
    const settings = async (args: readonly string[], env: Record<string, string> = {}): Promise<unknown> => {
      const dir = join(top, `r${Math.random()}`);
      const { code, stderr } = await runCli(['init', dir, ...args], { cwd: top, env });
      assert.equal(code, 0, stderr);
      return JSON.parse(readFileSync(join(dir, '.datamanager.json'), 'utf8')).store;
    };
    assert.deepEqual(await settings(['--store', 'folder:objects']), { type: 'folder', path: '../objects' });
    assert.ok(existsSync(join(top, 'objects')));
    const absolute = join(top, 'elsewhere');
    assert.deepEqual(await settings(['--store', `folder:${absolute}`]), { type: 'folder', path: absolute });
    assert.deepEqual(
      await settings(['--store', 's3://data/some/prefix/', '--endpoint', 'http://127.0.0.1:1', '--region', 'auto']),
      {
        type: 's3',
        endpoint: 'http://127.0.0.1:1',
        bucket: 'data',
        region: 'auto',
        prefix: 'some/prefix',
      },
    );
    assert.deepEqual(await settings(['--store', 's3://data'], { R2_ACCOUNT_ID: 'abc' }), {
      type: 's3',
      endpoint: 'https://abc.r2.cloudflarestorage.com',
      bucket: 'data',
    });
    assert.equal(await settings([], { R2_ACCOUNT_ID: 'abc', R2_BUCKET: 'data' }), undefined);
    assert.deepEqual(await settings([]), { type: 'folder', path: '.datamanager-store' });
  });

  it('keeps a store inside the repository out of Git', async () => {
    for (const store of [['--store', 'folder:#my objects '], []]) {
      const dir = tempDir();
      writeFileSync(join(dir, '.gitignore'), '# my own\n');
      await runCli(['init', ...store], { cwd: dir });
      const file = join(tempDir(), 'table.csv');
      writeFileSync(file, 'a,b\n1,2\n');
      const pushed = await runCli(['push', file], { cwd: dir });
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.equal(runIn(dir, ['status', '--porcelain', '--untracked-files=all']), '?? .gitignore\n');
    }
  });

  it('is content when the repository is there already', async () => {
    const { dir, run, store } = await newCatalog();
    const before = snapshot(dir);
    const again = await run('init', '--store', `folder:${store}`);
    assert.deepEqual([again.code, again.stdout], [0, `${dir} is a repository already: nothing was changed.\n`]);
    assert.deepEqual(snapshot(dir), before);
  });

  it('refuses what names no store, and makes nothing', async () => {
    const cwd = tempDir();
    for (const args of [
      ['--store', 'objects'],
      ['--store', 'folder:'],
      ['--store', 's3://'],
      ['--store', 's3://data'],
      ['--store', 's3://data', '--endpoint', 'ftp://x'],
      ['--store', 's3://data', '--endpoint', 'https://me:password@x'],
      ['--endpoint', 'http://127.0.0.1'],
      ['--store', 'folder:x', '--region', 'auto'],
    ]) {
      const { code, stderr } = await runCli(['init', 'new', ...args], { cwd });
      assert.equal(code, 2, args.join(' '));
      assert.match(stderr, /^datamanager: .*\nhint: Usage: datamanager init .*\n$/);
    }
    assert.deepEqual(snapshot(cwd), {});
  });
});
