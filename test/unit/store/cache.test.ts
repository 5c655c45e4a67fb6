import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { BlockIndexBuilder } from '../../../src/core/store/blockIndex';
import { createCache, type ObjectCache } from '../../../src/core/store/cache';
import { asOrdinaryUser } from '../../support/ordinaryUser';
import { tempDir } from '../../support/tempDir';

function sample(size = 5000): { path: string; bytes: Buffer; sha256: string } {
  const path = join(tempDir(), 'sample');
  const bytes = randomBytes(size);
  writeFileSync(path, bytes);
  return { path, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

function indexOf(bytes: Uint8Array, sha256: string): Buffer {
  const builder = new BlockIndexBuilder();
  builder.add(bytes);
  return Buffer.from(builder.finish(sha256));
}

function damage(cache: ObjectCache, sha256: string): void {
  const path = cache.path(sha256);
  chmodSync(path, 0o644);
  const bytes = readFileSync(path);
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  chmodSync(path, 0o444);
}

describe('cache', () => {
  it('keeps a read-only copy under its hash', async () => {
    const cache = createCache({ folder: join(tempDir(), 'not/there/yet') });
    const { path, bytes, sha256 } = sample();
    assert.equal(await cache.find(sha256), null);
    assert.equal(await cache.addFile(path, sha256), true);
    assert.equal(await cache.find(sha256), cache.path(sha256));
    assert.deepEqual(readFileSync(cache.path(sha256)), bytes);
    assert.equal(statSync(cache.path(sha256)).mode & 0o777, 0o444);
    assert.equal(await cache.check(sha256), true);
  });

  it('copies a file in pieces, so that it can be cancelled on the way', async function () {
    const folder = tempDir();
    const cache = createCache({ folder });
    const size = 20_000_000;
    const { path, sha256 } = sample(size);
    try {
      copyFileSync(path, join(folder, 'clone'), constants.COPYFILE_FICLONE_FORCE);
      this.skip(); // a clone is there at once
    } catch {
      rmSync(join(folder, 'clone'), { force: true });
    }
    const stop = new AbortController();
    const copied: number[] = [];
    const onProgress = () => {
      const [name = ''] = readdirSync(dirname(cache.path(sha256)));
      copied.push(statSync(join(dirname(cache.path(sha256)), name)).size);
      stop.abort();
    };
    await assert.rejects(cache.addFile(path, sha256, { signal: stop.signal, onProgress }), (error) =>
      DataManagerError.is(error, 'CANCELLED'),
    );
    assert.equal(copied.length, 1);
    assert.ok((copied[0] ?? size) < size / 2, `${copied} of ${size} bytes were copied before the first look`);
    assert.deepEqual(readdirSync(dirname(cache.path(sha256))), []);
  });

  it('takes no file whose hash is another', async () => {
    const cache = createCache({ folder: tempDir() });
    const { path } = sample();
    assert.equal(await cache.addFile(path, 'a'.repeat(64)), false);
    assert.equal(await cache.find('a'.repeat(64)), null);
    assert.deepEqual(statSync(dirname(cache.path('a'.repeat(64)))).isDirectory(), true);
    assert.equal((await cache.trim()).bytes, 0);
  });

  it('refuses a hash that would become another path', () => {
    const cache = createCache({ folder: tempDir() });
    assert.throws(() => cache.path('../../etc/passwd'), DataManagerError);
  });

  it('finds out damage by hash, and another size at once, and removes the entry', async () => {
    const cache = createCache({ folder: tempDir() });
    const { path, sha256 } = sample();
    await cache.addFile(path, sha256);
    damage(cache, sha256);
    assert.equal(await cache.check(sha256), false);
    assert.equal(existsSync(cache.path(sha256)), false);
    await cache.addFile(path, sha256);
    assert.equal(await cache.find(sha256, 4999), null);
    assert.equal(existsSync(cache.path(sha256)), false);
  });

  it('serves several writers of one entry', async () => {
    const folder = tempDir();
    const { path, bytes, sha256 } = sample(500_000);
    const added = await Promise.all(Array.from({ length: 6 }, () => createCache({ folder }).addFile(path, sha256)));
    assert.deepEqual(added, Array(6).fill(true));
    assert.deepEqual(readFileSync(createCache({ folder }).path(sha256)), bytes);
    assert.deepEqual(await createCache({ folder }).trim(), { removed: 0, bytes: bytes.length });
  });

  it('takes bytes as they come, and forgets them on abort', async () => {
    const cache = createCache({ folder: tempDir() });
    const { bytes, sha256 } = sample();
    const aborted = await cache.openWriter(sha256);
    await aborted?.write(bytes);
    await aborted?.abort();
    assert.equal(await aborted?.commit(), false);
    assert.equal(await cache.find(sha256), null);
    const writer = await cache.openWriter(sha256);
    await writer?.write(bytes.subarray(0, 1000));
    await writer?.write(bytes.subarray(1000));
    assert.equal(await writer?.commit(), true);
    assert.equal(await cache.check(sha256), true);
  });

  it('keeps a block index beside an entry, however that came in, and makes a lost one anew', async () => {
    const { path, bytes, sha256 } = sample(200_000);
    const [copied, written] = [createCache({ folder: tempDir() }), createCache({ folder: tempDir() })];
    await copied.addFile(path, sha256);
    const writer = await written.openWriter(sha256);
    for (let at = 0; at < bytes.length; at += 1001) await writer?.write(bytes.subarray(at, at + 1001));
    await writer?.commit();
    const expected = indexOf(bytes, sha256);
    for (const cache of [copied, written]) assert.deepEqual(readFileSync(cache.indexPath(sha256)), expected);
    rmSync(copied.indexPath(sha256));
    assert.equal(await copied.check(sha256), true);
    assert.deepEqual(readFileSync(copied.indexPath(sha256)), expected);
  });

  it('takes the block index away with its entry, and one that was left alone', async () => {
    const cache = createCache({ folder: tempDir() });
    const { path, sha256 } = sample();
    const gone: ((entry: string) => Promise<unknown>)[] = [
      (entry) => cache.remove(entry),
      (entry) => cache.find(entry, 1),
      () => cache.trim(0),
      async (entry) => {
        damage(cache, entry);
        await cache.check(entry);
      },
      async (entry) => {
        rmSync(cache.path(entry));
        await cache.trim();
      },
    ];
    for (const remove of gone) {
      await cache.addFile(path, sha256);
      assert.ok(existsSync(cache.indexPath(sha256)));
      await remove(sha256);
      assert.deepEqual(readdirSync(dirname(cache.path(sha256))), []);
    }
    await cache.addFile(path, sha256);
    await cache.trim();
    assert.ok(existsSync(cache.indexPath(sha256)));
  });

  it('holds nothing, but throws nothing, where it cannot write', async () => {
    const folder = tempDir();
    const { path, sha256 } = sample();
    chmodSync(dirname(path), 0o755);
    chmodSync(folder, 0o555);
    const file = join(tempDir(), 'a file');
    writeFileSync(file, '');
    await asOrdinaryUser(async () => {
      for (const cache of [createCache({ folder }), createCache({ folder: file })]) {
        assert.equal(await cache.addFile(path, sha256), false);
        assert.equal(await cache.openWriter(sha256), null);
        assert.equal(await cache.find(sha256), null);
        assert.deepEqual(await cache.trim(0), { removed: 0, bytes: 0 });
      }
    });
    chmodSync(folder, 0o755);
  });

  it('forgets what was not used for longest', async () => {
    const cache = createCache({ folder: tempDir() });
    const samples = [sample(), sample(), sample()];
    for (const [age, { path, sha256 }] of samples.entries()) {
      await cache.addFile(path, sha256);
      const time = new Date(Date.now() - (10 - age) * 60_000);
      utimesSync(cache.path(sha256), time, time);
    }
    const [oldest, middle, newest] = samples.map(({ sha256 }) => sha256) as [string, string, string];
    await cache.find(oldest);
    assert.deepEqual(await cache.trim(10_000), { removed: 1, bytes: 10_000 });
    assert.equal(await cache.find(middle), null);
    assert.ok(await cache.find(oldest));
    assert.ok(await cache.find(newest));
  });

  it('clears away what a crash left, but not the file of a writer at work', async () => {
    const folder = tempDir();
    mkdirSync(join(folder, 'ab'));
    const [old, young] = [join(folder, 'ab/.datamanager-tmp-1'), join(folder, 'ab/.datamanager-tmp-2')];
    for (const path of [old, young]) writeFileSync(path, 'half');
    const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
    utimesSync(old, yesterday, yesterday);
    const download = join(folder, 'ab/.download.1.part');
    writeFileSync(download, 'half');
    utimesSync(download, yesterday, yesterday);
    await createCache({ folder }).trim();
    assert.deepEqual(
      [old, young, download].map((path) => existsSync(path)),
      [false, true, false],
    );
  });

  it('counts a use without looking changed to somebody who reads the entry', async () => {
    const cache = createCache({ folder: tempDir() });
    const { path, sha256 } = sample();
    await cache.addFile(path, sha256);
    await cache.find(sha256);
    const before = statSync(cache.path(sha256));
    await new Promise((done) => setTimeout(done, 20));
    await cache.find(sha256);
    const after = statSync(cache.path(sha256));
    assert.equal(after.mtimeMs, before.mtimeMs);
    assert.ok(after.atimeMs > before.atimeMs);
  });
});
