import assert from 'node:assert/strict';
import type { CatalogCommit } from '../../../src/core/operations/commitLog';
import {
  type Branch,
  type BranchNode,
  branchNodes,
  changeNodes,
  commitNodes,
  historyParent,
  historyState,
} from '../../../src/extension/tree/historyNodes';
import { historyRow, historyTooltip } from '../../../src/extension/tree/historyRow';
import { repositoryState, sha, words } from './treeFixture';

const state = repositoryState([]);

describe('rows of the History view', () => {
  it('shows what is checked out first, then local and remote branches', () => {
    const branches: Branch[] = [
      { name: 'origin/main', oid: 'c', place: 'remote' },
      { name: 'draft', oid: 'b', place: 'local' },
      { name: 'main', oid: 'a', place: 'current' },
    ];
    const nodes = branchNodes(state, branches, 1);
    assert.deepEqual(
      nodes.map((node) => historyRow(node, words).label),
      ['main', 'draft', 'origin/main'],
    );
    const open = (repositories: number): string[] =>
      branchNodes(state, branches, repositories).map((node) => historyRow(node, words).children);
    assert.deepEqual(open(1), ['expanded', 'collapsed', 'collapsed']);
    assert.deepEqual(open(2), ['collapsed', 'collapsed', 'collapsed']);
  });

  it('has one row for each version that a commit touched', () => {
    const [commit] = commitNodes(branch(), { commits: [catalogCommit()], more: false });
    assert.ok(commit?.kind === 'commit');
    const changes = changeNodes(commit);
    assert.deepEqual(
      changes.map((node) => [historyRow(node, words).label, historyRow(node, words).description]),
      [
        ['a.sqlite v2', 'added'],
        ['a.sqlite v1', 'edited'],
        ['b.sqlite v1', 'removed'],
      ],
    );
    const [first] = changes;
    assert.ok(first);
    assert.equal(historyParent(first, 1), commit);
    assert.equal(historyState(first), state);
    assert.equal(historyRow(first, words).command?.id, 'datamanager.comparePrevious');
  });

  it('ends a page with a row for more, and a commit that can not be read with its problem', () => {
    const nodes = commitNodes(branch(), { commits: [{ ...catalogCommit(), problem: 'not valid JSON' }], more: true });
    assert.deepEqual(
      nodes.map(({ kind }) => kind),
      ['commit', 'moreCommits'],
    );
    const [commit] = nodes;
    assert.ok(commit?.kind === 'commit');
    assert.deepEqual(
      changeNodes(commit).map(({ kind }) => kind),
      ['historyProblem'],
    );
  });

  it('escapes what a commit says', () => {
    const [commit] = commitNodes(branch(), { commits: [catalogCommit('[x](command:evil)')], more: false });
    assert.ok(commit);
    assert.ok(!(historyTooltip(commit, words) ?? '').includes(']('));
  });
});

function branch(): BranchNode {
  const [node] = branchNodes(state, [{ name: 'main', oid: 'a', place: 'current' }], 1);
  assert.ok(node);
  return node;
}

function catalogCommit(subject = 'Update a.sqlite'): CatalogCommit {
  const author = { name: 'Ada Lovelace', email: 'ada@example.com' };
  return {
    commit: { oid: sha(1), parents: [], tree: sha(2), author, timestamp: words.now, message: subject, subject },
    changes: [
      {
        name: 'a.sqlite',
        kind: 'changed',
        added: [{ version: 'v2', sha256: sha(2) }],
        removed: [],
        edited: [{ version: 'v1', sha256: sha(1) }],
      },
      { name: 'b.sqlite', kind: 'removed', added: [], removed: [{ version: 'v1', sha256: sha(3) }], edited: [] },
    ],
    problem: null,
  };
}
