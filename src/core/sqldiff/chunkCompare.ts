/** What two files of the same form have in common. Page numbers start at 1. */
export interface PagePair {
  readonly pageSize: number;
  readonly beforePages: number;
  readonly afterPages: number;
}

/** Bytes that are read and compared at a time: two of them stay in a core's cache between reading and comparing. */
export const chunkBytes = 256 * 1024;
const subBytes = 32 * 1024;

/** What is found about a page; 0 is an equal one. */
export const changedPage = 1;
/** Changed, and by its first bytes it may be an overflow page in both files. */
export const changedSuspect = 2;

/** Pages of the chunk that starts with page `first`. */
export function pagesInChunk({ pageSize, beforePages, afterPages }: PagePair, first: number): number {
  return Math.min(chunkBytes / pageSize, Math.min(beforePages, afterPages) - first + 1);
}

/**
 * Compares the `count` pages that both buffers hold from `first` on, and notes in `found`, by page number, those that differ.
 * It only ever adds to `found`, so a chunk may be compared twice, and by two threads.
 *
 * @example
 * compareChunk(older, newer, { pageSize: 4096, beforePages: 64, afterPages: 70 }, 1, 64, found);
 */
export function compareChunk(
  older: Buffer,
  newer: Buffer,
  pair: PagePair,
  first: number,
  count: number,
  found: Uint8Array,
): void {
  const { pageSize } = pair;
  const bytes = count * pageSize;
  if (same(older, newer, 0, bytes)) return;
  // A scattered change leaves most of a chunk equal, so halve the search before going page by page.
  const sub = Math.max(subBytes, pageSize);
  for (let at = 0; at < bytes; at += sub) {
    const length = Math.min(sub, bytes - at);
    if (same(older, newer, at, length)) continue;
    for (let place = at; place < at + length; place += pageSize) {
      if (same(older, newer, place, pageSize)) continue;
      found[first + place / pageSize] = mayOverflow(older, newer, pair, place) ? changedSuspect : changedPage;
    }
  }
}

/** True when the same bytes are at a place of both buffers. */
export function same(older: Buffer, newer: Buffer, at: number, length: number): boolean {
  return older.compare(newer, at, at + length, at, at + length) === 0;
}

/**
 * An overflow page starts with the number of the next one, so a b-tree page (first byte 2 to 13) can't be one in a file of less
 * than 33 million pages; nor can a page that starts with a number outside the file.
 */
function mayOverflow(older: Buffer, newer: Buffer, { beforePages, afterPages }: PagePair, at: number): boolean {
  return older.readUInt32BE(at) <= beforePages && newer.readUInt32BE(at) <= afterPages;
}
