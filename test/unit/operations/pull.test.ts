import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { createDataset } from '../../../src/core/operations/createDataset';
import { diffVersions } from '../../../src/core/operations/diffVersions';
import { pullVersion } from '../../../src/core/operations/pullVersion';
import { updateDataset } from '../../../src/core/operations/updateDataset';
import { createCache } from '../../../src/core/store/cache';
import { type Workbench, workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';
import { stagedManifest } from '../catalog/manifestFixture';

const has = (code: ErrorCode) => (error: unknown) => DataManagerError.is(error, code);

async function twoVersions(): Promise<
  Workbench & { readonly first: string; readonly second: string; readonly key: string }
> {
  const bench = await workbench();
  const first = await bench.database('1.sqlite', 'CREATE TABLE t(a)', 'INSERT INTO t VALUES(1)');
  const second = await bench.database('2.sqlite', 'CREATE TABLE t(a)', 'INSERT INTO t VALUES(2)');
  await createDataset(bench.context, 'data/t.sqlite', { file: first });
  const { key } = await updateDataset(bench.context, 'data/t.sqlite', { file: second });
  // Another user: nothing in the cache yet.
  return { ...bench, context: { ...bench.context, cache: createCache({ folder: tempDir() }) }, first, second, key };
}

describe('pulling', () => {
  it('writes the newest version below the working folder, from store, cache, then not at all', async () => {
    const { context, second } = await twoVersions();
    const workingFolder = tempDir();
    const pulled = await pullVersion(context, 'data/t.sqlite', { workingFolder });
    assert.equal(pulled.path, join(workingFolder, 'data/t.sqlite'));
    assert.equal(pulled.from, 'full');
    assert.equal(pulled.bytesReceived, readFileSync(second).length);
    assert.deepEqual(readFileSync(pulled.path), readFileSync(second));
    assert.equal((await pullVersion(context, 'data/t.sqlite', { workingFolder: tempDir() })).from, 'cache');
    assert.equal((await pullVersion(context, 'data/t.sqlite', { workingFolder })).from, 'local');
  });

  it('needs no store for what the cache holds', async () => {
    const { context } = await twoVersions();
    await pullVersion(context, 'data/t.sqlite', { workingFolder: tempDir() });
    const offline = { ...context, openStore: () => Promise.reject(new Error('the store was opened')) };
    assert.equal((await pullVersion(offline, 'data/t.sqlite', { workingFolder: tempDir() })).from, 'cache');
  });

  it('takes a file or a folder as output', async () => {
    const { context, first } = await twoVersions();
    const workingFolder = tempDir();
    const file = await pullVersion(context, 'data/t.sqlite@v1', { workingFolder, output: 'old.sqlite' });
    assert.equal(file.path, join(workingFolder, 'old.sqlite'));
    assert.deepEqual(readFileSync(file.path), readFileSync(first));
    const folder = await pullVersion(context, 'data/t.sqlite@v1', { workingFolder, output: 'new/' });
    assert.equal(folder.path, join(workingFolder, 'new/data/t.sqlite'));
  });

  it('damaged bytes: names both hashes, leaves the previous file and nothing else', async () => {
    const { context, storeFolder, key } = await twoVersions();
    const object = join(storeFolder, key);
    const bytes = readFileSync(object);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    chmodSync(object, 0o644);
    writeFileSync(object, bytes);
    const workingFolder = tempDir();
    const target = join(workingFolder, 't.sqlite');
    writeFileSync(target, 'my previous file');
    await assert.rejects(pullVersion(context, 'data/t.sqlite', { workingFolder, output: 't.sqlite' }), (error) => {
      assert.ok(DataManagerError.is(error, 'HASH_MISMATCH'));
      const { expected, actual } = error.data;
      assert.ok(error.message.includes(String(expected)) && error.message.includes(String(actual)));
      return expected !== actual;
    });
    assert.equal(readFileSync(target, 'utf8'), 'my previous file');
    assert.deepEqual(readdirSync(workingFolder), ['t.sqlite']);
  });

  it('an object that is gone', async () => {
    const { context, storeFolder, key } = await twoVersions();
    chmodSync(join(storeFolder, key), 0o644);
    (await import('node:fs')).rmSync(join(storeFolder, key));
    await assert.rejects(pullVersion(context, 'data/t.sqlite', { workingFolder: tempDir() }), has('OBJECT_MISSING'));
  });

  it('a manifest from elsewhere can not make it write outside the folder', async () => {
    const { context, fixture } = await workbench();
    const workingFolder = tempDir();
    const hostile = stagedManifest
      .replace('energy/utopia.sqlite', '../../../evil.sqlite')
      .replace('"staging_key"', '"x"')
      .replace('"commit": "pending-merge"', '"commit": null');
    fixture.write('manifest.json', hostile);
    await assert.rejects(pullVersion(context, '../../../evil.sqlite', { workingFolder }), has('NAME_INVALID'));
    assert.deepEqual(readdirSync(workingFolder), []);
    assert.ok(!existsSync(join(workingFolder, '../../../evil.sqlite')));
  });

  it('a version that is not published yet says so', async () => {
    const { context, fixture } = await workbench();
    fixture.write('manifest.json', stagedManifest);
    await assert.rejects(
      pullVersion(context, 'energy/utopia.sqlite', { workingFolder: tempDir() }),
      has('VERSION_NOT_AVAILABLE'),
    );
  });

  it('the files that make the repository are never its target', async () => {
    const { context, fixture } = await twoVersions();
    const workingFolder = fixture.dir;
    const link = join(tempDir(), 'link');
    symlinkSync(join(fixture.dir, '.git'), link);
    const before = readFileSync(join(fixture.dir, 'manifest.json'), 'utf8');
    const targets = ['manifest.json', '.datamanager.json', '.git/config', '.git/hooks/new/x', join(link, 'HEAD')];
    for (const output of targets) {
      await assert.rejects(
        pullVersion(context, 'data/t.sqlite', { workingFolder, output }),
        has('OUTPUT_UNWRITABLE'),
        output,
      );
    }
    assert.equal(readFileSync(join(fixture.dir, 'manifest.json'), 'utf8'), before);
    assert.ok(!existsSync(join(fixture.dir, '.git', 'hooks', 'new')));
    fixture.run('status');
  });
});

describe('comparing versions', () => {
  it('tells a slip in the second reference before anything is downloaded', async () => {
    const { context } = await twoVersions();
    const offline = { ...context, openStore: () => Promise.reject(new Error('the store was opened')) };
    const from = { kind: 'version', reference: 'data/t.sqlite@v1' } as const;
    const to = { kind: 'version', reference: 'data/t.sqlite@v9' } as const;
    await assert.rejects(diffVersions({ ...offline, from, to, output: { kind: 'summary' } }), has('VERSION_NOT_FOUND'));
  });
});
