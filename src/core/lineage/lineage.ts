import type { Dataset, LineageEdge, Manifest, VersionEntry } from '../catalog/manifest';

/** A version in a lineage; `entry` is null when the edge names one that this manifest doesn't hold. */
export interface LineageNode {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly entry: VersionEntry | null;
}

interface Version {
  readonly dataset: Dataset;
  readonly entry: VersionEntry;
}

/**
 * What a version was derived from, one level, in the order of its edges.
 *
 * @example
 * parentsOf(manifest, entry).map(({ name, version }) => `${name}@${version}`);
 */
export function parentsOf(manifest: Manifest, entry: VersionEntry): readonly LineageNode[] {
  return entry.parents.map((edge) => {
    const dataset = manifest.datasets.find(({ name }) => name === edge.name);
    const found = dataset?.history.find((other) => pins(edge, other));
    // After a renumbering the hash still tells which version was meant.
    const moved = found ?? dataset?.history.find(({ sha256 }) => sha256 === edge.sha256);
    return { name: edge.name, version: moved?.version ?? edge.version, sha256: edge.sha256, entry: moved ?? null };
  });
}

/**
 * What was derived from a version, one level, in manifest order.
 *
 * @example
 * childrenOf(manifest, { dataset, entry });
 */
export function childrenOf(manifest: Manifest, { dataset, entry }: Version): readonly LineageNode[] {
  return manifest.datasets.flatMap((other) =>
    other.history
      .filter(({ parents }) => parents.some((edge) => edge.name === dataset.name && pinsOrMoved(dataset, edge, entry)))
      .map((child) => ({ name: other.name, version: child.version, sha256: child.sha256, entry: child })),
  );
}

/**
 * The way from one version down to another along the edges, both ends included; null when there is none. An edge from
 * `to` to `from` would close it to a cycle.
 *
 * @example
 * lineagePath(manifest, child, parent); // ['child.sqlite@v1', 'parent.sqlite@v2']
 */
export function lineagePath(manifest: Manifest, from: Version, to: Version): readonly string[] | null {
  const label = (version: Version): string => `${version.dataset.name}@${version.entry.version}`;
  const seen = new Set<string>();
  const queue: { readonly at: Version; readonly path: readonly string[] }[] = [{ at: from, path: [label(from)] }];
  for (let next = queue.shift(); next; next = queue.shift()) {
    const { at, path } = next;
    if (label(at) === label(to)) return path;
    if (seen.has(label(at))) continue;
    seen.add(label(at));
    for (const node of childrenOf(manifest, at)) {
      const dataset = manifest.datasets.find(({ name }) => name === node.name);
      if (dataset && node.entry) {
        const child = { dataset, entry: node.entry };
        queue.push({ at: child, path: [...path, label(child)] });
      }
    }
  }
  return null;
}

/**
 * The edge that a child records for this parent.
 *
 * @example
 * const parents = [...entry.parents, edgeTo(parent)];
 */
export function edgeTo({ dataset, entry }: Version): LineageEdge {
  return { sha256: entry.sha256, name: dataset.name, version: entry.version };
}

function pins(edge: LineageEdge, entry: VersionEntry): boolean {
  return edge.version === entry.version && edge.sha256 === entry.sha256;
}

function pinsOrMoved(dataset: Dataset, edge: LineageEdge, entry: VersionEntry): boolean {
  if (pins(edge, entry)) return true;
  return edge.sha256 === entry.sha256 && !dataset.history.some((other) => pins(edge, other));
}
