import { posix } from 'node:path';
import { setDiffFromPrevious, setParents } from '../catalog/editManifest';
import type { Dataset, Manifest, VersionEntry } from '../catalog/manifest';
import type { MergeConflict } from '../catalog/mergeConflict';
import type { MovedVersion } from '../catalog/mergeHistories';
import { mergeManifests } from '../catalog/mergeManifests';
import { parseManifest } from '../catalog/parseManifest';
import { readSettings } from '../catalog/readCatalog';
import { writeManifest } from '../catalog/writeManifest';
import type { Monitor } from '../progress';
import { type BuiltFile, buildCommit } from '../repo/buildCommit';
import type { CommitToRebuild } from '../repo/ownCommits';
import { blobOidAt, readBlob } from '../repo/readObjects';
import type { RebuiltCommit } from '../transaction/journal';
import type { OperationContext } from './context';
import { diffForPublish, type PublishedDiff } from './diffForPublish';
import { obtainVersion } from './obtainVersion';
import { renewMessage } from './renewMessage';

/** What becomes of our versions of a dataset that somebody else published too: stop and ask, mine on top, or theirs only. */
export type Settlement = 'stop' | 'on-top' | 'theirs';

export interface RebuildOptions extends Monitor {
  /** Our commits, oldest first; each touches nothing but Data Manager's files. */
  readonly commits: readonly CommitToRebuild[];
  /** Commit to build them on, full id. */
  readonly onto: string;
  readonly settle: (dataset: string) => Settlement;
}

/** A version of ours that somebody else published with the same bytes, by the number that it has there. */
export interface PublishedAlready {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
}

export interface RebuiltBranch {
  readonly kind: 'built';
  /** The last commit; `onto` when nothing was left of ours. */
  readonly to: string;
  readonly commits: readonly RebuiltCommit[];
  /** Versions of ours that have another number now. */
  readonly renumbered: readonly MovedVersion[];
  readonly already: readonly PublishedAlready[];
  /** Row differences that were computed anew, by `name@version`. */
  readonly diffs: ReadonlyMap<string, PublishedDiff>;
}

/** Why a rebuild needs a person. */
export interface RebuildConflict {
  readonly kind: 'conflict';
  /** Our commit that met it. */
  readonly commit: CommitToRebuild;
  /** Null when a file beside the manifest was changed on both sides; then `path` names it. */
  readonly conflict: MergeConflict | null;
  readonly path: string;
}

/**
 * Makes our commits again on another one, beside everything: no branch, index or file changes. Manifests are merged by meaning;
 * a version that gets another number gets a new diff against its new predecessor, and its commit keeps author, date and words.
 *
 * Throws what mergeManifests throws for a manifest that can't be read, the errors of the store where a diff has to be computed,
 * GIT_MISSING, GIT_FAILED, DISK_FULL, CANCELLED.
 *
 * @example
 * const built = await rebuildCommits(context, { commits, onto: remoteOid, settle: () => 'stop' });
 */
export async function rebuildCommits(
  context: OperationContext,
  options: RebuildOptions,
): Promise<RebuiltBranch | RebuildConflict> {
  const { repository, git } = context;
  const { commits, onto, signal } = options;
  const rebuilt: RebuiltCommit[] = [];
  const renumbered: MovedVersion[] = [];
  const already: PublishedAlready[] = [];
  const diffs = new Map<string, PublishedDiff>();
  let to = onto;
  for (const commit of commits) {
    const again = await rebuiltFiles(context, options, { commit, parent: to, renumbered });
    if (again.kind === 'conflict') return again;
    const { files, author, message } = { ...commit, files: again.files };
    const words = renewMessage(message, again.renumbered);
    const now =
      files.length === 0
        ? null
        : await buildCommit({ repo: repository, git, parent: to, files, message: words, author, signal });
    rebuilt.push({ was: commit.oid, now });
    renumbered.push(...again.renumbered);
    already.push(...again.already);
    for (const [version, diff] of again.diffs) diffs.set(version, diff);
    to = now ?? to;
  }
  return { kind: 'built', to, commits: rebuilt, renumbered, already, diffs };
}

interface RebuiltFiles {
  readonly kind: 'files';
  readonly files: readonly BuiltFile[];
  readonly renumbered: readonly MovedVersion[];
  readonly already: readonly PublishedAlready[];
  readonly diffs: ReadonlyMap<string, PublishedDiff>;
}

interface OneCommit {
  readonly commit: CommitToRebuild;
  readonly parent: string;
  /** What earlier commits of ours have renumbered. */
  readonly renumbered: readonly MovedVersion[];
}

async function rebuiltFiles(
  context: OperationContext,
  options: RebuildOptions,
  { commit, parent, renumbered: earlier }: OneCommit,
): Promise<RebuiltFiles | RebuildConflict> {
  const { repository } = context;
  const { manifestPath } = repository;
  const merged = await mergedManifest(context, options, { commit, parent });
  if (merged.kind === 'conflict') return merged;
  const { mine, published, renumbered, already, dropped } = merged;
  const diffs = new Map<string, PublishedDiff>();
  let manifest = withRenumberedParents(merged.manifest, earlier, published);
  const replaced = new Set<string>();
  for (const { name, from, to } of renumbered) {
    replaced.add(diffOf(mine, name, from) ?? '');
    const diff = await renewedDiff(context, { manifest, name, version: to }, options);
    manifest = setDiffFromPrevious(manifest, name, to, diff?.path ?? null);
    if (diff) diffs.set(`${name}@${to}`, diff);
  }
  for (const { name, sha256 } of already) {
    const ours = mine.datasets.find((dataset) => dataset.name === name)?.history;
    for (const entry of ours ?? []) if (entry.sha256 === sha256) replaced.add(entry.diffFromPrevious ?? '');
  }

  const files: BuiltFile[] = [...diffs.values()].map(({ path, text }) => ({ path, content: text }));
  if (commit.files.some(({ path }) => path === manifestPath)) {
    files.push({ path: manifestPath, content: writeManifest(manifest) });
  }
  for (const { path, before, after } of commit.files) {
    if (path === manifestPath || replaced.has(path) || dropped.some((folder) => path.startsWith(folder))) continue;
    const there = await blobOidAt(repository, parent, path);
    if (there === after) continue;
    if (there !== before) return { kind: 'conflict', commit, conflict: null, path };
    files.push({ path, content: after === null ? null : { blob: after } });
  }
  return { kind: 'files', files, renumbered, already, diffs };
}

interface Merged {
  readonly kind: 'merged';
  readonly manifest: Manifest;
  readonly mine: Manifest;
  readonly published: Manifest;
  readonly renumbered: readonly MovedVersion[];
  readonly already: readonly PublishedAlready[];
  /** Folders of stored diffs whose dataset is theirs now. */
  readonly dropped: readonly string[];
}

async function mergedManifest(
  { repository }: OperationContext,
  { settle }: RebuildOptions,
  { commit, parent }: Pick<OneCommit, 'commit' | 'parent'>,
): Promise<Merged | RebuildConflict> {
  const at = async (oid: string | null): Promise<Manifest> => {
    const blob = oid === null ? null : await blobOidAt(repository, oid, repository.manifestPath);
    if (blob === null) return { datasets: [] };
    return parseManifest(Buffer.from(await readBlob(repository, blob)).toString('utf8'), repository.manifestPath);
  };
  const [base, own, published] = [await at(commit.parent), await at(commit.oid), await at(parent)];
  const given = [...own.datasets, ...base.datasets].map(({ name }) => name).filter((name) => settle(name) === 'theirs');
  const mine = withDatasetsOf(own, base, new Set(given));
  const sides = { base, published, mine };
  let result = mergeManifests(sides, { sameDataset: 'stop' });
  // Whatever is not settled stops us below; `on-top` for the others then changes nothing.
  const settled = ({ dataset }: MergeConflict): boolean => settle(dataset) === 'on-top';
  if (result.conflicts.some(settled)) result = mergeManifests(sides, { sameDataset: 'on-top', take: 'mine' });
  const conflict = result.conflicts.find((found) => !settled(found));
  if (conflict) return { kind: 'conflict', commit, conflict, path: repository.manifestPath };
  const folder = posix.dirname(repository.manifestPath);
  const dropped = [...new Set(given)].map((name) => `${posix.join(folder, 'diffs', name)}/`);
  const { manifest, renumbered, already } = result;
  return { kind: 'merged', manifest, mine, published, renumbered, already, dropped };
}

/** The manifest with some datasets as another one has them, or without those that it hasn't. */
function withDatasetsOf(manifest: Manifest, other: Manifest, names: ReadonlySet<string>): Manifest {
  if (names.size === 0) return manifest;
  const theirs = new Map(other.datasets.map((dataset) => [dataset.name, dataset]));
  const kept = manifest.datasets.flatMap((dataset) => {
    if (!names.has(dataset.name)) return [dataset];
    const replacement = theirs.get(dataset.name);
    return replacement ? [replacement] : [];
  });
  const missing = other.datasets.filter(
    ({ name }) => names.has(name) && !manifest.datasets.some((dataset) => dataset.name === name),
  );
  return { datasets: [...kept, ...missing] };
}

/** Links to versions that an earlier commit of ours got another number for: the hash in them still fits, the number should too. */
function withRenumberedParents(manifest: Manifest, renumbered: readonly MovedVersion[], published: Manifest): Manifest {
  if (renumbered.length === 0) return manifest;
  const known = new Set(published.datasets.flatMap(({ name, history }) => history.map((entry) => idOf(name, entry))));
  let next = manifest;
  for (const dataset of manifest.datasets) {
    for (const entry of dataset.history) {
      if (known.has(idOf(dataset.name, entry)) || entry.parents.length === 0) continue;
      const parents = entry.parents.map((edge) => {
        const moved = renumbered.find(
          ({ name, from, sha256 }) => name === edge.name && from === edge.version && sha256 === edge.sha256,
        );
        return moved ? { ...edge, version: moved.to } : edge;
      });
      if (parents.some((edge, i) => edge !== entry.parents[i])) next = setParents(next, { dataset, entry }, parents);
    }
  }
  return next;
}

function idOf(name: string, { version, sha256 }: VersionEntry): string {
  return `${version} ${sha256} ${name}`;
}

function diffOf({ datasets }: Manifest, name: string, version: string): string | null {
  return findEntry(datasets, name, version)?.entry.diffFromPrevious ?? null;
}

function findEntry(datasets: readonly Dataset[], name: string, version: string) {
  const dataset = datasets.find((candidate) => candidate.name === name);
  const entry = dataset?.history.find((candidate) => candidate.version === version);
  return dataset && entry ? { dataset, entry } : null;
}

/** The difference of a version to the one below it in a manifest that was merged; its bytes are in the cache or in the store. */
async function renewedDiff(
  context: OperationContext,
  { manifest, name, version }: { readonly manifest: Manifest; readonly name: string; readonly version: string },
  monitor: Monitor,
): Promise<PublishedDiff | null> {
  const found = findEntry(manifest.datasets, name, version);
  const [below, ...rest] = found?.dataset.history.filter(({ number }) => number < found.entry.number) ?? [];
  if (!found || !below) return null;
  const previous: Dataset = { ...found.dataset, history: [below, ...rest] };
  const { path: file } = await obtainVersion({ ...context, ...found, ...monitor });
  const settings = await readSettings(context.repository);
  return diffForPublish(context, { name, previous, version, file, settings }, monitor);
}
