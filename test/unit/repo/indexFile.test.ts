import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatIndex, type IndexFile, parseIndex } from '../../../src/core/repo/indexFile';
import { emptyRepository, type GitFixture } from '../../support/gitFixture';

const BLOB = 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391';

function nested(): GitFixture {
  const fixture = emptyRepository();
  fixture.commit({ 'a/b/c': '1', 'a/b/d': '2', 'a/e': '3', 'a.b': '4', 'z/y': '5', top: '6', ['l'.repeat(200)]: '7' });
  fixture.write('empty', '');
  fixture.run('hash-object', '-w', 'empty');
  fixture.run('write-tree'); // every folder is known in the extension TREE
  return fixture;
}

const indexPath = ({ dir }: GitFixture): string => join(dir, '.git', 'index');

function parsed(bytes: Buffer): IndexFile {
  const index = parseIndex(bytes);
  if ('unsupported' in index) throw new Error(index.unsupported);
  return index;
}

function rehashed(bytes: Buffer): Buffer {
  const end = bytes.length - 20;
  return Buffer.concat([bytes.subarray(0, end), createHash('sha1').update(bytes.subarray(0, end)).digest()]);
}

describe('the index file', () => {
  it('comes out byte for byte when nothing changes', () => {
    const fixture = nested();
    fixture.write('later', 'x');
    fixture.run('add', '-N', 'later'); // version 3
    fixture.run('update-index', '--assume-unchanged', 'top');
    const bytes = readFileSync(indexPath(fixture));
    assert.deepEqual(formatIndex(parsed(bytes), [], Number.MAX_SAFE_INTEGER), bytes);
    assert.deepEqual(
      parsed(bytes)
        .entries.filter((e) => e.assumeUnchanged || e.intentToAdd)
        .map((e) => e.rawPath),
      ['later', 'top'],
    );
  });

  it('has what git makes of it: entries in order, and trees known only where nothing changed', () => {
    for (const path of ['a/b/c', 'a/b/new', 'a/new', 'a-b', 'a0', 'new/x/y', 'top', 'é', 'n'.repeat(5000)]) {
      for (const oid of [BLOB, null]) {
        const fixture = nested();
        const bytes = formatIndex(parsed(readFileSync(indexPath(fixture))), [{ path, mode: '100644', oid }], 0);
        const line = oid === null ? `0 ${'0'.repeat(40)}\t${path}\0` : `100644 ${oid}\t${path}\0`;
        writeFileSync(join(fixture.dir, 'info'), line);
        fixture.run('-c', 'alias.x=!git update-index -z --index-info < info', 'x');
        const expected = [fixture.run('ls-files', '-s', '-z'), fixture.run('write-tree')];
        writeFileSync(indexPath(fixture), bytes);
        assert.deepEqual([fixture.run('ls-files', '-s', '-z'), fixture.run('write-tree')], expected, `${path} ${oid}`);
      }
    }
  });

  it('stays without a checksum if it had none (index.skipHash)', () => {
    const bytes = readFileSync(indexPath(nested()));
    const unhashed = Buffer.concat([bytes.subarray(0, -20), Buffer.alloc(20)]);
    assert.deepEqual(formatIndex(parsed(unhashed), [], Number.MAX_SAFE_INTEGER), unhashed);
  });

  it('lets entries that may be stale lose their size', () => {
    const fixture = nested();
    const index = parsed(readFileSync(indexPath(fixture)));
    const [first] = index.entries;
    assert.ok(first);
    const sizes = (writtenAt: number): readonly number[] =>
      parsed(formatIndex(index, [], writtenAt)).entries.map(({ raw }) => raw.readUInt32BE(36));
    assert.ok(sizes(first.mtime).every((size) => size === 0));
    assert.ok(sizes(first.mtime + 5).every((size) => size > 0));
  });

  it('says which layouts it cannot edit', () => {
    const bytes = readFileSync(indexPath(nested()));
    const version4 = Buffer.from(bytes);
    version4.writeUInt32BE(4, 4);
    const extended = Buffer.concat([bytes.subarray(0, -20), Buffer.from('link\0\0\0\0', 'latin1'), Buffer.alloc(20)]);
    const flipped = Buffer.from(bytes);
    flipped.writeUInt8(flipped.readUInt8(100) ^ 1, 100);
    for (const [broken, why] of [
      [rehashed(version4), /version 4/],
      [rehashed(extended), /extension link/],
      [flipped, /damaged/],
      [Buffer.alloc(0), /damaged/],
      [rehashed(bytes.subarray(0, 200)), /damaged/],
    ] as const) {
      const index = parseIndex(broken);
      assert.ok('unsupported' in index);
      assert.match(index.unsupported, why);
    }
  });
});
