import type { VersionEntry } from '../catalog/manifest';
import { readCatalog } from '../catalog/readCatalog';
import type { Monitor } from '../progress';
import { checkCommittable } from '../repo/checkCommittable';
import { recoverInterruptedCommit } from '../repo/indexLock';
import { recordLocalCopy } from '../repo/localCopies';
import type { DiffSummary } from '../sqldiff/model';
import { hashFile } from '../store/hashFile';
import { inspectInputFile } from '../store/inputFile';
import { commitVersion } from './commitVersion';
import type { OperationContext } from './context';
import { prepareBranch, pushCommit } from './publishBranch';
import { checkTarget, type PublishTarget } from './publishTarget';
import { retryWhenMoved } from './retryWhenMoved';
import { type Transfer, uploadOnce } from './uploadVersion';

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
  const { sha256, size, stamp } = await hashFile({ path: options.file, signal, onProgress });
  await prepareBranch(context, options);

  const upload = uploadOnce(context, { name, file: options.file, sha256, size }, options);
  const { path: file } = input;
  try {
    const outcome = await retryWhenMoved(
      () => commitVersion(context, { name, target, file, sha256, size, stamp, author: author.name, upload }, options),
      signal,
    );
    await recordLocalCopy(repository, { path: file, name, version: outcome.version, sha256 });
    if (outcome.kind === 'unchanged') {
      // The same bytes were published by somebody else while ours were on their way.
      await upload.takeBack();
      return unchanged(name, outcome.entry, size);
    }
    const { version, commit, key, transfer, diff } = outcome;
    await context.cache.addFile(file, sha256).catch(() => null);
    const push = await pushCommit(context, { commit, name, version }, options);
    const status = outcome.kind;
    return { status, name, version, sha256, key, size, commit, ...push, transfer, diff: diff?.summary ?? null };
  } catch (error) {
    await upload.takeBack();
    throw error;
  }
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
