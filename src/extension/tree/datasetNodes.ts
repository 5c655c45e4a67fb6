import type { Dataset, VersionEntry } from '../../core/catalog/manifest';
import type { DataManagerError } from '../../core/errors';
import { childrenOf, type LineageNode, parentsOf } from '../../core/lineage/lineage';
import { type RepositoryContent, type RepositoryState, versionKey } from '../repositoryState';

/** A row of the Datasets view. Plain data; `id` is stable across refreshes, so that VS Code keeps what is expanded. */
export type DatasetNode =
  | RepositoryNode
  | DatasetRowNode
  | VersionNode
  | LineageGroupNode
  | MissingNode
  | MoreNode
  | ProblemNode;

export interface RepositoryNode {
  readonly kind: 'repository';
  readonly id: string;
  readonly state: RepositoryState;
}

export interface DatasetRowNode {
  readonly kind: 'dataset';
  readonly id: string;
  readonly state: RepositoryState;
  readonly dataset: Dataset;
}

export interface VersionNode {
  readonly kind: 'version';
  readonly id: string;
  readonly state: RepositoryState;
  readonly dataset: Dataset;
  readonly entry: VersionEntry;
  /** Set when the row stands below Parents or Children of another version. */
  readonly group: LineageGroupNode | null;
}

export interface LineageGroupNode {
  readonly kind: 'parents' | 'children';
  readonly id: string;
  readonly of: VersionNode;
  readonly related: readonly LineageNode[];
}

/** A parent that this manifest doesn't hold. */
export interface MissingNode {
  readonly kind: 'missing';
  readonly id: string;
  readonly group: LineageGroupNode;
  readonly version: LineageNode;
}

export interface MoreNode {
  readonly kind: 'more';
  readonly id: string;
  readonly of: DatasetRowNode;
  /** Rows that are not shown yet. */
  readonly remaining: number;
}

export interface ProblemNode {
  readonly kind: 'problem';
  readonly id: string;
  readonly state: RepositoryState;
  readonly problem: DataManagerError;
}

export interface DatasetTreeState {
  readonly repositories: readonly RepositoryState[];
  /** Versions shown of a dataset, by node id; `versionPage` when absent. */
  readonly shown: ReadonlyMap<string, number>;
}

/** Versions a dataset shows at first, and adds with each "Show more". */
export const versionPage = 100;

const byName = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** The rows below a node; the root's for null. A group for each repository only when there are several. */
export function datasetChildren(node: DatasetNode | null, state: DatasetTreeState): readonly DatasetNode[] {
  if (node === null) {
    const [only, ...others] = state.repositories;
    if (only === undefined) return [];
    return others.length === 0 ? repositoryChildren(only) : state.repositories.map(repositoryNode);
  }
  switch (node.kind) {
    case 'repository':
      return repositoryChildren(node.state);
    case 'dataset':
      return versionRows(node, state.shown.get(node.id) ?? versionPage);
    case 'version':
      return node.group === null ? lineageGroups(node) : [];
    case 'parents':
    case 'children':
      return node.related.map((version, i) => relatedNode(node, version, i));
    case 'missing':
    case 'more':
    case 'problem':
      return [];
  }
}

/** The row above a node; null at the root. Needed to reveal a row. */
export function datasetParent(node: DatasetNode, repositories: number): DatasetNode | null {
  switch (node.kind) {
    case 'repository':
      return null;
    case 'problem':
    case 'dataset':
      return repositories > 1 ? repositoryNode(node.state) : null;
    case 'version':
      return node.group ?? datasetNode(node.state, node.dataset);
    case 'parents':
    case 'children':
    case 'more':
      return node.of;
    case 'missing':
      return node.group;
  }
}

export function repositoryNode(state: RepositoryState): RepositoryNode {
  return { kind: 'repository', id: `repo:${state.folder}`, state };
}

export function datasetNode(state: RepositoryState, dataset: Dataset): DatasetRowNode {
  return { kind: 'dataset', id: `repo:${state.folder}/ds:${dataset.name}`, state, dataset };
}

export function versionNode(state: RepositoryState, dataset: Dataset, entry: VersionEntry): VersionNode {
  const id = `repo:${state.folder}/ds:${dataset.name}/v:${entry.version}`;
  return { kind: 'version', id, state, dataset, entry, group: null };
}

/** True when a version has a Parents or Children row: a look-up, because it is asked for every row that is shown. */
export function hasLineage({ state: { content }, dataset, entry, group }: VersionNode): boolean {
  if (group !== null || content.problem) return false;
  return entry.parents.length > 0 || content.parentsOfSome.has(versionKey(dataset.name, entry.sha256));
}

function repositoryChildren(state: RepositoryState): readonly DatasetNode[] {
  const { content } = state;
  if (content.problem) {
    return [{ kind: 'problem', id: `repo:${state.folder}/problem`, state, problem: content.problem }];
  }
  return content.manifest.datasets
    .map((dataset) => datasetNode(state, dataset))
    .sort((a, b) => byName.compare(a.dataset.name, b.dataset.name));
}

function versionRows(node: DatasetRowNode, shown: number): readonly DatasetNode[] {
  const { state, dataset } = node;
  const rows: DatasetNode[] = dataset.history.slice(0, shown).map((entry) => versionNode(state, dataset, entry));
  const remaining = dataset.history.length - rows.length;
  if (remaining > 0) rows.push({ kind: 'more', id: `${node.id}/more`, of: node, remaining });
  return rows;
}

function lineageGroups(node: VersionNode): readonly DatasetNode[] {
  const content = node.state.content;
  if (content.problem || !hasLineage(node)) return [];
  return [
    { kind: 'parents' as const, related: parentsOf(content.manifest, node.entry) },
    { kind: 'children' as const, related: childrenOf(content.manifest, node) },
  ]
    .filter(({ related }) => related.length > 0)
    .map(({ kind, related }) => ({ kind, id: `${node.id}/${kind}`, of: node, related }));
}

function relatedNode(group: LineageGroupNode, version: LineageNode, i: number): DatasetNode {
  const { state } = group.of;
  const id = `${group.id}/${i}:${version.name}@${version.version}`;
  const dataset = datasetOf(state.content, version.name);
  if (!dataset || !version.entry) return { kind: 'missing', id, group, version };
  return { kind: 'version', id, state, dataset, entry: version.entry, group };
}

function datasetOf(
  content: RepositoryContent | { readonly problem: DataManagerError },
  name: string,
): Dataset | undefined {
  return content.problem ? undefined : content.manifest.datasets.find((dataset) => dataset.name === name);
}
