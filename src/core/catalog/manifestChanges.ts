import type { Dataset, Manifest } from './manifest';

export interface ChangedVersion {
  readonly version: string;
  readonly sha256: string;
}

/** What happened to one dataset between two manifests. */
export interface DatasetChange {
  readonly name: string;
  readonly kind: 'added' | 'removed' | 'changed';
  /** Versions that are only in the newer manifest, newest first. */
  readonly added: readonly ChangedVersion[];
  /** Versions that are only in the older one. */
  readonly removed: readonly ChangedVersion[];
  /** Versions in both whose entry differs: a status, a parent, a description. */
  readonly edited: readonly ChangedVersion[];
}

/**
 * Datasets and versions that differ between two manifests, in the order of the newer one; removed datasets come last. A
 * version is the same when number and SHA-256 are.
 *
 * @example
 * manifestChanges(before, after); // [{ name: 'utopia.sqlite', kind: 'changed', added: [{ version: 'v2', ... }], ... }]
 */
export function manifestChanges(before: Manifest | null, after: Manifest | null): readonly DatasetChange[] {
  const older = new Map(before?.datasets.map((dataset) => [dataset.name, dataset]));
  const newer = new Set(after?.datasets.map(({ name }) => name));
  const changes = (after?.datasets ?? []).flatMap((dataset) => {
    const change = datasetChange(older.get(dataset.name), dataset);
    return change ? [change] : [];
  });
  const removed = [...older.values()]
    .filter(({ name }) => !newer.has(name))
    .map((dataset): DatasetChange => {
      return { name: dataset.name, kind: 'removed', added: [], removed: dataset.history.map(changed), edited: [] };
    });
  return [...changes, ...removed];
}

function datasetChange(before: Dataset | undefined, after: Dataset): DatasetChange | null {
  if (!before) return { name: after.name, kind: 'added', added: after.history.map(changed), removed: [], edited: [] };
  if (JSON.stringify(before.json) === JSON.stringify(after.json)) return null;
  const old = new Map(before.history.map((entry) => [identity(entry), entry]));
  const now = new Map(after.history.map((entry) => [identity(entry), entry]));
  return {
    name: after.name,
    kind: 'changed',
    added: after.history.filter((entry) => !old.has(identity(entry))).map(changed),
    removed: before.history.filter((entry) => !now.has(identity(entry))).map(changed),
    edited: after.history
      .filter((entry) => {
        const previous = old.get(identity(entry));
        return previous !== undefined && JSON.stringify(previous.json) !== JSON.stringify(entry.json);
      })
      .map(changed),
  };
}

function identity({ version, sha256 }: ChangedVersion): string {
  return `${version} ${sha256}`;
}

function changed({ version, sha256 }: ChangedVersion): ChangedVersion {
  return { version, sha256 };
}
