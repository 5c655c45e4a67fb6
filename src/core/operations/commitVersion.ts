import path from 'node:path';
import { addDataset, addVersion, type NewEntry, nextVersion } from '../catalog/editManifest';
import { latest, type VersionEntry } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, resolveReference } from '../catalog/reference';
import { writeManifest } from '../catalog/writeManifest';
import { throwIfCancelled } from '../errors';
import { edgeTo } from '../lineage/lineage';
import { commitPaths, type PathChange } from '../repo/commitPaths';
import type { FileStamp } from '../store/hashFile';
import { contentHashForPublish } from './contentHashForPublish';
import type { OperationContext } from './context';
import { diffForPublish, type PublishedDiff } from './diffForPublish';
import { checkTarget, type PublishTarget } from './publishTarget';
import type { PublishOptions } from './publishVersion';
import type { Transfer, UploadOnce } from './uploadVersion';

/** A file that has been hashed and is to become a version. */
export interface VersionToCommit {
  readonly name: string;
  readonly target: PublishTarget;
  readonly file: string;
  readonly sha256: string;
  readonly size: number;
  readonly stamp: FileStamp;
  readonly author: string;
  readonly upload: UploadOnce;
}

export type CommitOutcome =
  | { readonly kind: 'unchanged'; readonly version: string; readonly entry: VersionEntry }
  | {
      readonly kind: 'created' | 'updated';
      readonly version: string;
      readonly commit: string;
      readonly key: string;
      readonly transfer: Transfer;
      readonly diff: PublishedDiff | null;
    };

/**
 * Makes a version of a file on top of the catalog as it is now: diff, upload, commit. Throws REF_MOVED when the catalog changed
 * meanwhile: then the version's number, diff and parents are to be found anew, with another call.
 *
 * @example
 * const outcome = await retryWhenMoved(() => commitVersion(context, version, options));
 */
export async function commitVersion(
  context: OperationContext,
  { name, target, file, sha256, size, stamp, author, upload }: VersionToCommit,
  options: PublishOptions,
): Promise<CommitOutcome> {
  const { repository, git } = context;
  const { signal, onProgress } = options;
  const { manifest, manifestText, settings } = await readCatalog(repository);
  checkTarget(manifest, name, target);
  const parents = (options.parents ?? []).map((text) => edgeTo(resolveReference(manifest, parseReference(text))));
  const previous = manifest.datasets.find((dataset) => dataset.name === name);
  if (previous && latest(previous).sha256 === sha256 && latest(previous).status === 'published') {
    return { kind: 'unchanged', version: latest(previous).version, entry: latest(previous) };
  }

  const version = previous ? nextVersion(previous) : 'v1';
  const diff = previous ? await diffForPublish(context, { name, previous, version, file, settings }, options) : null;
  const contentHash = await contentHashForPublish(context, { path: file, stamp }, options);
  const { key, transfer, keep } = await upload.start(manifest);
  throwIfCancelled(signal);
  const entry: NewEntry = {
    version,
    timestamp: context.now().toISOString(),
    sha256,
    key,
    diffFromPrevious: diff ? diff.path : null,
    size,
    // A description given with the first version is the dataset's; the message says what this version is.
    description: previous
      ? (options.description ?? firstLine(options.message))
      : (firstLine(options.message) ?? options.description),
    author,
    source: options.source,
    parents,
    originalFile: path.basename(file),
    contentHash,
  };
  const next = previous
    ? addVersion(manifest, name, entry)
    : addDataset(manifest, name, entry, { description: options.description, source: options.source });
  const changes: PathChange[] = [{ path: repository.manifestPath, content: writeManifest(next), base: manifestText }];
  if (diff) changes.push({ path: diff.path, content: diff.text });
  onProgress?.({ phase: 'commit', done: 0, total: null });
  const message = commitMessage(name, version, sha256, options.message);
  const { commit } = await commitPaths({ repo: repository, git, changes, message, signal });
  keep();
  return { kind: previous ? 'updated' : 'created', version, commit, key, transfer, diff };
}

// Trailers make the history readable with plain `git log`; they are never the truth.
function commitMessage(name: string, version: string, sha256: string, message: string | undefined): string {
  const text = message?.trim() || (version === 'v1' ? `Add ${name}` : `Update ${name} to ${version}`);
  return `${text}\n\nDataset: ${name}\nVersion: ${version}\nSha256: ${sha256}\n`;
}

function firstLine(message: string | undefined): string | undefined {
  return message?.trim().split('\n')[0] || undefined;
}
