import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { headerSize, readHeader } from '../sqldiff/pages/header';
import { writeError } from '../store/fileErrors';
import { changedFile, type FileStamp, openRegularFile, sameStamp, stampFile } from '../store/hashFile';
import { comparePlaces, type OpenedFile, runsOf } from './comparePlaces';
import type { Contents } from './deltaFormat';
import { DeltaTooLarge, DeltaWriter } from './deltaWriter';
import { encodeChanges } from './encodeChanges';
import { FrameBuilder } from './frameBuilder';
import { type Match, reportedMatch } from './match';
import { readAhead, readFully } from './readAhead';

export interface MakeDeltaOptions extends Monitor {
  /** The old file, and the SHA-256 that it is known by. */
  readonly base: { readonly path: string; readonly sha256: string };
  /** The new file; its SHA-256 is found on the way where it is not known. */
  readonly target: { readonly path: string; readonly sha256?: string | undefined };
  /** Where to write the delta; nothing may be there yet. */
  readonly deltaPath: string;
  /** Bytes of the largest delta that is of use; by default a quarter of the target, at least 4 KiB. */
  readonly maxBytes?: number | undefined;
}

export interface MadeDelta {
  readonly target: Contents;
  /** The delta file; null, and no file, when it would be larger than `maxBytes`. */
  readonly delta: Contents | null;
  /** What both files have in common, in stretches of at least 5 MiB (after giving up: at the same place only). */
  readonly matches: readonly Match[];
}

const defaultPageSize = 4096;
const pieceBytes = 1 << 20;

/**
 * Writes the difference between two files as a delta (form: `deltaFormat.ts`), from which `applyDelta` makes the second out of
 * the first.
 *
 * Pages equal at the same place are copied, pages with a few changed bytes XORed; what is rewritten or appended is searched for
 * in the base, where its content may lie anywhere (VACUUM, split pages, rows inserted into a CSV file). Memory is bounded by
 * about 130 MiB whatever the size. Reads each file once to compare, and again what changed.
 *
 * Of the libraries on npm that need no compiler (fossil-delta, @dldc/rsync, vcdiff and xdelta3 in WebAssembly) none describes itself
 * as streaming, for files beyond memory, nor has an operation for pages edited in place.
 *
 * Progress comes as phase `compare`, in bytes of both files. Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_UNREADABLE,
 * FILE_CHANGED (a file changed meanwhile), OUTPUT_UNWRITABLE, DISK_FULL or CANCELLED; no delta file is left then.
 *
 * @example
 * const { delta, target } = await makeDelta({ base: { path: old, sha256 }, target: { path: 'utopia.sqlite' }, deltaPath });
 */
export async function makeDelta(options: MakeDeltaOptions): Promise<MadeDelta> {
  throwIfCancelled(options.signal);
  const opened: FileHandle[] = [];
  const openFile = async (path: string): Promise<OpenedFile> => {
    const handle = await openRegularFile(path);
    opened.push(handle);
    return { handle, path, size: (await handle.stat()).size };
  };
  try {
    const stamps = [await stampFile(options.base.path), await stampFile(options.target.path)];
    const base = await openFile(options.base.path);
    const target = await openFile(options.target.path);
    const made = await writeDelta(base, target, options);
    for (const [i, { path }] of [base, target].entries()) {
      if (sameStamp(stamps[i] as FileStamp, await stampFile(path))) continue;
      await rm(options.deltaPath, { force: true });
      throw changedFile(path);
    }
    return made;
  } finally {
    for (const handle of opened) await handle.close();
  }
}

async function writeDelta(base: OpenedFile, target: OpenedFile, options: MakeDeltaOptions): Promise<MadeDelta> {
  const { signal, deltaPath } = options;
  const progress = progressOf(options, target.size);
  const pageSize = await pageSizeOf(target);
  const hash = options.target.sha256 === undefined;
  const places = await comparePlaces(base, target, { pageSize, hash, signal, onBytes: progress.compared });
  const contents = { size: target.size, sha256: options.target.sha256 ?? (places.sha256 as string) };

  const handle = await open(deltaPath, 'wx+').catch((error: unknown) => {
    throw writeError(error, deltaPath);
  });
  const frames = new FrameBuilder();
  const writer = new DeltaWriter(handle, deltaPath, options.maxBytes ?? Math.max(4096, Math.floor(target.size / 4)));
  let finished = false;
  try {
    const drain = async () => {
      await writer.write(frames.takeFrames());
      progress.encoded(frames.position);
    };
    await encodeChanges(base, target, { ...places, pageSize, frames, drain, signal });
    const from = { size: base.size, sha256: options.base.sha256 };
    const size = await writer.finish({ base: from, target: contents, pageSize });
    finished = true;
    progress.encoded(target.size);
    return {
      target: contents,
      delta: { size, sha256: await sha256Of(handle, deltaPath, size) },
      matches: frames.matches,
    };
  } catch (error) {
    finished = false;
    if (!(error instanceof DeltaTooLarge)) throw error;
    progress.encoded(target.size);
    return { target: contents, delta: null, matches: samePlaces(places.changed, pageSize) };
  } finally {
    await writer.abandon();
    await handle.close();
    if (!finished) await rm(deltaPath, { force: true });
  }
}

async function sha256Of(handle: FileHandle, path: string, size: number): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of readAhead(handle, { path, first: 0, end: size, pieceBytes })) hash.update(piece);
  return hash.digest('hex');
}

/** By what to compare: the pages of a database; anything else has none, and any size does. */
async function pageSizeOf({ handle, path, size }: OpenedFile): Promise<number> {
  const header = await readFully(handle, Buffer.alloc(headerSize), 0, size, path);
  try {
    return readHeader(header, path).pageSize;
  } catch {
    return defaultPageSize;
  }
}

function samePlaces(changed: Uint8Array, pageSize: number): readonly Match[] {
  return [...runsOf(changed)]
    .filter(({ first, end, mark }) => mark === 0 && (end - first) * pageSize >= reportedMatch)
    .map(({ first, end }) => ({
      targetOffset: first * pageSize,
      baseOffset: first * pageSize,
      length: (end - first) * pageSize,
    }));
}

/** Both passes go over the target: each is half of the way. */
function progressOf({ onProgress }: Monitor, size: number) {
  const report = (done: number) => onProgress?.({ phase: 'compare', done, total: 2 * size });
  return { compared: report, encoded: (done: number) => report(size + done) };
}
