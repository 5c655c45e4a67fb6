import { throwIfCancelled } from '../errors';
import { CachedFile } from './cachedFile';
import { type OpenedFile, runsOf } from './comparePlaces';
import type { FrameBuilder } from './frameBuilder';
import { indexRanges, MovedContentFinder } from './movedContent';
import { type FileRange, readAhead, readFully } from './readAhead';

export interface EncodeOptions {
  /** Bytes. */
  readonly pageSize: number;
  /** A mark for each page that lies wholly in both files: 0 where both are equal. */
  readonly changed: Uint8Array;
  readonly changedPages: number;
  readonly frames: FrameBuilder;
  /** Awaited often: takes the frames that are full. */
  readonly drain: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** Marks of pages. */
const unchanged = 0;
const edited = 1;
const rewritten = 2;

const pieceBytes = 1 << 20;
/** Bytes that are searched without a pause in which a cancel could come through: 30 ms at worst. */
const searchedBytes = 1 << 18;
/** A page in which more than this share of bytes differs is searched for what moved, instead of XORed. */
const editedShare = 1 / 16;

/**
 * Writes the target as operations: equal pages as COPY, pages with few changed bytes as XOR, the rest as what is found of it
 * anywhere in the changed parts of the base. Ends the frames.
 *
 * Throws FILE_CHANGED, FILE_UNREADABLE, CANCELLED, or what `drain` throws.
 *
 * @example
 * await encodeChanges(base, target, { ...places, pageSize, frames, drain, signal });
 */
export async function encodeChanges(base: OpenedFile, target: OpenedFile, options: EncodeOptions): Promise<void> {
  const { pageSize, frames, drain, signal } = options;
  const marks = await markPages(base, target, options);
  const common = marks.length * pageSize;
  const moved = target.size > common || marks.includes(rewritten);
  const finder = moved ? await finderOf(base, marks, options) : null;

  const encodeMoved = async ({ first, end }: FileRange): Promise<void> => {
    const range = { first, end, path: target.path, pieceBytes: searchedBytes, signal };
    for await (const piece of readAhead(target.handle, range)) {
      await finder?.encode(piece);
      await drain();
    }
  };
  for (const { first, end, mark } of runsOf(marks)) {
    const range = { first: first * pageSize, end: end * pageSize };
    if (mark === unchanged) frames.copy(range.first, range.end - range.first);
    else if (mark === rewritten) await encodeMoved(range);
    else {
      for await (const { offset, old, piece } of sameRange(base, target, range, signal)) {
        frames.xor(offset, old, piece);
        await drain();
      }
    }
  }
  await encodeMoved({ first: common, end: target.size });
  frames.end();
  await drain();
}

/** Tells edited pages from rewritten ones. */
async function markPages(base: OpenedFile, target: OpenedFile, options: EncodeOptions): Promise<Uint8Array> {
  const { pageSize, changed, changedPages, signal } = options;
  // When most is different it was moved, and looking closer would only cost time.
  if (changedPages > changed.length / 2) return changed.map((mark) => (mark === 0 ? unchanged : rewritten));
  const marks = Uint8Array.from(changed);
  for (const { first, end, mark } of runsOf(changed)) {
    if (mark === 0) continue;
    const range = { first: first * pageSize, end: end * pageSize };
    for await (const { offset, old, piece } of sameRange(base, target, range, signal)) {
      for (let at = 0; at < piece.length; at += pageSize) {
        marks[(offset + at) / pageSize] = isEdited(old, piece, at, pageSize) ? edited : rewritten;
      }
    }
  }
  return marks;
}

function isEdited(a: Buffer, b: Buffer, at: number, pageSize: number): boolean {
  let left = pageSize * editedShare;
  for (let i = at; i < at + pageSize; i++) if (a[i] !== b[i] && --left < 0) return false;
  return true;
}

async function finderOf(base: OpenedFile, marks: Uint8Array, options: EncodeOptions): Promise<MovedContentFinder> {
  const { pageSize, frames, signal } = options;
  const index = await indexRanges(base, changedRanges(base.size, marks, pageSize), signal);
  return new MovedContentFinder(new CachedFile(base.handle, base.size, base.path), index, frames, signal);
}

/** What of the base the target does not have at the same place. */
function* changedRanges(baseSize: number, marks: Uint8Array, pageSize: number): Generator<FileRange, void, void> {
  for (const { first, end, mark } of runsOf(marks)) {
    if (mark !== unchanged) yield { first: first * pageSize, end: end * pageSize };
  }
  const common = marks.length * pageSize;
  if (baseSize > common) yield { first: common, end: baseSize };
}

/** The same range of both files, in pieces; each is valid until the next. */
async function* sameRange(
  base: OpenedFile,
  target: OpenedFile,
  { first, end }: FileRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ offset: number; old: Buffer; piece: Buffer }, void, void> {
  const buffers = [0, 1].map(() => Buffer.allocUnsafe(Math.min(pieceBytes, end - first))) as [Buffer, Buffer];
  for (let offset = first; offset < end; ) {
    throwIfCancelled(signal);
    const [old, piece] = await Promise.all([
      readFully(base.handle, buffers[0], offset, end, base.path),
      readFully(target.handle, buffers[1], offset, end, target.path),
    ]);
    yield { offset, old, piece };
    offset += piece.length;
  }
}
