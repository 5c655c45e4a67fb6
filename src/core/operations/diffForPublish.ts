import path from 'node:path';
import { type Dataset, latest } from '../catalog/manifest';
import { diffPath } from '../catalog/objectKey';
import type { RepositorySettings } from '../catalog/settings';
import { DataManagerError, type ErrorCode } from '../errors';
import type { Monitor } from '../progress';
import type { DiffSummary } from '../sqldiff/model';
import type { OperationContext } from './context';
import { obtainVersion } from './obtainVersion';

/** Text of a stored `.diff` file is kept below this, whatever `diff.maxLines` allows. */
const maxStoredBytes = 1024 * 1024;

// A file that has no rows, or whose predecessor is gone, is published without a diff rather than not at all.
const withoutDiff: ReadonlySet<ErrorCode> = new Set([
  'NOT_SQLITE',
  'SQLITE_DAMAGED',
  'DIFF_UNSUPPORTED',
  'OBJECT_MISSING',
  'HASH_MISMATCH',
  'VERSION_NOT_AVAILABLE',
]);

export interface PublishedDiff {
  readonly summary: DiffSummary;
  /** Text of the stored `.diff`, and its path from the top of the work tree. */
  readonly text: string;
  readonly path: string;
}

/**
 * What a new version changes against the newest one: its summary, and the text of the stored `.diff`. Null for files that
 * are neither SQLite databases nor texts, and when the previous version's bytes can't be had any more.
 *
 * Throws CANCELLED and the errors of the store.
 *
 * @example
 * const diff = await diffForPublish(context, { name, previous, version: 'v2', file, settings }, { signal });
 */
export async function diffForPublish(
  context: OperationContext,
  publish: {
    readonly name: string;
    readonly previous: Dataset;
    readonly version: string;
    readonly file: string;
    readonly settings: RepositorySettings;
  },
  { signal, onProgress }: Monitor,
): Promise<PublishedDiff | null> {
  const { name, previous, version, file, settings } = publish;
  try {
    const before = await obtainVersion({ ...context, dataset: previous, entry: latest(previous), signal, onProgress });
    const { summary, stored } = await context.diffEngine.compare(
      {
        before: before.path,
        after: file,
        labels: { before: `${name}@${latest(previous).version}`, after: `${name}@${version}` },
        keys: previous.keys,
        output: { kind: 'stored', maxLines: settings.diff.maxLines, maxBytes: maxStoredBytes },
      },
      { signal, onProgress },
    );
    if (!stored) return null;
    // Beside the manifest, wherever that is in the repository.
    const folder = path.posix.dirname(context.repository.manifestPath);
    const place = path.posix.join(folder, diffPath(name, latest(previous).version, version));
    return { summary, text: stored.text, path: place };
  } catch (error) {
    if (DataManagerError.is(error) && withoutDiff.has(error.code)) return null;
    throw error;
  }
}
