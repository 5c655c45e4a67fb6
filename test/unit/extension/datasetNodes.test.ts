import assert from 'node:assert/strict';
import { DataManagerError } from '../../../src/core/errors';
import type { RepositoryState } from '../../../src/extension/repositoryState';
import {
  type DatasetNode,
  datasetChildren,
  datasetParent,
  versionPage,
} from '../../../src/extension/tree/datasetNodes';
import { entry, repositoryState, sha } from './treeFixture';

const empty = new Map<string, number>();

describe('rows of the Datasets view', () => {
  it('lists datasets by name, as people sort', () => {
    const names = ['b.sqlite', 'a10.sqlite', 'a9.sqlite'];
    const state = repositoryState(names.map((fileName) => ({ fileName, history: [entry(1)] })));
    assert.deepEqual(
      children(null, [state]).map((node) => node.kind === 'dataset' && node.dataset.name),
      ['a9.sqlite', 'a10.sqlite', 'b.sqlite'],
    );
  });

  it('groups by repository only when there are several', () => {
    const one = repositoryState([{ fileName: 'a', history: [entry(1)] }], [], '/data/one');
    const two = repositoryState([{ fileName: 'a', history: [entry(1)] }], [], '/data/two');
    const groups = children(null, [one, two]);
    assert.deepEqual(
      groups.map(({ kind }) => kind),
      ['repository', 'repository'],
    );
    const [first] = children(groups[0] ?? null, [one, two]);
    assert.ok(first);
    assert.equal(datasetParent(first, 2)?.id, groups[0]?.id);
    assert.equal(datasetParent(first, 1), null);
  });

  it('shows 10,000 versions in pages', () => {
    const history = Array.from({ length: 10_000 }, (_, i) => entry(10_000 - i));
    const state = repositoryState([{ fileName: 'big.sqlite', history }]);
    const [dataset] = children(null, [state]);
    assert.ok(dataset);
    const page = children(dataset, [state]);
    assert.equal(page.length, versionPage + 1);
    const more = page.at(-1);
    assert.ok(more?.kind === 'more');
    assert.equal(more.remaining, 10_000 - versionPage);
    const shown = new Map([[dataset.id, 2 * versionPage]]);
    assert.equal(datasetChildren(dataset, { repositories: [state], shown }).length, 2 * versionPage + 1);
    assert.equal(datasetParent(more, 1)?.id, dataset.id);
  });

  it('has ids that are unique and stay the same when the manifest grows', () => {
    const before = repositoryState([{ fileName: 'a', history: [entry(1)] }]);
    const after = repositoryState([{ fileName: 'a', history: [entry(2), entry(1)] }]);
    const ids = (state: RepositoryState): string[] => all(state).map(({ id }) => id);
    assert.equal(new Set(ids(after)).size, ids(after).length);
    for (const id of ids(before)) assert.ok(ids(after).includes(id), id);
  });

  it('shows both ends of a lineage edge, and a parent that is not here', () => {
    const parents = [
      { sha256: sha(1), name: 'raw', version: 'v1' },
      { sha256: sha(99), name: 'gone', version: 'v4' },
    ];
    const state = repositoryState([
      { fileName: 'raw', history: [entry(1)] },
      { fileName: 'clean', history: [entry(2, { version: 'v1', parents })] },
    ]);
    const rows = all(state);
    const group = (kind: 'parents' | 'children'): DatasetNode => {
      const found = rows.find((node) => node.kind === kind);
      assert.ok(found, kind);
      return found;
    };
    assert.deepEqual(
      children(group('parents'), [state]).map((node) =>
        node.kind === 'version' ? node.dataset.name : node.kind === 'missing' && node.version.name,
      ),
      ['raw', 'gone'],
    );
    const [child] = children(group('children'), [state]);
    assert.ok(child?.kind === 'version');
    assert.equal(child.dataset.name, 'clean');
    assert.equal(datasetParent(child, 1)?.id, group('children').id);
  });

  it('shows what is wrong with a manifest in place of its datasets', () => {
    const problem = new DataManagerError('MANIFEST_INVALID', 'manifest.json:1:1: not valid JSON.');
    const state: RepositoryState = { ...repositoryState([]), content: { problem } };
    assert.deepEqual(
      children(null, [state]).map(({ kind }) => kind),
      ['problem'],
    );
  });
});

function children(node: DatasetNode | null, repositories: readonly RepositoryState[]): readonly DatasetNode[] {
  return datasetChildren(node, { repositories, shown: empty });
}

function all(state: RepositoryState, node: DatasetNode | null = null): readonly DatasetNode[] {
  return children(node, [state]).flatMap((child) => [child, ...all(state, child)]);
}
