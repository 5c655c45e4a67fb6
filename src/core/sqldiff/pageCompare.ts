import { indexedBlock } from '../store/blockIndex';
import {
  changedPage,
  changedSuspect,
  chunkBytes,
  compareChunk,
  type PagePair,
  pagesInChunk,
  same,
} from './chunkCompare';
import { isPointerMap, readFreelist } from './pages/freelist';
import type { PageFile } from './pages/pageFile';
import type { SecondReader } from './secondReader';
import { shareComparison, stopSharing, takeChunks, unfinishedChunks } from './sharedComparison';

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

const sampleBytes = 32 * 1024;
const samples = 48;

/** Bytes a file; for less a second thread needs longer to come than it saves. */
const SHARED_BYTES = 64 << 20;

export interface PageCompareOptions {
  /** One byte a block of 64 KiB: 1 when block indexes say that it is the same in both main files. Such blocks are not read. See `commonBlocks`. */
  readonly equalBlocks?: Uint8Array | undefined;
  /** Shares the work on large files that have all their pages in the main file. */
  readonly secondReader?: Pick<SecondReader, 'join'> | undefined;
  /** Bytes to compare in each file from which on the work is shared. Default: 64 MiB. */
  readonly sharedFrom?: number | undefined;
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
    /** By page number: 0 when it is the same in both; null when everything changed. */
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
  readonly #pair: PagePair;
  readonly #common: number;
  readonly #older: Buffer;
  readonly #newer: Buffer;
  /** By page number, see `compareChunk`. */
  readonly #found: Uint8Array;

  constructor(
    private readonly before: PageFile,
    private readonly after: PageFile,
    private readonly options: PageCompareOptions,
  ) {
    this.#pair = { pageSize: before.pageSize, beforePages: before.pageCount, afterPages: after.pageCount };
    this.#common = Math.min(before.pageCount, after.pageCount);
    this.#older = Buffer.allocUnsafeSlow(chunkBytes);
    this.#newer = Buffer.allocUnsafeSlow(chunkBytes);
    this.#found = new Uint8Array(Math.max(before.pageCount, after.pageCount) + 1);
    this.#found.fill(changedPage, this.#common + 1);
  }

  /** A short look at places spread over the file, each some pages long. */
  looksRewritten(): boolean {
    const { pageSize } = this.#pair;
    const pages = Math.max(1, Math.floor(sampleBytes / pageSize));
    if (this.#common < pages * samples * 8) return false;
    let equal = 0;
    for (let i = 1; i <= samples; i++) {
      const first = Math.floor((this.#common - pages) * (i / (samples + 1))) + 1;
      this.#read(first, pages);
      for (let at = 0; at < pages; at++) if (same(this.#older, this.#newer, at * pageSize, pageSize)) equal++;
    }
    return equal <= (samples * pages) / 50;
  }

  run(): PageChanges {
    const chunks = this.#chunksToRead();
    if (!this.#compareShared(chunks)) for (const first of chunks) this.#compare(first, pagesInChunk(this.#pair, first));
    for (const file of [this.before, this.after]) {
      for (const page of file.overlaidPages()) if (page <= this.#common) this.#compare(page, 1);
    }
    const identical =
      this.before.pageCount === this.after.pageCount &&
      !this.#found.includes(changedPage) &&
      !this.#found.includes(changedSuspect);
    return new PageChanges(identical, this.#found, this.#suspectFlags());
  }

  /** First pages. */
  #chunksToRead(): number[] {
    const chunks: number[] = [];
    for (let first = 1; first <= this.#common; first += chunkBytes / this.#pair.pageSize) {
      if (!this.#knownEqual(first, pagesInChunk(this.#pair, first))) chunks.push(first);
    }
    return chunks;
  }

  #knownEqual(first: number, count: number): boolean {
    const blocks = this.options.equalBlocks;
    if (blocks === undefined) return false;
    const { pageSize } = this.#pair;
    const start = (first - 1) * pageSize;
    const last = Math.floor((start + count * pageSize - 1) / indexedBlock);
    for (let block = Math.floor(start / indexedBlock); block <= last; block++) if (blocks[block] !== 1) return false;
    return true;
  }

  /** False when this is not worthwhile, or not possible. */
  #compareShared(chunks: readonly number[]): boolean {
    const { secondReader, sharedFrom = SHARED_BYTES } = this.options;
    if (secondReader === undefined || chunks.length * chunkBytes < sharedFrom) return false;
    const [before, after] = [this.before.mainFile, this.after.mainFile];
    if (before === null || after === null) return false;
    const shared = shareComparison(before, after, this.#pair, chunks);
    const compare = (place: number): void => {
      const first = chunks[place] as number;
      this.#compare(first, pagesInChunk(this.#pair, first), shared.found);
    };
    secondReader.join(shared);
    try {
      let behind = 0;
      for (const place of takeChunks(shared)) {
        this.before.readElsewhere(2 * chunkBytes * (place - behind));
        compare(place);
        behind = place + 1;
      }
      for (const place of unfinishedChunks(shared)) compare(place);
    } finally {
      stopSharing(shared);
    }
    // Copied, so that a thread that comes too late changes nothing any more.
    this.#found.set(shared.found);
    return true;
  }

  #compare(first: number, count: number, found = this.#found): void {
    this.#read(first, count);
    compareChunk(this.#older, this.#newer, this.#pair, first, count, found);
  }

  #read(first: number, count: number): void {
    this.before.read(first, count, this.#older, 0);
    this.after.read(first, count, this.#newer, 0);
  }

  /** Free pages hold old content that can look like anything. */
  #suspectFlags(): Uint8Array {
    const left: number[] = [];
    for (
      let page = this.#found.indexOf(changedSuspect, 2);
      page >= 0;
      page = this.#found.indexOf(changedSuspect, page + 1)
    ) {
      if (!isPointerMap(this.before, page) && !isPointerMap(this.after, page)) left.push(page);
    }
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
