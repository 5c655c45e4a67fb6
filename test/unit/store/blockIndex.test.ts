import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BlockIndexBuilder,
  blockHashBytes,
  indexedBlock,
  parseBlockIndex,
  readBlockIndex,
  writeBlockIndex,
} from '../../../src/core/store/blockIndex';
import { createCache } from '../../../src/core/store/cache';
import { downloadToCache } from '../../../src/core/store/downloadToCache';
import { createFolderStore } from '../../../src/core/store/folderStore';
import { tempDir } from '../../support/tempDir';

const hashOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

function indexOf(bytes: Uint8Array, piece = bytes.length): Uint8Array {
  const builder = new BlockIndexBuilder();
  for (let at = 0; at < bytes.length; at += piece) builder.add(bytes.subarray(at, at + piece));
  return builder.finish(hashOf(bytes).toString('hex'));
}

describe('block index', () => {
  const bytes = randomBytes(2 * indexedBlock + 100);
  const sha256 = hashOf(bytes).toString('hex');
  let path: string;

  before(() => {
    path = join(tempDir(), `${sha256}.idx`);
  });

  it('takes over what is known of blocks, but only of whole ones', () => {
    const base = randomBytes(6 * indexedBlock);
    const index = indexOf(base);
    const leaves = parseBlockIndex(index, { sha256: hashOf(base).toString('hex'), size: base.length });
    assert.ok(leaves);
    // Leaves that nobody could compute show which blocks were not hashed.
    const marked = Buffer.from(leaves).fill(7);
    const cases = [
      { copy: { offset: indexedBlock, at: 2 * indexedBlock, length: 2 * indexedBlock }, taken: [2, 3] },
      { copy: { offset: 100, at: indexedBlock + 100, length: 2 * indexedBlock }, taken: [2] },
      { copy: { offset: 0, at: 0, length: indexedBlock - 1 }, taken: [] },
      { copy: { offset: 5, at: 0, length: 3 * indexedBlock }, taken: [] },
    ];
    for (const { copy, taken } of cases) {
      const target = randomBytes(5 * indexedBlock + 9);
      target.set(base.subarray(copy.offset, copy.offset + copy.length), copy.at);
      for (const [known, filler] of [
        [leaves, null],
        [marked, Buffer.alloc(blockHashBytes, 7)],
      ] as const) {
        const builder = new BlockIndexBuilder();
        builder.add(target.subarray(0, copy.at));
        builder.takeOver(known, copy);
        builder.add(target.subarray(copy.at));
        const about = { sha256: hashOf(target).toString('hex'), size: target.length };
        const expected = Buffer.from(parseBlockIndex(indexOf(target), about) ?? []);
        for (const block of filler ? taken : []) filler?.copy(expected, block * blockHashBytes);
        assert.deepEqual(Buffer.from(parseBlockIndex(builder.finish(about.sha256), about) ?? []), expected);
      }
    }
  });

  it('holds the start of the SHA-256 of each block, whatever pieces the bytes came in', async () => {
    const blocks = [0, 1, 2].map((i) => bytes.subarray(i * indexedBlock, (i + 1) * indexedBlock));
    const expected = Buffer.concat(blocks.map((block) => hashOf(block).subarray(0, blockHashBytes)));
    for (const piece of [1000, indexedBlock - 1, indexedBlock, bytes.length]) {
      assert.ok(await writeBlockIndex(path, indexOf(bytes, piece)));
      const leaves = await readBlockIndex(path, { sha256, size: bytes.length });
      assert.deepEqual(leaves && Buffer.from(leaves), expected, `${piece}`);
    }
    const whole = bytes.subarray(0, indexedBlock);
    await writeBlockIndex(path, indexOf(whole));
    assert.equal(
      (await readBlockIndex(path, { sha256: hashOf(whole).toString('hex'), size: whole.length }))?.length,
      16,
    );
  });

  it('is ignored when it is missing, damaged in any byte, cut, of another version of the form, or about other bytes', async () => {
    const good = Buffer.from(indexOf(bytes));
    const read = (sha = sha256, size = bytes.length) => readBlockIndex(path, { sha256: sha, size });
    writeFileSync(path, good, { flag: 'w', mode: 0o644 });
    assert.ok(await read());
    for (let at = 0; at < good.length; at++) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] as number) ^ 1;
      await writeBlockIndex(path, bad);
      assert.equal(await read(), null, `byte ${at}`);
    }
    for (const bad of [good.subarray(0, -1), Buffer.alloc(good.length), Buffer.alloc(0), Buffer.concat([good, good])]) {
      await writeBlockIndex(path, bad);
      assert.equal(await read(), null);
    }
    await writeBlockIndex(path, good);
    assert.equal(await read('f'.repeat(64)), null, 'the index of another file');
    assert.equal(await read(sha256, bytes.length - 1), null, 'another size');
    assert.equal(await readBlockIndex(`${path}.none`, { sha256, size: bytes.length }), null);
  });

  it('says false where it cannot be written, and leaves nothing there', async () => {
    const folder = tempDir();
    assert.equal(await writeBlockIndex(join(folder, 'none', 'x.idx'), indexOf(bytes)), false);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('is made of what a download brings into the cache', async () => {
    const [store, cache] = [createFolderStore({ folder: tempDir() }), createCache({ folder: tempDir() })];
    const source = join(tempDir(), 'source');
    writeFileSync(source, bytes);
    await store.put('a/b', { path: source, size: bytes.length, sha256 });
    await downloadToCache({ openStore: async () => store, key: 'a/b', sha256, size: bytes.length, cache });
    const index = cache.indexPath(sha256);
    assert.ok(existsSync(index));
    assert.ok(await readBlockIndex(index, { sha256, size: bytes.length }));
  });
});
