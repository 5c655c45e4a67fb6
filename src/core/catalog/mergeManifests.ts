import { isArray, isObject, type JsonObject } from './json';
import type { Dataset, Manifest } from './manifest';
import type { MergeConflict, MergeRules } from './mergeConflict';
import { mergeDataset } from './mergeDataset';
import type { MovedVersion } from './mergeHistories';
import { datasetFromJson } from './parseManifest';

/** Three parsed manifests. An empty `base` says that the sides have nothing in common. */
export interface ManifestSides {
  /** What both sides come from. */
  readonly base: Manifest;
  /** What others may have seen: its versions keep their numbers. */
  readonly published: Manifest;
  readonly mine: Manifest;
}

export interface ManifestMerge {
  /** Fit to be written when there are no conflicts. */
  readonly manifest: Manifest;
  /** My versions that got another number, oldest first within a dataset. Their diffs are to be made anew. */
  readonly renumbered: readonly MovedVersion[];
  /** My versions whose bytes somebody else has published as well, by the number that they have there. */
  readonly already: readonly { readonly name: string; readonly version: string; readonly sha256: string }[];
  readonly conflicts: readonly MergeConflict[];
}

export interface MergeOptions {
  readonly sameDataset: MergeRules['sameDataset'];
  /** The side that the manifest shows where there is a conflict; the published one when absent. */
  readonly take?: MergeRules['take'] | undefined;
}

/**
 * Merges two manifests by meaning, knowing what both come from. A dataset is its name, a version its bytes (SHA-256 and object
 * key), never its number.
 *
 * - Published versions keep their numbers. Only a version that neither base nor the published side has is renumbered, and only
 *   when its number is taken: to the highest that there ever was plus one, in order. Edges that name it follow, and its
 *   `diffFromPrevious` (when it had one) becomes the path of the diff that the caller is to make.
 * - Members are merged one by one, those that we don't know too; lineage edges one edge at a time.
 * - New versions of one dataset on both sides are the conflict `same-dataset`, or with `on-top` mine follow theirs; members that a
 *   dataset which both added has with two values are then the published ones.
 * - The same member changed to two values, something removed here and changed there, two new names that differ only in case or
 *   accents: conflicts too. Nothing else is.
 *
 * Pure; an unchanged side costs one comparison.
 *
 * @example
 * const { manifest, conflicts } = mergeManifests({ base, published, mine }, { sameDataset: 'stop' });
 */
export function mergeManifests(
  { base, published, mine }: ManifestSides,
  { sameDataset, take = 'published' }: MergeOptions,
): ManifestMerge {
  const [inBase, inPublished, inMine] = [byName(base), byName(published), byName(mine)];
  const merges = new Map(
    mergedOrder({ base, published, mine }).map((name) => [
      name,
      mergeDataset(
        { base: inBase.get(name) ?? null, published: inPublished.get(name) ?? null, mine: inMine.get(name) ?? null },
        { sameDataset, take },
      ),
    ]),
  );
  const clashes = nameClashes(inBase, inPublished, inMine);
  const hidden = new Set(clashes.map((clash) => clash[take === 'published' ? 'mine' : 'published']));
  const all = [...merges.values()];
  const datasets = all.flatMap(({ dataset }) => (dataset && !hidden.has(dataset.name) ? [dataset] : []));
  const renumbered = all.flatMap((merge) => merge.renumbered);
  const already = all.flatMap((merge) => merge.already);
  return {
    manifest: { datasets: followMoved(datasets, [...renumbered, ...already], inPublished) },
    renumbered,
    already: already.map(({ name, to, sha256 }) => ({ name, version: to, sha256 })),
    conflicts: [...all.flatMap((merge) => merge.conflicts), ...clashes],
  };
}

/** The published order, then what mine added; mine's own order when the others did not touch theirs. */
function mergedOrder({ base, published, mine }: ManifestSides): readonly string[] {
  const [before, theirs, ours] = [base, published, mine].map(({ datasets }) => datasets.map(({ name }) => name));
  const untouched = theirs?.length === before?.length && theirs?.every((name, i) => name === before?.[i]);
  return [...new Set(untouched ? [...(ours ?? []), ...(theirs ?? [])] : [...(theirs ?? []), ...(ours ?? [])])];
}

type Named = ReadonlyMap<string, Dataset>;

function byName({ datasets }: Manifest): Named {
  return new Map(datasets.map((dataset) => [dataset.name, dataset]));
}

function nameClashes(base: Named, published: Named, mine: Named): readonly (MergeConflict & { kind: 'name-clash' })[] {
  const added = (side: Named): string[] => [...side.keys()].filter((name) => !base.has(name));
  const theirs = new Map(added(published).map((name) => [folded(name), name]));
  return added(mine).flatMap((name) => {
    const other = theirs.get(folded(name));
    if (other === undefined || other === name || published.has(name)) return [];
    return [{ kind: 'name-clash', dataset: name, base: null, published: other, mine: name } as const];
  });
}

function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

/** Edges of mine name versions by the number that they had here. */
function followMoved(
  datasets: readonly Dataset[],
  moved: readonly MovedVersion[],
  published: Named,
): readonly Dataset[] {
  const edgeId = (name: string, version: string, sha256: string): string => `${sha256} ${version} ${name}`;
  const renamed = moved.filter(({ from, to }) => from !== to);
  // A published version that has the same number and bytes under another key is named by published edges.
  const theirs = new Set(
    [...new Set(renamed.map(({ name }) => name))].flatMap((name) =>
      (published.get(name)?.history ?? []).map(({ version, sha256 }) => edgeId(name, version, sha256)),
    ),
  );
  const targets = new Map(
    renamed
      .map(({ name, from, to, sha256 }) => [edgeId(name, from, sha256), to] as const)
      .filter(([id]) => !theirs.has(id)),
  );
  if (targets.size === 0) return datasets;
  const target = (edge: { name: string; version: string; sha256: string }): string | undefined =>
    targets.get(edgeId(edge.name, edge.version, edge.sha256));
  const follow = (json: JsonObject): JsonObject => ({
    ...json,
    parents: (isArray(json.parents) ? json.parents : []).map((edge) => {
      if (!isObject(edge)) return edge;
      const { name, version, sha256 } = edge;
      if (typeof name !== 'string' || typeof version !== 'string' || typeof sha256 !== 'string') return edge;
      const to = target({ name, version, sha256 });
      return to === undefined ? edge : { ...edge, version: to };
    }),
  });
  return datasets.map((dataset) => {
    const touched = dataset.history.map(({ parents }) => parents.some((edge) => target(edge) !== undefined));
    if (!touched.includes(true)) return dataset;
    const history = dataset.history.map(({ json }, i) => (touched[i] ? follow(json) : json));
    return datasetFromJson({ ...dataset.json, history });
  });
}
