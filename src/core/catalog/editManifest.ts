import { DataManagerError } from '../errors';
import type { JsonObject } from './json';
import { type Dataset, type LineageEdge, latest, type Manifest, type VersionEntry } from './manifest';
import { datasetFromJson } from './parseManifest';
import { findDataset } from './reference';

/** What a publish knows about a new version; absent members are left out of the file. */
export interface NewEntry {
  readonly version: string;
  readonly timestamp: string;
  readonly sha256: string;
  readonly key: string;
  readonly diffFromPrevious: string | null;
  readonly size: number;
  readonly description?: string | undefined;
  readonly author?: string | undefined;
  readonly source?: string | undefined;
  readonly parents?: readonly LineageEdge[] | undefined;
  readonly originalFile?: string | undefined;
  readonly contentHash?: string | undefined;
}

/**
 * The number that the next version of a dataset gets: numbers are never used again, not even those of deleted versions.
 *
 * @example
 * nextVersion(dataset); // 'v4'
 */
export function nextVersion(dataset: Dataset): string {
  return `v${Math.max(...dataset.history.map(({ number }) => number)) + 1}`;
}

/**
 * The manifest with a new dataset at its end. Throws DATASET_EXISTS.
 *
 * @example
 * const next = addDataset(manifest, 'utopia.sqlite', entry, { description: 'The classic' });
 */
export function addDataset(
  manifest: Manifest,
  name: string,
  entry: NewEntry,
  about: { readonly description?: string | undefined; readonly source?: string | undefined } = {},
): Manifest {
  if (manifest.datasets.some((dataset) => dataset.name === name)) {
    throw new DataManagerError('DATASET_EXISTS', `There is a dataset called ${JSON.stringify(name)} already.`, {
      hint: `To publish a new version of it: datamanager update ${name} FILE`,
      data: { name },
    });
  }
  const json = { fileName: name, latestVersion: entry.version, ...defined(about), history: [entryJson(entry)] };
  return { datasets: [...manifest.datasets, datasetFromJson(json)] };
}

/**
 * The manifest with a new newest version of a dataset. Throws DATASET_NOT_FOUND.
 *
 * @example
 * const next = addVersion(manifest, 'utopia.sqlite', { ...entry, version: nextVersion(dataset) });
 */
export function addVersion(manifest: Manifest, name: string, entry: NewEntry): Manifest {
  const dataset = findDataset(manifest, name);
  return withHistory(manifest, dataset, [entryJson(entry), ...dataset.history.map(({ json }) => json)]);
}

/**
 * The manifest with other parents for one version.
 *
 * @example
 * const next = setParents(manifest, child, [...child.entry.parents, edge]);
 */
export function setParents(
  manifest: Manifest,
  { dataset, entry }: { readonly dataset: Dataset; readonly entry: VersionEntry },
  parents: readonly LineageEdge[],
): Manifest {
  const { parents: _, ...rest } = entry.json;
  const changed: JsonObject = parents.length === 0 ? rest : { ...rest, parents: parents.map((edge) => ({ ...edge })) };
  return withHistory(
    manifest,
    dataset,
    dataset.history.map(({ version, json }) => (version === entry.version ? changed : json)),
  );
}

/**
 * The manifest with another stored difference for one version; null for none.
 *
 * @example
 * const next = setDiffFromPrevious(manifest, 'utopia.sqlite', 'v3', 'diffs/utopia.sqlite/diff-v2-to-v3.diff');
 */
export function setDiffFromPrevious(manifest: Manifest, name: string, version: string, path: string | null): Manifest {
  const dataset = findDataset(manifest, name);
  const history = dataset.history.map((entry) =>
    entry.version === version ? { ...entry.json, diffFromPrevious: path } : entry.json,
  );
  return withHistory(manifest, dataset, history);
}

function withHistory(manifest: Manifest, dataset: Dataset, history: readonly JsonObject[]): Manifest {
  const changed = datasetFromJson({ ...dataset.json, history });
  const withLatest = datasetFromJson({ ...changed.json, latestVersion: latest(changed).version });
  return { datasets: manifest.datasets.map((other) => (other.name === dataset.name ? withLatest : other)) };
}

// `commit` is always null: a commit can't hold its own hash (DESIGN §5). The field stays for the original tool.
function entryJson({ key, parents, diffFromPrevious, ...entry }: NewEntry): JsonObject {
  return {
    ...defined(entry),
    r2_object_key: key,
    diffFromPrevious,
    commit: null,
    ...(parents && parents.length > 0 ? { parents: parents.map((edge) => ({ ...edge })) } : {}),
  };
}

function defined(members: Readonly<Record<string, string | number | undefined>>): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(members).filter((member): member is [string, string | number] => member[1] !== undefined),
  );
}
