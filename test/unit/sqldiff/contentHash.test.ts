import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { contentHash } from '../../../src/core/sqldiff/contentHash';
import { murmur } from '../../../src/core/sqldiff/murmur';
import { PageFile } from '../../../src/core/sqldiff/pages/pageFile';
import { makeSqlite } from '../../support/sqliteFixture';

describe('contentHash', () => {
  async function hashOf(sql: string, from?: string): Promise<string> {
    return hashOfFile(await makeSqlite(sql, from === undefined ? {} : { from }));
  }

  function hashOfFile(path: string): string {
    const file = PageFile.open(path);
    try {
      return contentHash(file);
    } finally {
      file?.close();
    }
  }

  const sample =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, r REAL, v); INSERT INTO t VALUES(1,1,'a'),(2,2.5,NULL),(3,-1,x'00'),(4,9e999,9223372036854775807); CREATE TABLE u(a TEXT, b TEXT); INSERT INTO u VALUES('x','é😀'),('y','z'),('y','z')";

  it('follows the described form', async () => {
    const row = Buffer.from('01000000000000000702400800000000000003000000026162', 'hex');
    const expected = createHash('sha256')
      .update(`datamanager content 1\n["t",["a","b","c"],1,"${murmurHex(row)}"]\n`)
      .digest('hex');
    assert.equal(await hashOf("CREATE TABLE t(a INT, b REAL, c TEXT); INSERT INTO t VALUES(7,3,'ab')"), expected);
  });

  it('computes MurmurHash3_x86_128 as its author does', () => {
    // SMHasher's verification: the hash of the hashes of 0, 1, 2, ... 255 bytes under falling seeds.
    const hashes = Buffer.alloc(256 * 16);
    const key = Uint8Array.from({ length: 256 }, (_, i) => i);
    for (let i = 0; i < 256; i++) murmurOf(key.subarray(0, i), 256 - i).copy(hashes, i * 16);
    assert.equal(murmurOf(hashes, 0).readUInt32LE(0), 0xb3ece62a);
  });

  it('is not changed by encoding, page size, VACUUM, order, indexes or rowids', async () => {
    const hash = await hashOf(sample);
    for (const prefix of ["PRAGMA encoding='UTF-16le'; ", "PRAGMA encoding='UTF-16be'; PRAGMA page_size=512; "]) {
      assert.equal(await hashOf(prefix + sample), hash);
    }
    const file = await makeSqlite(sample);
    assert.equal(await hashOf('CREATE INDEX i ON t(r); CREATE VIEW w AS SELECT 1', file), hash);
    assert.equal(await hashOf('UPDATE u SET rowid=rowid+100', file), hash);
    assert.equal(
      await hashOf(
        "DELETE FROM t; DELETE FROM u; VACUUM; INSERT INTO u VALUES('y','z'),('y','z'),('x','é😀'); INSERT INTO t VALUES(4,9e999,9223372036854775807),(3,-1,x'00'),(2,2.5,NULL),(1,1,'a')",
        file,
      ),
      hash,
    );
  });

  it('is changed by any value, type, count, name', async () => {
    const seen = new Map([[await hashOf(sample), 'sample']]);
    const file = await makeSqlite(sample);
    for (const edit of [
      "UPDATE t SET v='b' WHERE id=1",
      'UPDATE t SET v=1 WHERE id=1',
      'UPDATE t SET v=1.0 WHERE id=1',
      "UPDATE t SET v='1' WHERE id=1",
      "UPDATE t SET v=x'31' WHERE id=1",
      "UPDATE t SET v='' WHERE id=2",
      'UPDATE t SET id=5 WHERE id=1',
      'DELETE FROM u WHERE rowid=2',
      "INSERT INTO u VALUES('y','z')",
      "UPDATE u SET a='yz', b='' WHERE a='y'",
      'ALTER TABLE u RENAME TO w',
      'ALTER TABLE u RENAME COLUMN a TO c',
      'ALTER TABLE u ADD COLUMN c',
      'CREATE TABLE e(a)',
    ]) {
      const hash = await hashOf(edit, file);
      assert.equal(seen.get(hash), undefined, `${edit} gives the hash of: ${seen.get(hash)}`);
      seen.set(hash, edit);
    }
  });

  it('has a value for an empty database', () => {
    assert.equal(contentHash(null), createHash('sha256').update('datamanager content 1\n').digest('hex'));
  });
});

/** The hash as the reference implementation writes it on a little-endian machine. */
function murmurOf(bytes: Uint8Array, seed: number): Buffer {
  const padded = new Uint8Array(bytes.length + 16);
  padded.set(bytes);
  const out = new Uint32Array(4);
  murmur(new DataView(padded.buffer), bytes.length, seed, out);
  const result = Buffer.alloc(16);
  out.forEach((word, i) => {
    result.writeUInt32LE(word, i * 4);
  });
  return result;
}

function murmurHex(row: Buffer): string {
  return murmurOf(row, 0).reverse().toString('hex');
}
