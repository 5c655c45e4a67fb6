import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFolderStore, createStoreFolder } from '../../src/core/store/folderStore';
import { asOrdinaryUser } from '../support/ordinaryUser';
import { tempDir } from '../support/tempDir';
import { describeStore, filesIn, hasCode, inMemory, listAll, onDisk, readAll } from './contract';
import { describeTransfer } from './transfer';

describeStore('folder', async () => createFolderStore({ folder: tempDir() }));
describeTransfer('folder', () => createFolderStore({ folder: tempDir() }));

describe('folder store', () => {
  it('keeps an object as a plain file at its key, and nothing else', async () => {
    const folder = tempDir();
    const bytes = randomBytes(2_000_000);
    await createFolderStore({ folder }).put('energy/utopia/one.sqlite', onDisk(bytes));
    assert.deepEqual(readFileSync(join(folder, 'energy/utopia/one.sqlite')), bytes);
    assert.deepEqual(filesIn(folder), ['energy', 'energy/utopia', 'energy/utopia/one.sqlite']);
  });

  it('leaves no file behind after failed, cancelled and lost puts', async () => {
    const folder = tempDir();
    const store = createFolderStore({ folder });
    const stop = new AbortController();
    const source = onDisk(randomBytes(5_000_000));
    await assert.rejects(store.put('one', { ...source, sha256: 'f'.repeat(64) }));
    await assert.rejects(store.put('one', source, { signal: stop.signal, onProgress: () => stop.abort() }));
    await assert.rejects(store.put('one', { ...source, path: '/does/not/exist' }), hasCode('FILE_NOT_FOUND'));
    assert.deepEqual(filesIn(folder), []);
    await Promise.all(Array.from({ length: 8 }, () => store.put('one', source)));
    assert.deepEqual(filesIn(folder), ['one']);
  });

  it('does not list the unfinished file of a crashed writer', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, '.datamanager-tmp-0123456789ab'), 'half');
    assert.deepEqual(await listAll(createFolderStore({ folder })), []);
  });

  it('removes folders that a delete empties, and only those', async () => {
    const folder = tempDir();
    const store = createFolderStore({ folder });
    await store.put('a/b/one', inMemory(randomBytes(1)));
    await store.put('a/two', inMemory(randomBytes(1)));
    await store.delete('a/b/one');
    assert.deepEqual(filesIn(folder), ['a', 'a/two']);
  });

  it('never follows a symbolic link out of the folder', async () => {
    const folder = tempDir();
    const outside = tempDir();
    writeFileSync(join(outside, 'secret'), 'secret');
    symlinkSync(outside, join(folder, 'link'));
    symlinkSync(join(outside, 'secret'), join(folder, 'file'));
    const store = createFolderStore({ folder });
    for (const key of ['link/secret', 'link/new', 'file']) {
      await assert.rejects(store.head(key), hasCode('KEY_INVALID'));
      await assert.rejects(readAll(store.get(key)), hasCode('KEY_INVALID'));
      await assert.rejects(store.put(key, inMemory(randomBytes(1))), hasCode('KEY_INVALID'));
      await assert.rejects(store.delete(key), hasCode('KEY_INVALID'));
    }
    assert.deepEqual(await listAll(store), []);
    assert.deepEqual(filesIn(outside), ['secret']);
  });

  it('refuses a key below an object, and a key that is a folder of objects', async () => {
    const store = createFolderStore({ folder: tempDir() });
    await store.put('a/one', inMemory(randomBytes(1)));
    await assert.rejects(store.put('a/one/two', inMemory(randomBytes(1))), hasCode('KEY_INVALID'));
    await assert.rejects(store.put('a', inMemory(randomBytes(1))), hasCode('KEY_INVALID'));
  });

  it('does not make a missing folder by itself', async () => {
    const folder = join(tempDir(), 'share/objects');
    const store = createFolderStore({ folder });
    await assert.rejects(store.put('one', inMemory(randomBytes(1))), hasCode('STORE_UNREACHABLE'));
    await assert.rejects(store.head('one'), hasCode('STORE_UNREACHABLE'));
    await assert.rejects(readAll(store.get('one')), hasCode('STORE_UNREACHABLE'));
    await assert.rejects(listAll(store), hasCode('STORE_UNREACHABLE'));
    assert.deepEqual(
      (await store.verify()).map(({ ok }) => ok),
      [false, false, false, false, false],
    );
    await createStoreFolder(folder);
    assert.equal((await store.put('one', inMemory(randomBytes(1)))).created, true);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'a file');
    await assert.rejects(listAll(store), hasCode('STORE_UNREACHABLE'));
  });

  it('says that a read-only folder refuses, and verify says which rights are left', async () => {
    const folder = tempDir();
    const store = createFolderStore({ folder });
    await store.put('one', inMemory(randomBytes(1)));
    mkdirSync(join(folder, 'closed'));
    chmodSync(join(folder, 'one'), 0o644);
    chmodSync(folder, 0o555);
    try {
      await asOrdinaryUser(async () => {
        await assert.rejects(store.put('two', inMemory(randomBytes(1))), hasCode('STORE_REFUSED'));
        await assert.rejects(store.delete('one'), hasCode('STORE_REFUSED'));
        assert.deepEqual(
          (await store.verify()).map(({ check, ok }) => [check, ok]),
          [
            ['reach', true],
            ['list', true],
            ['read', true],
            ['write', false],
            ['delete', false],
          ],
        );
      });
    } finally {
      chmodSync(folder, 0o755);
    }
  });
});
