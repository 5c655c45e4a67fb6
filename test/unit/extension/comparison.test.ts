import assert from 'node:assert/strict';
import { BoundedMap } from '../../../src/extension/documents/boundedMap';
import {
  type Comparison,
  comparisonTitle,
  type DocumentAddress,
  decodeAddress,
  encodeAddress,
} from '../../../src/extension/documents/comparison';
import { sha } from './treeFixture';

const comparison: Comparison = {
  folder: '/data/über uns',
  name: 'energy/utopia.sqlite',
  before: { kind: 'version', version: 'v1', sha256: sha(1) },
  after: { kind: 'version', version: 'v2', sha256: sha(2) },
  at: null,
};

const files: Comparison = {
  folder: null,
  name: 'new.sqlite',
  before: { kind: 'file', path: '/a/old.sqlite', label: 'old.sqlite', stamp: '1-2' },
  after: { kind: 'file', path: '/a/new.sqlite', label: 'new.sqlite', stamp: '3-4' },
  at: null,
};

describe('the address of a diff document', () => {
  it('holds all that is needed to make the text again', () => {
    const first: Comparison = { ...comparison, before: null, at: 'abc' };
    const addresses: DocumentAddress[] = [
      { comparison, part: { kind: 'schema' }, side: 'before' },
      { comparison: first, part: { kind: 'table', table: 'a/b "c" % &#?', skip: 5000 }, side: 'after' },
      { comparison: files, part: { kind: 'summary' }, side: 'after' },
      { comparison: files, part: { kind: 'text' }, side: 'before' },
    ];
    for (const address of addresses) assert.deepEqual(decodeAddress(encodeAddress(address).query), address);
  });

  it('gives both sides the same path, else the multi-file diff shows a rename', () => {
    const [before, after] = (['before', 'after'] as const).map((side) =>
      encodeAddress({ comparison, part: { kind: 'table', table: 'a/b', skip: 0 }, side }),
    );
    assert.equal(before?.path, after?.path);
    assert.notEqual(before?.query, after?.query);
    assert.equal(before?.path.split('/').length, 4, 'a slash in the name of a table makes no folder');
  });

  it('is refused when it is not ours', () => {
    const good = { comparison, part: { kind: 'table', table: 't', skip: 0 }, side: 'after' };
    assert.notEqual(decodeAddress(JSON.stringify(good)), null);
    const bad = [
      { ...good, side: 'left' },
      { ...good, part: { kind: 'table', table: 't' } },
      { ...good, part: { kind: 'page' } },
      { ...good, comparison: { ...comparison, folder: 1 } },
      { ...good, comparison: { ...comparison, after: null } },
      { ...good, comparison: { ...comparison, before: { kind: 'file', path: '/a' } } },
    ];
    for (const query of ['', '{}', '[]', 'null', 'x', ...bad.map((address) => JSON.stringify(address))]) {
      assert.equal(decodeAddress(query), null, query);
    }
  });

  it('has a title that says both versions', () => {
    assert.equal(comparisonTitle(comparison), 'energy/utopia.sqlite v1 ↔ v2');
    assert.equal(comparisonTitle({ ...comparison, before: null }), 'energy/utopia.sqlite v2');
    assert.equal(comparisonTitle(files), 'old.sqlite ↔ new.sqlite');
  });
});

describe('BoundedMap', () => {
  it('forgets what was used least recently, and keeps the newest however heavy', () => {
    const map = new BoundedMap<string>(10);
    map.set('a', 'A', 4);
    map.set('b', 'B', 4);
    assert.equal(map.get('a'), 'A');
    map.set('c', 'C', 4);
    assert.deepEqual([map.get('a'), map.get('b'), map.get('c')], ['A', undefined, 'C']);
    map.set('d', 'D', 100);
    assert.deepEqual([map.get('a'), map.get('c'), map.get('d')], [undefined, undefined, 'D']);
    map.set('d', 'E', 1);
    map.set('e', 'F', 9);
    assert.deepEqual([map.get('d'), map.get('e')], ['E', 'F'], 'a replaced value weighs no more');
  });
});
