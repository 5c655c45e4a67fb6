import type { Manifest } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, type ResolvedVersion, resolveReference } from '../catalog/reference';
import { childrenOf, type LineageNode, parentsOf } from '../lineage/lineage';
import type { OperationContext } from './context';

/** A version with what lies above or below it. A version that was shown already, further up, has no branches again. */
export interface LineageTree extends LineageNode {
  readonly branches: readonly LineageTree[];
}

export interface LineageResult {
  readonly version: LineageNode;
  readonly parents: readonly LineageTree[];
  readonly children: readonly LineageTree[];
}

/**
 * Where a version comes from and what was derived from it, `depth` levels each way (default: all).
 *
 * Throws REFERENCE_INVALID, DATASET_NOT_FOUND, VERSION_NOT_FOUND, REFERENCE_AMBIGUOUS.
 *
 * @example
 * const { parents, children } = await showLineage({ repository }, 'utopia.sqlite', { depth: 1 });
 */
export async function showLineage(
  { repository }: Pick<OperationContext, 'repository'>,
  reference: string,
  { depth = Number.POSITIVE_INFINITY }: { readonly depth?: number | undefined } = {},
): Promise<LineageResult> {
  const { manifest } = await readCatalog(repository);
  const root = resolveReference(manifest, parseReference(reference));
  const { dataset, entry } = root;
  const grow = (next: (version: ResolvedVersion) => readonly LineageNode[]): readonly LineageTree[] =>
    branches(manifest, root, next, depth, new Set([label(dataset.name, entry.version)]));
  return {
    version: { name: dataset.name, version: entry.version, sha256: entry.sha256, entry },
    parents: grow((version) => parentsOf(manifest, version.entry)),
    children: grow((version) => childrenOf(manifest, version)),
  };
}

function branches(
  manifest: Manifest,
  at: ResolvedVersion,
  next: (version: ResolvedVersion) => readonly LineageNode[],
  depth: number,
  seen: Set<string>,
): readonly LineageTree[] {
  if (depth < 1) return [];
  return next(at).map((node) => {
    const key = label(node.name, node.version);
    const dataset = manifest.datasets.find(({ name }) => name === node.name);
    if (!dataset || !node.entry || seen.has(key)) return { ...node, branches: [] };
    seen.add(key);
    return { ...node, branches: branches(manifest, { dataset, entry: node.entry }, next, depth - 1, seen) };
  });
}

function label(name: string, version: string): string {
  return `${name}@${version}`;
}
