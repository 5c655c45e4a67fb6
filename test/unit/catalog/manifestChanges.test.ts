import assert from 'node:assert/strict';
import { addDataset, addVersion, setParents } from '../../../src/core/catalog/editManifest';
import type { Manifest } from '../../../src/core/catalog/manifest';
import { manifestChanges } from '../../../src/core/catalog/manifestChanges';
import { sha } from './manifestFixture';

const entry = (version: string, digit: string) => ({
  version,
  timestamp: '',
  sha256: sha(digit),
  key: `a/${sha(digit)}`,
  diffFromPrevious: null,
  size: 1,
});
const one: Manifest = addDataset({ datasets: [] }, 'a', entry('v1', 'a'));
const two: Manifest = addVersion(one, 'a', entry('v2', 'b'));

describe('changes between two manifests', () => {
  it('none between equal ones', () => assert.deepEqual(manifestChanges(two, two), []));

  it('a new dataset, a new version, a removed version, a removed dataset', () => {
    const v1 = { version: 'v1', sha256: sha('a') };
    const v2 = { version: 'v2', sha256: sha('b') };
    assert.deepEqual(manifestChanges(null, one), [{ name: 'a', kind: 'added', added: [v1], removed: [], edited: [] }]);
    assert.deepEqual(manifestChanges(one, two), [{ name: 'a', kind: 'changed', added: [v2], removed: [], edited: [] }]);
    assert.deepEqual(manifestChanges(two, one), [{ name: 'a', kind: 'changed', added: [], removed: [v2], edited: [] }]);
    assert.deepEqual(manifestChanges(two, null), [
      { name: 'a', kind: 'removed', added: [], removed: [v2, v1], edited: [] },
    ]);
  });

  it('a version number that was given to other bytes is another version', () => {
    const other = addVersion(one, 'a', entry('v2', 'c'));
    const [change] = manifestChanges(two, other);
    assert.deepEqual(change?.added, [{ version: 'v2', sha256: sha('c') }]);
    assert.deepEqual(change?.removed, [{ version: 'v2', sha256: sha('b') }]);
  });

  it('an entry that was edited', () => {
    const dataset = two.datasets[0];
    assert.ok(dataset);
    const edge = { name: 'a', version: 'v1', sha256: sha('a') };
    const linked = setParents(two, { dataset, entry: dataset.history[0] }, [edge]);
    assert.deepEqual(manifestChanges(two, linked)[0]?.edited, [{ version: 'v2', sha256: sha('b') }]);
  });
});
