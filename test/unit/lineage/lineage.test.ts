import assert from 'node:assert/strict';
import { addDataset, addVersion, setParents } from '../../../src/core/catalog/editManifest';
import type { Manifest } from '../../../src/core/catalog/manifest';
import { parseReference, type ResolvedVersion, resolveReference } from '../../../src/core/catalog/reference';
import { childrenOf, edgeTo, lineagePath, parentsOf } from '../../../src/core/lineage/lineage';
import { sha } from '../catalog/manifestFixture';

const entry = (version: string, digit: string) => ({
  version,
  timestamp: '',
  sha256: sha(digit),
  key: sha(digit),
  diffFromPrevious: null,
  size: 1,
});
const at = (manifest: Manifest, reference: string): ResolvedVersion =>
  resolveReference(manifest, parseReference(reference));
const link = (manifest: Manifest, child: string, parent: string): Manifest => {
  const version = at(manifest, child);
  return setParents(manifest, version, [...version.entry.parents, edgeTo(at(manifest, parent))]);
};

const plain = addVersion(
  addDataset(
    addDataset(addDataset({ datasets: [] }, 'raw', entry('v1', '1')), 'clean', entry('v1', '2')),
    'model',
    entry('v1', '3'),
  ),
  'raw',
  entry('v2', '4'),
);
const linked = link(link(plain, 'clean', 'raw@v1'), 'model', 'clean');

describe('lineage', () => {
  it('parents and children, one level', () => {
    assert.deepEqual(
      parentsOf(linked, at(linked, 'clean').entry).map(({ name, version }) => `${name}@${version}`),
      ['raw@v1'],
    );
    assert.deepEqual(
      childrenOf(linked, at(linked, 'raw@v1')).map(({ name }) => name),
      ['clean'],
    );
    assert.deepEqual(childrenOf(linked, at(linked, 'raw@v2')), []);
  });

  it('the path that an edge back would close to a circle', () => {
    assert.deepEqual(lineagePath(linked, at(linked, 'raw@v1'), at(linked, 'model')), [
      'raw@v1',
      'clean@v1',
      'model@v1',
    ]);
    assert.deepEqual(lineagePath(linked, at(linked, 'raw@v1'), at(linked, 'raw@v1')), ['raw@v1']);
    assert.equal(lineagePath(linked, at(linked, 'model'), at(linked, 'raw@v1')), null);
  });

  it('ends on a circle that is already there', () => {
    const circle = link(linked, 'raw@v1', 'model');
    assert.equal(lineagePath(circle, at(circle, 'model'), at(circle, 'raw@v2')), null);
  });

  it('an edge to a version that this manifest does not hold keeps its name', () => {
    const edge = { name: 'gone', version: 'v7', sha256: sha('9') };
    const manifest = setParents(plain, at(plain, 'model'), [edge]);
    assert.deepEqual(parentsOf(manifest, at(manifest, 'model').entry), [{ ...edge, entry: null }]);
  });

  it('follows a version that was renumbered', () => {
    const edge = { name: 'raw', version: 'v9', sha256: sha('4') };
    const manifest = setParents(plain, at(plain, 'model'), [edge]);
    assert.equal(parentsOf(manifest, at(manifest, 'model').entry)[0]?.version, 'v2');
    assert.deepEqual(
      childrenOf(manifest, at(manifest, 'raw@v2')).map(({ name }) => name),
      ['model'],
    );
  });
});
