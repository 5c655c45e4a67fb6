import { stat } from 'node:fs/promises';
import path from 'node:path';
import { checkDatasetName } from '../catalog/datasetName';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, type ResolvedVersion, resolveReference } from '../catalog/reference';
import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { recordLocalCopy } from '../repo/localCopies';
import { refuseOwnFiles } from '../repo/ownFiles';
import { hashFile } from '../store/hashFile';
import { checkAvailable } from './checkAvailable';
import type { OperationContext } from './context';
import { fetchVersion } from './fetchVersion';

export interface PullOptions extends Monitor {
  /** File or folder to write to; a folder (or a path that ends with a slash) gets the dataset's name below it. */
  readonly output?: string | undefined;
  /** What relative paths are relative to: the shell's working folder. */
  readonly workingFolder: string;
}

export interface PullResult {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** Absolute path of the file that now holds the version. */
  readonly path: string;
  readonly bytesReceived: number;
  /** Bytes that an earlier, interrupted pull had brought. */
  readonly bytesResumed: number;
  /** `local`: the file was there already with the right bytes. */
  readonly from: 'local' | 'cache' | 'delta' | 'ranges' | 'full';
}

/**
 * Makes a file hold a version's bytes. They are checked against the recorded SHA-256 before they replace anything; on any
 * failure the previous file stays as it was.
 *
 * Throws REFERENCE_INVALID, DATASET_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_AVAILABLE, NAME_INVALID (a name that leads out of the
 * folder, and no output given), OBJECT_MISSING, HASH_MISMATCH, OUTPUT_UNWRITABLE, DISK_FULL, CANCELLED, and the store's errors.
 *
 * @example
 * const { path } = await pullVersion(context, 'utopia.sqlite@v2', { workingFolder: process.cwd() });
 */
export async function pullVersion(
  context: OperationContext,
  reference: string,
  options: PullOptions,
): Promise<PullResult> {
  const { manifest } = await readCatalog(context.repository);
  const version = resolveReference(manifest, parseReference(reference));
  checkAvailable(version);
  const { dataset, entry } = version;
  const target = await pullTarget(version, options);
  await refuseOwnFiles(context.repository, target);
  const about = { name: dataset.name, version: entry.version, sha256: entry.sha256, path: target };
  const received = (await holdsVersion(target, version, options))
    ? { bytesReceived: 0, bytesResumed: 0, from: 'local' as const }
    : await fetchVersion(context, version, target, options);
  await recordLocalCopy(context.repository, about);
  const { bytesReceived, bytesResumed, from } = received;
  return { ...about, bytesReceived, bytesResumed, from };
}

/**
 * The file that a pull writes to. Throws NAME_INVALID.
 *
 * @example
 * await pullTarget(version, { workingFolder: process.cwd() });
 */
export async function pullTarget(
  { dataset }: ResolvedVersion,
  { output, workingFolder }: PullOptions,
): Promise<string> {
  if (output === undefined) return path.resolve(workingFolder, checkDatasetName(dataset.name));
  const resolved = path.resolve(workingFolder, output);
  const folder = /[\\/]$/.test(output) || (await stat(resolved).catch(() => null))?.isDirectory();
  return folder ? path.join(resolved, checkDatasetName(dataset.name)) : resolved;
}

async function holdsVersion(target: string, { entry }: ResolvedVersion, { signal }: Monitor): Promise<boolean> {
  const found = await stat(target).catch(() => null);
  if (!found?.isFile() || found.size === 0 || (entry.size !== null && found.size !== entry.size)) return false;
  try {
    return (await hashFile({ path: target, signal })).sha256 === entry.sha256;
  } catch (error) {
    if (DataManagerError.is(error, 'CANCELLED')) throw error;
    return false;
  }
}
