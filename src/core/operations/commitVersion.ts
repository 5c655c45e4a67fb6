import path from 'node:path';
import { addDataset, addVersion, type NewEntry, nextVersion } from '../catalog/editManifest';
import { type Dataset, latest, type Manifest, type VersionEntry } from '../catalog/manifest';
import { type Catalog, readCatalog } from '../catalog/readCatalog';
import { parseReference, resolveReference } from '../catalog/reference';
import { writeManifest } from '../catalog/writeManifest';
import { DataManagerError, throwIfCancelled } from '../errors';
import { edgeTo } from '../lineage/lineage';
import { commitPaths, type PathChange } from '../repo/commitPaths';
import { readHead } from '../repo/readRefs';
import type { Journal, PublishRecord } from '../transaction/journal';
import { contentHashForPublish } from './contentHashForPublish';
import type { OperationContext } from './context';
import { diffForPublish, type PublishedDiff } from './diffForPublish';
import { checkTarget, type PublishTarget } from './publishTarget';
import type { PublishOptions } from './publishVersion';
import { requireUnchanged, type WatchedInput } from './unchangedInput';
import type { Transfer, Upload, UploadOnce } from './uploadVersion';

/** A file that has been hashed and is to become a version. */
export interface VersionToCommit {
  readonly name: string;
  readonly target: PublishTarget;
  readonly input: WatchedInput;
  readonly sha256: string;
  readonly author: string;
  readonly upload: UploadOnce;
  readonly journal: Journal<PublishRecord>;
}

/** All of a version that takes its time: compared with the one before and uploaded, as the catalog was at that moment. */
export interface PreparedVersion {
  readonly kind: 'prepared';
  readonly version: string;
  /** What it was compared with; undefined for a new dataset. */
  readonly previous: Dataset | undefined;
  readonly diff: PublishedDiff | null;
  readonly contentHash: string | undefined;
  readonly upload: Upload;
}

export interface SameVersion {
  readonly kind: 'unchanged';
  readonly version: string;
  readonly entry: VersionEntry;
}

export interface CommittedVersion {
  readonly kind: 'created' | 'updated';
  readonly version: string;
  readonly commit: string;
  readonly key: string;
  readonly transfer: Transfer;
  readonly diff: PublishedDiff | null;
}

/**
 * Compares and uploads a version on top of the catalog as it is now. Nothing is committed: that is `commitVersion`.
 *
 * Throws FILE_CHANGED, DATASET_EXISTS, DATASET_NOT_FOUND, CANCELLED and the store's errors.
 *
 * @example
 * const prepared = await prepareVersion(context, version, options);
 */
export async function prepareVersion(
  context: OperationContext,
  publish: VersionToCommit,
  options: PublishOptions,
): Promise<PreparedVersion | SameVersion> {
  const { name, input, sha256, upload } = publish;
  const { manifest, settings } = await readCatalog(context.repository);
  const previous = checkedPrevious(manifest, publish);
  parentsOf(manifest, options);
  const same = sameVersion(previous, sha256);
  if (same) return same;
  const version = previous ? nextVersion(previous) : 'v1';
  const file = input.path;
  const diff = previous ? await diffForPublish(context, { name, previous, version, file, settings }, options) : null;
  const contentHash = await contentHashForPublish(context, input, options);
  const uploaded = await upload.start(manifest, settings);
  throwIfCancelled(options.signal);
  await requireUnchanged(input);
  return { kind: 'prepared', version, previous, diff, contentHash, upload: uploaded };
}

/**
 * Commits a prepared version. Other datasets may have changed since it was prepared; when its own has, it throws REF_MOVED: then
 * its number and diff are to be found anew. Call it under the lock of the clone.
 *
 * Throws also FILE_CHANGED, DATASET_EXISTS, DATASET_NOT_FOUND, CANCELLED and what commitPaths throws.
 *
 * @example
 * const outcome = await commitVersion(context, version, prepared, options);
 */
export async function commitVersion(
  context: OperationContext,
  publish: VersionToCommit,
  prepared: PreparedVersion,
  options: PublishOptions,
): Promise<CommittedVersion | SameVersion> {
  const { repository, git, onStep } = context;
  const { name, input, sha256, journal } = publish;
  const { signal, onProgress } = options;
  const { version, diff, contentHash, upload } = prepared;
  const catalog = await readCatalog(repository);
  const previous = checkedPrevious(catalog.manifest, publish);
  const same = sameVersion(previous, sha256);
  if (same) return same;
  if (JSON.stringify(previous?.json) !== JSON.stringify(prepared.previous?.json)) {
    throw new DataManagerError('REF_MOVED', `Somebody else changed ${name} at the same moment.`, {
      hint: 'Try again.',
    });
  }
  const entry: NewEntry = {
    version,
    timestamp: context.now().toISOString(),
    sha256,
    key: upload.key,
    diffFromPrevious: diff ? diff.path : null,
    size: input.size,
    // A description given with the first version is the dataset's; the message says what this version is.
    description: previous
      ? (options.description ?? firstLine(options.message))
      : (firstLine(options.message) ?? options.description),
    author: publish.author,
    source: options.source,
    parents: parentsOf(catalog.manifest, options),
    originalFile: path.basename(input.path),
    contentHash,
  };
  const parent = (await readHead(repository)).oid;
  await requireUnchanged(input);
  const { timestamp } = entry;
  await journal.note({ state: 'COMMIT_BUILT', version, timestamp, parent });
  onProgress?.({ phase: 'commit', done: 0, total: null });
  throwIfCancelled(signal);
  const changes = changesOf(context, catalog, publish, { entry, previous, diff }, options);
  const message = commitMessage(name, version, sha256, options.message);
  const { commit } = await commitPaths({ repo: repository, git, changes, message, signal });
  onStep?.('COMMITTED');
  upload.keep();
  const { key, transfer } = upload;
  return { kind: previous ? 'updated' : 'created', version, commit, key, transfer, diff };
}

function changesOf(
  { repository }: OperationContext,
  { manifest, manifestText }: Catalog,
  { name }: VersionToCommit,
  { entry, previous, diff }: { entry: NewEntry; previous: Dataset | undefined; diff: PublishedDiff | null },
  options: PublishOptions,
): readonly PathChange[] {
  const next = previous
    ? addVersion(manifest, name, entry)
    : addDataset(manifest, name, entry, { description: options.description, source: options.source });
  const changed = { path: repository.manifestPath, content: writeManifest(next), base: manifestText };
  return diff ? [changed, { path: diff.path, content: diff.text }] : [changed];
}

function checkedPrevious(manifest: Manifest, { name, target }: VersionToCommit): Dataset | undefined {
  checkTarget(manifest, name, target);
  return manifest.datasets.find((dataset) => dataset.name === name);
}

function sameVersion(previous: Dataset | undefined, sha256: string): SameVersion | null {
  if (!previous) return null;
  const newest = latest(previous);
  if (newest.sha256 !== sha256 || newest.status !== 'published') return null;
  return { kind: 'unchanged', version: newest.version, entry: newest };
}

function parentsOf(manifest: Manifest, { parents = [] }: PublishOptions) {
  return parents.map((text) => edgeTo(resolveReference(manifest, parseReference(text))));
}

// Trailers make the history readable with plain `git log`; they are never the truth.
function commitMessage(name: string, version: string, sha256: string, message: string | undefined): string {
  const text = message?.trim() || (version === 'v1' ? `Add ${name}` : `Update ${name} to ${version}`);
  return `${text}\n\nDataset: ${name}\nVersion: ${version}\nSha256: ${sha256}\n`;
}

function firstLine(message: string | undefined): string | undefined {
  return message?.trim().split('\n')[0] || undefined;
}
