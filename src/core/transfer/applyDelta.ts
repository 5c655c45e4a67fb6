import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, open, rm } from 'node:fs/promises';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { writeError } from '../store/fileErrors';
import { openRegularFile } from '../store/hashFile';
import type { OpenedFile } from './comparePlaces';
import { type Contents, invalidDelta } from './deltaFormat';
import { type DeltaSource, readDeltaHeader, readDeltaOperations } from './deltaReader';
import { TargetBuilder } from './targetBuilder';

export interface ApplyDeltaOptions extends Monitor {
  /** The old file, and what it is known to hold. Only its size is checked: the SHA-256 of the result tells the rest. */
  readonly base: Contents & { readonly path: string };
  /** A file, or bytes. */
  readonly delta: { readonly path: string } | { readonly bytes: Uint8Array };
  /** What the result has to be, from the manifest. */
  readonly target: Contents;
  /** The file to make; nothing may be there yet. */
  readonly outputPath: string;
  /** True to return only when the bytes would survive a power cut, before a rename for instance. */
  readonly durable?: boolean | undefined;
  /** Told of bytes, in order and before `onPiece` sees them, that are those of the base as they are. */
  readonly onCopy?:
    | ((copy: { readonly offset: number; readonly at: number; readonly length: number }) => void)
    | undefined;
  /** Sees the bytes of the result in order; a piece is valid during the call only. */
  readonly onPiece?: ((piece: Uint8Array) => void) | undefined;
}

/**
 * Makes the new file out of the old one and a delta, front to back, in about 25 MiB of memory whatever the sizes.
 *
 * The file holds what `target` says when this returns: its SHA-256 was computed from the bytes handed to the file system. After
 * an error there is no file. Where the file system can share blocks, those that are equal in place are shared with the base.
 *
 * Progress comes as phase `hash`, in bytes of the target. Throws DELTA_INVALID (damaged, hostile, or not between these two
 * versions), HASH_MISMATCH (the base holds other bytes than its SHA-256 says), FILE_NOT_FOUND, FILE_NOT_REGULAR,
 * FILE_UNREADABLE, FILE_CHANGED, OUTPUT_UNWRITABLE, DISK_FULL or CANCELLED.
 *
 * @example
 * await applyDelta({ base: { path: cached, size, sha256 }, delta: { path }, target: { size, sha256 }, outputPath: temp });
 */
export async function applyDelta(options: ApplyDeltaOptions): Promise<void> {
  const { base, target, outputPath, signal } = options;
  throwIfCancelled(signal);
  const opened: FileHandle[] = [];
  const openFile = async (path: string): Promise<OpenedFile> => {
    const handle = await openRegularFile(path);
    opened.push(handle);
    return { handle, path, size: (await handle.stat()).size };
  };
  try {
    const source: DeltaSource = 'bytes' in options.delta ? options.delta : await openFile(options.delta.path);
    const header = await readDeltaHeader(source, signal);
    if (!sameContents(header.base, base)) throw invalidDelta('it starts from another version than the one at hand');
    if (!sameContents(header.target, target)) throw invalidDelta('it leads to another version than the one asked for');
    const old = await openFile(base.path);
    if (old.size !== base.size) throw wrongBase(base.path, target.sha256, null);

    const { output, cloned } = await createOutput(base.path, outputPath);
    opened.push(output);
    try {
      const builder = new TargetBuilder({ ...options, base: old, output, cloned, targetSize: target.size });
      try {
        for await (const operations of readDeltaOperations(source, header, signal)) {
          for (const operation of operations) await builder.add(operation);
        }
      } finally {
        await builder.settle();
      }
      const actual = await builder.finish();
      if (actual !== target.sha256) throw wrongBase(base.path, target.sha256, actual);
      if (options.durable) await output.datasync().catch((error) => Promise.reject(writeError(error, outputPath)));
    } catch (error) {
      await rm(outputPath, { force: true });
      throw error;
    }
  } finally {
    for (const handle of opened) await handle.close();
  }
}

/** A clone of the base where the file system has such a thing, which costs nothing; else an empty file. */
async function createOutput(
  basePath: string,
  outputPath: string,
): Promise<{ readonly output: FileHandle; readonly cloned: boolean }> {
  const cloned = await copyFile(basePath, outputPath, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL).then(
    () => true,
    () => false,
  );
  try {
    // A clone of a read-only file is one too.
    if (cloned) await chmod(outputPath, 0o666 & ~process.umask());
    return { output: await open(outputPath, cloned ? 'r+' : 'wx+'), cloned };
  } catch (error) {
    if (cloned) await rm(outputPath, { force: true });
    throw writeError(error, outputPath);
  }
}

function sameContents(a: Contents, b: Contents): boolean {
  return a.size === b.size && a.sha256 === b.sha256;
}

function wrongBase(path: string, expected: string, actual: string | null): DataManagerError {
  return new DataManagerError('HASH_MISMATCH', `${path} does not hold the bytes that the delta starts from.`, {
    hint: 'Fetch the version whole instead.',
    data: { path, expected, actual },
  });
}
