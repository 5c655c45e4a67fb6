import type { ChangedVersion, DatasetChange } from '../../core/catalog/manifestChanges';
import type { CatalogCommit } from '../../core/operations/commitLog';
import type { RepositoryState } from '../repositoryState';

/** A row of the History view: branches, the commits that changed the catalog, and what each did to datasets. */
export type HistoryNode =
  | HistoryRepositoryNode
  | BranchNode
  | CommitNode
  | ChangeNode
  | MoreCommitsNode
  | HistoryProblemNode;

export interface HistoryRepositoryNode {
  readonly kind: 'repository';
  readonly id: string;
  readonly state: RepositoryState;
}

export interface Branch {
  /** `main`, `origin/main`; a short commit when HEAD is detached. */
  readonly name: string;
  readonly oid: string;
  readonly place: 'current' | 'local' | 'remote';
}

export interface BranchNode {
  readonly kind: 'branch';
  readonly id: string;
  readonly state: RepositoryState;
  readonly branch: Branch;
  /** True when its commits are shown at once. */
  readonly open: boolean;
}

export interface CommitNode {
  readonly kind: 'commit';
  readonly id: string;
  readonly parent: BranchNode;
  readonly commit: CatalogCommit;
}

export interface ChangeNode {
  readonly kind: 'change';
  readonly id: string;
  readonly parent: CommitNode;
  readonly name: string;
  readonly change: 'added' | 'removed' | 'edited';
  readonly version: ChangedVersion;
}

export interface MoreCommitsNode {
  readonly kind: 'moreCommits';
  readonly id: string;
  readonly of: BranchNode;
}

export interface HistoryProblemNode {
  readonly kind: 'historyProblem';
  readonly id: string;
  readonly parent: BranchNode | CommitNode | HistoryRepositoryNode | null;
  readonly message: string;
}

/** Commits a branch shows at first, and adds with each "Show more". */
export const commitPage = 50;

export function historyRepositoryNode(state: RepositoryState): HistoryRepositoryNode {
  return { kind: 'repository', id: `history:${state.folder}`, state };
}

/**
 * Branch rows in the order in which they are shown: what is checked out, then local, then remote ones. Below several open
 * repositories no branch is open: VS Code 1.100 draws nested open rows of the first repository only.
 */
export function branchNodes(
  state: RepositoryState,
  branches: readonly Branch[],
  repositories: number,
): readonly BranchNode[] {
  const order = ['current', 'local', 'remote'] as const;
  return order.flatMap((place) =>
    branches
      .filter((branch) => branch.place === place)
      .map((branch) => ({
        kind: 'branch' as const,
        id: `history:${state.folder}/${place}:${branch.name}`,
        state,
        branch,
        open: place === 'current' && repositories === 1,
      })),
  );
}

export function commitNodes(
  parent: BranchNode,
  { commits, more }: { readonly commits: readonly CatalogCommit[]; readonly more: boolean },
): readonly HistoryNode[] {
  const rows = commits.map(
    (commit): HistoryNode => ({ kind: 'commit', id: `${parent.id}/${commit.commit.oid}`, parent, commit }),
  );
  return more ? [...rows, { kind: 'moreCommits', id: `${parent.id}/more`, of: parent }] : rows;
}

/** One row for each version that a commit touched. */
export function changeNodes(parent: CommitNode): readonly HistoryNode[] {
  const { changes, problem } = parent.commit;
  if (problem !== null) return [{ kind: 'historyProblem', id: `${parent.id}/problem`, parent, message: problem }];
  return changes.flatMap((change) => changeRows(parent, change));
}

function changeRows(parent: CommitNode, { name, added, removed, edited }: DatasetChange): readonly ChangeNode[] {
  const row =
    (change: ChangeNode['change']) =>
    (version: ChangedVersion): ChangeNode => ({
      kind: 'change',
      id: `${parent.id}/${change}:${name}@${version.version}`,
      parent,
      name,
      change,
      version,
    });
  return [...added.map(row('added')), ...edited.map(row('edited')), ...removed.map(row('removed'))];
}

export function historyParent(node: HistoryNode, repositories: number): HistoryNode | null {
  switch (node.kind) {
    case 'repository':
      return null;
    case 'branch':
      return repositories > 1 ? historyRepositoryNode(node.state) : null;
    case 'moreCommits':
      return node.of;
    case 'commit':
    case 'change':
    case 'historyProblem':
      return node.parent;
  }
}

/** The repository that a row belongs to; null for a problem that belongs to none. */
export function historyState(node: HistoryNode): RepositoryState | null {
  switch (node.kind) {
    case 'repository':
    case 'branch':
      return node.state;
    case 'commit':
      return node.parent.state;
    case 'change':
      return node.parent.parent.state;
    case 'moreCommits':
      return node.of.state;
    case 'historyProblem':
      return node.parent ? historyState(node.parent) : null;
  }
}
