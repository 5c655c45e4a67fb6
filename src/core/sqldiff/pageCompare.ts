import { indexedBlock } from '../store/blockIndex';
import { isPointerMap, readFreelist } from './pages/freelist';
import type { PageFile } from './pages/pageFile';

/**
 * Which blocks two block indexes show to be the same: one byte a block. An index is the blocks' hashes one after the other.
 *
 * @example
 * const equalBlocks = commonBlocks(olderIndex, newerIndex, 16);
 */
export function commonBlocks(before: Uint8Array, after: Uint8Array, hashBytes: number): Uint8Array {
  const blocks = Math.floor(Math.min(before.length, after.length) / hashBytes);
  const [older, newer] = [Buffer.from(before.buffer, before.byteOffset), Buffer.from(after.buffer, after.byteOffset)];
  const equal = new Uint8Array(blocks);
  for (let block = 0; block < blocks; block++) {
    const [from, to] = [block * hashBytes, (block + 1) * hashBytes];
    if (older.compare(newer, from, to, from, to) === 0) equal[block] = 1;
  }
  return equal;
}

const chunkBytes = 256 * 1024;
const subBytes = 32 * 1024;
const samples = 48;

export interface PageCompareOptions {
  /** One byte a block of 64 KiB: 1 when block indexes say that it is the same in both main files. Such blocks are not read. */
  readonly equalBlocks?: Uint8Array | undefined;
}

/** Which pages of two files differ. */
export class PageChanges {
  /** True when everything was taken as changed: no page says anything about its counterpart. */
  readonly everything: boolean;
  /**
   * True when an overflow page that kept its number may have changed, so that an unchanged leaf page is no proof for
   * rows that overflow.
   */
  readonly overflowChanged: boolean;

  constructor(
    /** True when the two files hold the same pages. */
    readonly identical: boolean,
    /** By page number: 1 changed; null when everything is. */
    private readonly flags: Uint8Array | null,
    /** Changed pages that may be overflow pages in both files. */
    private readonly suspects: Uint8Array,
  ) {
    this.everything = flags === null;
    this.overflowChanged = flags === null || suspects.length > 0;
  }

  /** True unless the page is byte for byte the same in both files. */
  isChanged(page: number): boolean {
    return this.flags === null || this.flags[page] !== 0;
  }

  /** Treats a page as changed from now on: it depends on another one that is. */
  mark(page: number): void {
    if (this.flags !== null) this.flags[page] = 1;
  }

  /** True when the page changed and may be an overflow page in both files. */
  isSuspect(page: number): boolean {
    return this.suspects[page] === 1;
  }
}

/**
 * Compares two files page by page. Files of different page size, usable size or text encoding have nothing in common in
 * that sense, nor have those of which a sample of pages spread over the file shows hardly an equal one (VACUUM, rebuilt):
 * then everything counts as changed, which is always correct, and the time to read both is saved.
 *
 * @example
 * const changes = comparePages(before, after);
 * changes.isChanged(17); // false
 */
export function comparePages(before: PageFile, after: PageFile, options: PageCompareOptions = {}): PageChanges {
  const sameForm =
    before.pageSize === after.pageSize &&
    before.usable === after.usable &&
    before.header.encoding === after.header.encoding;
  if (!sameForm) return everythingChanged();
  const comparison = new Comparison(before, after, options);
  if (!isWorthReading(options.equalBlocks) && comparison.looksRewritten()) return everythingChanged();
  return comparison.run();
}

/** True when block indexes say already that the files have something in common. */
function isWorthReading(equalBlocks: Uint8Array | undefined): boolean {
  if (equalBlocks === undefined) return false;
  let equal = 0;
  for (const flag of equalBlocks) equal += flag;
  return equal * 20 > equalBlocks.length;
}

function everythingChanged(): PageChanges {
  return new PageChanges(false, null, new Uint8Array(0));
}

class Comparison {
  readonly #pageSize: number;
  readonly #common: number;
  readonly #older: Buffer;
  readonly #newer: Buffer;
  readonly #flags: Uint8Array;
  readonly #suspects: number[] = [];
  #changed = 0;

  constructor(
    private readonly before: PageFile,
    private readonly after: PageFile,
    private readonly options: PageCompareOptions,
  ) {
    this.#pageSize = before.pageSize;
    this.#common = Math.min(before.pageCount, after.pageCount);
    this.#older = Buffer.allocUnsafeSlow(chunkBytes);
    this.#newer = Buffer.allocUnsafeSlow(chunkBytes);
    this.#flags = new Uint8Array(Math.max(before.pageCount, after.pageCount) + 1);
    this.#flags.fill(1, this.#common + 1);
  }

  /** A short look at places spread over the file, each some pages long. */
  looksRewritten(): boolean {
    const pages = Math.max(1, Math.floor(subBytes / this.#pageSize));
    if (this.#common < pages * samples * 8) return false;
    let equal = 0;
    for (let i = 1; i <= samples; i++) {
      const first = Math.floor((this.#common - pages) * (i / (samples + 1))) + 1;
      this.before.read(first, pages, this.#older, 0);
      this.after.read(first, pages, this.#newer, 0);
      for (let at = 0; at < pages; at++) if (this.#same(at * this.#pageSize, this.#pageSize)) equal++;
    }
    return equal <= (samples * pages) / 50;
  }

  run(): PageChanges {
    const step = chunkBytes / this.#pageSize;
    for (let first = 1; first <= this.#common; first += step) {
      const count = Math.min(step, this.#common - first + 1);
      if (!this.#knownEqual(first, count)) this.#compareChunk(first, count);
    }
    for (const file of [this.before, this.after]) {
      for (const page of file.overlaidPages()) if (page <= this.#common) this.#compareChunk(page, 1);
    }
    const identical = this.#changed === 0 && this.before.pageCount === this.after.pageCount;
    return new PageChanges(identical, this.#flags, this.#suspectFlags());
  }

  #knownEqual(first: number, count: number): boolean {
    const blocks = this.options.equalBlocks;
    if (blocks === undefined) return false;
    const start = (first - 1) * this.#pageSize;
    const last = Math.floor((start + count * this.#pageSize - 1) / indexedBlock);
    for (let block = Math.floor(start / indexedBlock); block <= last; block++) if (blocks[block] !== 1) return false;
    return true;
  }

  #compareChunk(first: number, count: number): void {
    const bytes = count * this.#pageSize;
    this.before.read(first, count, this.#older, 0);
    this.after.read(first, count, this.#newer, 0);
    if (this.#same(0, bytes)) return;
    // A scattered change leaves most of a chunk equal, so halve the search before going page by page.
    const sub = Math.max(subBytes, this.#pageSize);
    for (let at = 0; at < bytes; at += sub) {
      const length = Math.min(sub, bytes - at);
      if (this.#same(at, length)) continue;
      for (let place = at; place < at + length; place += this.#pageSize) {
        if (!this.#same(place, this.#pageSize)) this.#note(first + place / this.#pageSize, place);
      }
    }
  }

  #same(at: number, length: number): boolean {
    return this.#older.compare(this.#newer, at, at + length, at, at + length) === 0;
  }

  #note(page: number, at: number): void {
    if (this.#flags[page] === 1) return;
    this.#flags[page] = 1;
    this.#changed++;
    // An overflow page starts with the number of the next one, so a b-tree page (first byte 2 to 13) can't be one in a
    // file of less than 33 million pages; nor can a page that starts with a number outside the file.
    if (this.#older.readUInt32BE(at) > this.before.pageCount || this.#newer.readUInt32BE(at) > this.after.pageCount)
      return;
    if (page > 1) this.#suspects.push(page);
  }

  /** Free pages hold old content that can look like anything. */
  #suspectFlags(): Uint8Array {
    const left = this.#suspects.filter((page) => !isPointerMap(this.before, page) && !isPointerMap(this.after, page));
    if (left.length === 0) return new Uint8Array(0);
    const flags = new Uint8Array(this.#common + 1);
    for (const page of left) flags[page] = 1;
    let count = left.length;
    const clear = (page: number): void => {
      if (flags[page] !== 1) return;
      flags[page] = 0;
      count--;
    };
    readFreelist(this.before, clear);
    readFreelist(this.after, clear);
    return count === 0 ? new Uint8Array(0) : flags;
  }
}
