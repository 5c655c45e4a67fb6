import path from 'node:path';
import { checkDatasetName } from '../catalog/datasetName';
import { addDataset, addVersion, type NewEntry, nextVersion } from '../catalog/editManifest';
import { latest, type Manifest, type VersionEntry } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import { findDataset, parseReference, resolveReference } from '../catalog/reference';
import { writeManifest } from '../catalog/writeManifest';
import { DataManagerError, throwIfCancelled } from '../errors';
import { edgeTo } from '../lineage/lineage';
import type { Monitor } from '../progress';
import { checkCommittable } from '../repo/checkCommittable';
import { commitPaths, type PathChange } from '../repo/commitPaths';
import { recoverInterruptedCommit } from '../repo/indexLock';
import { recordLocalCopy } from '../repo/localCopies';
import type { DiffSummary } from '../sqldiff/model';
import { hashFile } from '../store/hashFile';
import { inspectInputFile } from '../store/inputFile';
import type { OperationContext } from './context';
import { diffForPublish } from './diffForPublish';
import { prepareBranch, pushCommit } from './publishBranch';
import { type Transfer, uploadVersion } from './uploadVersion';

export interface PublishOptions extends Monitor {
  /** Path of the file whose bytes become the new version. */
  readonly file: string;
  /** Commit message; made up from name and version when absent. */
  readonly message?: string | undefined;
  /** What this version is, kept in the manifest; the message's first line when absent. */
  readonly description?: string | undefined;
  /** Where the data came from, an address. */
  readonly source?: string | undefined;
  /** References of the versions that this one was derived from. */
  readonly parents?: readonly string[] | undefined;
  /** False commits without pushing. */
  readonly push?: boolean | undefined;
  /** Agrees to push the user's own unpushed commits along. */
  readonly yes?: boolean | undefined;
}

export interface PublishResult {
  readonly status: 'created' | 'updated' | 'unchanged';
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** The commit that holds the version; null when nothing was committed. */
  readonly commit: string | null;
  readonly pushed: boolean;
  /** What became of the push, in a sentence; null when there was nothing to say. */
  readonly note: string | null;
  readonly transfer: Transfer;
  /** Rows that differ from the previous version; null for a first version and for files that can't be compared. */
  readonly diff: DiffSummary | null;
}

/** Whether the dataset must be new, must exist, or may be either. */
export type PublishTarget = 'new' | 'existing' | 'either';

/**
 * Publishes a file as a version: hash, upload, commit, push.
 *
 * Before the commit a failure or a cancel leaves Git as it was and takes back only the object that this call created.
 * After it nothing is taken back: a push that did not go through leaves the commit here, to be pushed later.
 *
 * @example
 * await publishVersion(context, 'utopia.sqlite', 'existing', { file: 'new.sqlite', message: 'Revise cost curve' });
 */
export async function publishVersion(
  context: OperationContext,
  name: string,
  target: PublishTarget,
  options: PublishOptions,
): Promise<PublishResult> {
  const { repository, git } = context;
  const { signal, onProgress } = options;
  // First of all: until then files and index may show a publish that died halfway.
  await recoverInterruptedCommit(repository);
  checkTarget((await readCatalog(repository)).manifest, name, target);
  const input = await inspectInputFile(options.file);
  const author = await checkCommittable({ repo: repository, git, paths: [repository.manifestPath], signal });
  const { sha256, size } = await hashFile({ path: options.file, signal, onProgress });
  await prepareBranch(context, options);

  // The branch may just have moved, so the catalog is read again, and the target checked again.
  const { manifest, settings } = await readCatalog(repository);
  checkTarget(manifest, name, target);
  const parents = (options.parents ?? []).map((text) => edgeTo(resolveReference(manifest, parseReference(text))));
  const previous = manifest.datasets.find((dataset) => dataset.name === name);
  if (previous && latest(previous).sha256 === sha256 && latest(previous).status === 'published') {
    await recordLocalCopy(repository, { path: input.path, name, version: latest(previous).version, sha256 });
    return unchanged(name, latest(previous), size);
  }

  const version = previous ? nextVersion(previous) : 'v1';
  const diff = previous
    ? await diffForPublish(context, { name, previous, version, file: options.file, settings }, options)
    : null;
  const upload = await uploadVersion(
    await context.openStore(),
    { name, manifest, file: options.file, sha256, size },
    options,
  );
  try {
    throwIfCancelled(signal);
    const entry: NewEntry = {
      version,
      timestamp: context.now().toISOString(),
      sha256,
      key: upload.key,
      diffFromPrevious: diff ? diff.path : null,
      size,
      // A description given with the first version is the dataset's; the message says what this version is.
      description: previous
        ? (options.description ?? firstLine(options.message))
        : (firstLine(options.message) ?? options.description),
      author: author.name,
      source: options.source,
      parents,
      originalFile: path.basename(options.file),
    };
    const next = previous
      ? addVersion(manifest, name, entry)
      : addDataset(manifest, name, entry, { description: options.description, source: options.source });
    const changes: PathChange[] = [{ path: repository.manifestPath, content: writeManifest(next) }];
    if (diff) changes.push({ path: diff.path, content: diff.text });
    onProgress?.({ phase: 'commit', done: 0, total: null });
    const { commit } = await commitPaths({
      repo: repository,
      git,
      changes,
      message: commitMessage(name, version, sha256, options.message),
      signal,
    });
    upload.keep();
    await recordLocalCopy(repository, { path: input.path, name, version, sha256 });
    await context.cache.addFile(options.file, sha256).catch(() => null);
    const push = await pushCommit(context, { commit, name, version }, options);
    return {
      status: previous ? 'updated' : 'created',
      name,
      version,
      sha256,
      key: upload.key,
      size,
      commit,
      ...push,
      transfer: upload.transfer,
      diff: diff?.summary ?? null,
    };
  } catch (error) {
    await upload.takeBack();
    throw error;
  }
}

function checkTarget(manifest: Manifest, name: string, target: PublishTarget): void {
  if (target === 'existing') {
    findDataset(manifest, name);
    return;
  }
  const clash = manifest.datasets.find((dataset) => dataset.name.toLowerCase() === name.toLowerCase());
  if (!clash || (clash.name === name && target === 'either')) {
    // A name that an older tool allowed may be updated, not made anew.
    if (!clash) checkDatasetName(name);
    return;
  }
  const problem =
    clash.name === name
      ? `There is a dataset called ${name} already.`
      : `${name} differs from the dataset ${clash.name} only in upper and lower case.`;
  throw new DataManagerError('DATASET_EXISTS', problem, {
    hint: `Publish a new version of it with: datamanager update ${clash.name} FILE`,
    data: { name: clash.name },
  });
}

function unchanged(name: string, entry: VersionEntry, size: number): PublishResult {
  const { version, sha256, key } = entry;
  const transfer = { bytesSent: 0, bytesCopied: 0, requests: 0 };
  return {
    status: 'unchanged',
    name,
    version,
    sha256,
    key,
    size,
    commit: null,
    pushed: false,
    note: null,
    transfer,
    diff: null,
  };
}

// Trailers make the history readable with plain `git log`; they are never the truth.
function commitMessage(name: string, version: string, sha256: string, message: string | undefined): string {
  const text = message?.trim() || (version === 'v1' ? `Add ${name}` : `Update ${name} to ${version}`);
  return `${text}\n\nDataset: ${name}\nVersion: ${version}\nSha256: ${sha256}\n`;
}

function firstLine(message: string | undefined): string | undefined {
  return message?.trim().split('\n')[0] || undefined;
}
