import { throwIfCancelled } from '../errors';
import { type CachedFile, cachedBlockBytes } from './cachedFile';
import type { OpenedFile } from './comparePlaces';
import type { FrameBuilder } from './frameBuilder';
import { type FileRange, readAhead } from './readAhead';
import { fingerprintBefore, SampleIndex, Sampler, sampleWindow } from './sampleIndex';

/** Bytes. A copy costs about five packed bytes; text that is repeated anyway packs to less than that. */
const minMatch = 24;
/** Bytes. So long a match is taken without looking for a longer one. */
const goodMatch = 64;
const pieceBytes = 1 << 20;
/** Bytes. Reading on costs less than asking again. */
const joinGap = 65_536;

/**
 * Samples some ranges of the base (in order, not overlapping), and what lies in small gaps between them.
 *
 * Throws FILE_CHANGED, FILE_UNREADABLE or CANCELLED.
 *
 * @example
 * const index = await indexRanges(base, [{ first: 0, end: base.size }], signal);
 */
export async function indexRanges(
  base: OpenedFile,
  ranges: Iterable<FileRange>,
  signal: AbortSignal | undefined,
): Promise<SampleIndex> {
  const joined = joinRanges(ranges);
  const bytes = joined.reduce((sum, { first, end }) => sum + end - first, 0);
  const index = new SampleIndex(bytes);
  for (const range of joined) {
    const sampler = new Sampler(index.spacingBits);
    let offset = range.first;
    for await (const piece of readAhead(base.handle, { ...range, path: base.path, pieceBytes, signal })) {
      let last = 0;
      for (let at = sampler.next(piece, 0, piece.length); at >= 0; at = sampler.next(piece, at, piece.length)) {
        if (at < sampleWindow) continue;
        const fingerprint = fingerprintBefore(piece, at);
        // In a run of one byte every position is picked, or none.
        if (fingerprint !== last) index.add(fingerprint, offset + at);
        last = fingerprint;
      }
      offset += piece.length;
    }
  }
  return index;
}

interface Found {
  readonly start: number;
  readonly end: number;
  /** Base offset minus offset in the piece. */
  readonly shift: number;
}

/**
 * Finds content of the base at other places and writes it as COPY, the rest as INSERT: greedy matching with extension in both
 * directions, as xdelta does it (MacDonald, "File System Support for Delta Compression", 2000).
 */
export class MovedContentFinder {
  readonly #base: CachedFile;
  readonly #index: SampleIndex;
  readonly #frames: FrameBuilder;
  readonly #signal: AbortSignal | undefined;
  /** Base offset minus target offset of the last two copies: the best guesses where content is repeated. */
  #shifts: readonly number[] = [0];
  /** Whether the last piece ended within a copy. */
  #copying = false;

  constructor(base: CachedFile, index: SampleIndex, frames: FrameBuilder, signal: AbortSignal | undefined) {
    this.#base = base;
    this.#index = index;
    this.#frames = frames;
    this.#signal = signal;
  }

  /** Writes the next bytes of the target, those at the builder's position. */
  async encode(piece: Buffer): Promise<void> {
    const offset = this.#frames.position;
    const sampler = new Sampler(this.#index.spacingBits);
    let done = await this.#continueCopy(piece, offset);
    let at = done;
    let failed = 0;
    for (;;) {
      at = sampler.next(piece, at, piece.length);
      if (at < 0) break;
      if (at < sampleWindow) continue;
      const fingerprint = fingerprintBefore(piece, at);
      if (fingerprint === failed) continue;
      const found = await this.#best(piece, at, done, offset, fingerprint);
      if (found === null) {
        failed = fingerprint;
        continue;
      }
      this.#frames.insert(piece.subarray(done, found.start));
      this.#copy(found, offset);
      done = at = found.end;
    }
    this.#frames.insert(piece.subarray(done));
    this.#copying = done === piece.length;
  }

  /** The copy that reached the end of the last piece, or the same place, goes on at the start of this one. */
  async #continueCopy(piece: Buffer, offset: number): Promise<number> {
    for (const [i, shift] of this.#shifts.entries()) {
      const end = await this.#forward(piece, 0, offset + shift);
      // To make the copy longer costs nothing, however little it is.
      if (end < (this.#copying && i === 0 ? 1 : minMatch)) continue;
      this.#copy({ start: 0, end, shift: offset + shift }, offset);
      return end;
    }
    return 0;
  }

  #copy({ start, end, shift }: Found, offset: number): void {
    this.#frames.copy(start + shift, end - start);
    const moved = shift - offset;
    if (this.#shifts[0] !== moved) this.#shifts = [moved, ...this.#shifts.slice(0, 1)];
  }

  /**
   * The best match around a position, from `from` on; null when none is worth a copy. The shifts in use go first: they are
   * right where content is repeated, but a guess is not worth a read.
   */
  async #best(piece: Buffer, at: number, from: number, offset: number, fingerprint: number): Promise<Found | null> {
    let best: Found | null = null;
    for (const moved of this.#shifts) {
      const shift = moved + offset;
      if (this.#base.held(Math.floor((at - 1 + shift) / cachedBlockBytes)) === undefined) continue;
      best = longer(best, await this.#around(piece, at, from, shift));
    }
    if (best && best.end - best.start >= goodMatch) return best;
    const indexed = this.#index.find(fingerprint);
    return indexed < 0 ? best : longer(best, await this.#around(piece, at, from, indexed - at));
  }

  async #around(piece: Buffer, at: number, from: number, shift: number): Promise<Found | null> {
    const start = await this.#backward(piece, at, from, at + shift);
    if (start === at) return null;
    const end = await this.#forward(piece, at, at + shift);
    return end - start >= minMatch ? { start, end, shift } : null;
  }

  /** Where equality with the base ends that begins at `at` and `baseOffset`. */
  async #forward(piece: Buffer, at: number, baseOffset: number): Promise<number> {
    let position = at;
    let place = baseOffset;
    while (position < piece.length && place >= 0 && place < this.#base.size) {
      const number = Math.floor(place / cachedBlockBytes);
      const block = this.#base.held(number) ?? (await this.#load(number));
      const from = place - number * cachedBlockBytes;
      const length = Math.min(block.length - from, piece.length - position);
      const equal = equalBytes(piece, position, block, from, length);
      position += equal;
      place += equal;
      if (equal < length) break;
    }
    return position;
  }

  /** Where equality with the base begins that ends before `at` and `baseOffset`; not below `least`. */
  async #backward(piece: Buffer, at: number, least: number, baseOffset: number): Promise<number> {
    let position = at;
    let place = baseOffset;
    while (position > least && place > 0 && place <= this.#base.size) {
      const number = Math.floor((place - 1) / cachedBlockBytes);
      const block = this.#base.held(number) ?? (await this.#load(number));
      const first = number * cachedBlockBytes;
      const stop = Math.max(least, position - (place - first));
      const before = position;
      while (position > stop && piece[position - 1] === block[place - 1 - first]) {
        position--;
        place--;
      }
      if (position > stop || before === position) break;
    }
    return position;
  }

  #load(block: number): Promise<Buffer> {
    throwIfCancelled(this.#signal);
    return this.#base.load(block);
  }
}

function longer(a: Found | null, b: Found | null): Found | null {
  return a === null || (b !== null && b.end - b.start > a.end - a.start) ? b : a;
}

/** How many bytes two stretches have in common from their start. */
function equalBytes(a: Buffer, aStart: number, b: Buffer, bStart: number, length: number): number {
  let done = 0;
  const step = 256;
  // The first bytes decide most often, and calling out costs more than looking at a few.
  const few = Math.min(length, 32);
  while (done < few && a[aStart + done] === b[bStart + done]) done++;
  if (done < few || done === length) return done;
  if (a.compare(b, bStart + done, bStart + length, aStart + done, aStart + length) === 0) return length;
  while (
    done + step <= length &&
    a.compare(b, bStart + done, bStart + done + step, aStart + done, aStart + done + step) === 0
  ) {
    done += step;
  }
  while (done < length && a[aStart + done] === b[bStart + done]) done++;
  return done;
}

function joinRanges(ranges: Iterable<FileRange>): readonly FileRange[] {
  const joined: FileRange[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last && range.first - last.end <= joinGap) joined[joined.length - 1] = { first: last.first, end: range.end };
    else joined.push(range);
  }
  return joined;
}
