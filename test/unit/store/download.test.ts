import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { createCache } from '../../../src/core/store/cache';
import { downloadObject } from '../../../src/core/store/download';
import { createFolderStore } from '../../../src/core/store/folderStore';
import { asOrdinaryUser } from '../../support/ordinaryUser';
import { tempDir } from '../../support/tempDir';

const coded = (code: string) => (error: unknown) => DataManagerError.is(error) && error.code === code;

describe('downloadObject', () => {
  const key = 'utopia/one.sqlite';

  async function publish(size = 3_000_000) {
    const bytes = randomBytes(size);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const objects = tempDir();
    const store = createFolderStore({ folder: objects });
    await store.put(key, { bytes, sha256 });
    const folder = tempDir();
    const cache = createCache({ folder: tempDir() });
    return {
      bytes,
      sha256,
      store,
      openStore: async () => store,
      objects,
      folder,
      target: join(folder, 'utopia.sqlite'),
      cache,
      key,
    };
  }

  it('brings the bytes, makes missing folders and fills the cache', async () => {
    const it = await publish();
    const target = join(it.folder, 'data/energy/utopia.sqlite');
    const seen: number[] = [];
    const got = await downloadObject({ ...it, target, onProgress: ({ done }) => seen.push(done) });
    assert.deepEqual(
      { path: got.path, bytesReceived: got.bytesReceived, from: got.from },
      { path: target, bytesReceived: it.bytes.length, from: 'full' },
    );
    assert.deepEqual(readFileSync(target), it.bytes);
    assert.equal(seen.at(-1), it.bytes.length);
    assert.equal(await it.cache.check(it.sha256), true);
    assert.deepEqual(readdirSync(join(it.folder, 'data/energy')), ['utopia.sqlite']);
  });

  it('takes the bytes from the cache, as a file of its own that can be written', async () => {
    const it = await publish();
    await downloadObject(it);
    await it.store.delete(key);
    const target = join(it.folder, 'second.sqlite');
    const got = await downloadObject({ ...it, target });
    assert.equal(got.path, target);
    assert.equal(got.bytesReceived, 0);
    assert.equal(got.from, 'cache');
    assert.deepEqual(readFileSync(target), it.bytes);
    assert.ok((statSync(target).mode & 0o200) !== 0);
    writeFileSync(target, 'changed');
    assert.equal(await it.cache.check(it.sha256), true);
  });

  it('drops a damaged cache entry and brings the right bytes', async () => {
    const it = await publish();
    await downloadObject(it);
    const entry = it.cache.path(it.sha256);
    chmodSync(entry, 0o644);
    writeFileSync(entry, randomBytes(it.bytes.length));
    const got = await downloadObject(it);
    assert.equal(got.from, 'full');
    assert.deepEqual(readFileSync(it.target), it.bytes);
    assert.equal(await it.cache.check(it.sha256), true);
  });

  it('works without a usable cache', async () => {
    const it = await publish();
    writeFileSync(join(it.folder, 'file'), '');
    const cache = createCache({ folder: join(it.folder, 'file') });
    assert.equal((await downloadObject({ ...it, cache })).from, 'full');
    assert.deepEqual(readFileSync(it.target), it.bytes);
  });

  it('leaves the previous file as it was when the bytes are wrong, and says both hashes', async () => {
    const it = await publish();
    writeFileSync(it.target, 'mine', { mode: 0o600 });
    writeFileSync(join(it.objects, key), randomBytes(it.bytes.length));
    const before = statSync(it.target);
    await assert.rejects(downloadObject(it), (error: unknown) => {
      assert.ok(DataManagerError.is(error, 'HASH_MISMATCH'));
      assert.equal(error.data.expected, it.sha256);
      assert.match(String(error.data.actual), /^[0-9a-f]{64}$/);
      assert.ok(error.message.includes(it.sha256) && error.message.includes(String(error.data.actual)));
      return true;
    });
    assert.equal(readFileSync(it.target, 'utf8'), 'mine');
    assert.deepEqual([statSync(it.target).ino, statSync(it.target).mtimeMs], [before.ino, before.mtimeMs]);
    assert.deepEqual(readdirSync(it.folder), ['utopia.sqlite']);
    assert.equal(await it.cache.find(it.sha256), null);
  });

  it('leaves nothing behind when it is cancelled or the object is missing', async () => {
    const it = await publish();
    const stop = new AbortController();
    const target = join(it.folder, 'new/folder/utopia.sqlite');
    const cancelled = downloadObject({ ...it, target, signal: stop.signal, onProgress: () => stop.abort() });
    await assert.rejects(cancelled, coded('CANCELLED'));
    await assert.rejects(downloadObject({ ...it, target, key: 'absent' }), coded('OBJECT_MISSING'));
    assert.deepEqual(readdirSync(it.folder), []);
    assert.equal(await it.cache.find(it.sha256), null);
  });

  it('replaces a file and keeps its permissions, also through a symbolic link', async () => {
    const it = await publish(1000);
    writeFileSync(it.target, 'old', { mode: 0o600 });
    const link = join(it.folder, 'link.sqlite');
    symlinkSync(it.target, link);
    assert.equal((await downloadObject({ ...it, target: link })).path, it.target);
    assert.deepEqual(readFileSync(it.target), it.bytes);
    assert.equal(statSync(it.target).mode & 0o777, 0o600);
  });

  it('refuses to put a database beside a live journal', async () => {
    const it = await publish(1000);
    writeFileSync(`${it.target}-wal`, 'frames');
    await assert.rejects(downloadObject(it), coded('FILE_HAS_JOURNAL'));
    assert.deepEqual(readdirSync(it.folder), ['utopia.sqlite-wal']);
  });

  it('refuses targets that cannot be written', async () => {
    const it = await publish(1000);
    await assert.rejects(downloadObject({ ...it, target: it.folder }), coded('OUTPUT_UNWRITABLE'));
    writeFileSync(join(it.folder, 'file'), '');
    await assert.rejects(downloadObject({ ...it, target: join(it.folder, 'file/below') }), coded('OUTPUT_UNWRITABLE'));
    chmodSync(it.objects, 0o755);
    const closed = join(it.folder, 'closed');
    mkdirSync(closed, { mode: 0o555 });
    chmodSync(it.folder, 0o755);
    await asOrdinaryUser(() =>
      assert.rejects(
        downloadObject({ ...it, target: join(closed, 'one'), cache: undefined }),
        coded('OUTPUT_UNWRITABLE'),
      ),
    );
  });

  it('says at the start that the disk is too small', async () => {
    const it = await publish(1000);
    await assert.rejects(downloadObject({ ...it, size: 2 ** 52 }), coded('DISK_FULL'));
    assert.deepEqual(readdirSync(it.folder), []);
  });
});
