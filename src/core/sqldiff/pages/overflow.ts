import { damaged } from './damage';
import type { PageFile } from './pageFile';

/** A row as it is stored: the local part of its payload, and where the rest begins. */
export interface StoredRow {
  readonly buffer: Buffer;
  readonly view: DataView;
  /** Rowid as a signed high and an unsigned low half, both held as int32. */
  readonly rowHigh: number;
  readonly rowLow: number;
  /** Bytes of the whole payload. */
  readonly payloadSize: number;
  /** Where in `buffer` the local part is. */
  readonly localStart: number;
  readonly localSize: number;
  /** First overflow page; 0 when the payload is local as a whole. */
  readonly overflow: number;
}

/**
 * Copies a row's whole payload, local part and overflow chain, into `target`, which must have room for it.
 *
 * Throws SQLITE_DAMAGED when the chain ends early, loops or leaves the file.
 *
 * @example
 * readPayload(file, row, target);
 */
export function readPayload(file: PageFile, row: StoredRow, target: Buffer): void {
  row.buffer.copy(target, 0, row.localStart, row.localStart + row.localSize);
  let at = row.localSize;
  let page = row.overflow;
  const loop = new LoopGuard();
  while (at < row.payloadSize) {
    const bytes = overflowPage(file, page);
    const start = file.pageStart;
    const take = Math.min(file.usable - 4, row.payloadSize - at);
    bytes.copy(target, at, start + 4, start + 4 + take);
    at += take;
    page = bytes.readUInt32BE(start);
    loop.check(page);
  }
}

/**
 * True when the overflow chains of two rows with equal payload sizes and local parts hold the same bytes. Both files must have
 * the same usable page size.
 * `sameNumberIsSame` says that no overflow page changed while keeping its number, which makes most chains free.
 *
 * @example
 * if (sameChain(before, a, after, b, false)) return;
 */
export function sameChain(
  beforeFile: PageFile,
  before: StoredRow,
  afterFile: PageFile,
  after: StoredRow,
  sameNumberIsSame: boolean,
): boolean {
  let left = before.payloadSize - before.localSize;
  let beforePage = before.overflow;
  let afterPage = after.overflow;
  const loop = new LoopGuard();
  while (left > 0) {
    if (sameNumberIsSame && beforePage === afterPage) return true;
    const take = Math.min(beforeFile.usable - 4, left);
    const beforeBytes = overflowPage(beforeFile, beforePage);
    const beforeStart = beforeFile.pageStart;
    const afterBytes = overflowPage(afterFile, afterPage);
    const afterStart = afterFile.pageStart;
    const order = beforeBytes.compare(
      afterBytes,
      afterStart + 4,
      afterStart + 4 + take,
      beforeStart + 4,
      beforeStart + 4 + take,
    );
    if (order !== 0) return false;
    beforePage = beforeBytes.readUInt32BE(beforeStart);
    afterPage = afterBytes.readUInt32BE(afterStart);
    left -= take;
    loop.check(beforePage);
  }
  return true;
}

/** True when one of the row's overflow pages is marked. */
export function chainTouches(file: PageFile, row: StoredRow, isMarked: (page: number) => boolean): boolean {
  let left = row.payloadSize - row.localSize;
  let page = row.overflow;
  const loop = new LoopGuard();
  while (left > 0) {
    if (isMarked(page)) return true;
    const bytes = overflowPage(file, page);
    page = bytes.readUInt32BE(file.pageStart);
    left -= file.usable - 4;
    loop.check(page);
  }
  return false;
}

/**
 * Finds a loop in a chain without keeping its pages: one page is remembered, and changed after 1, 2, 4, 8... steps (Brent's
 * algorithm), so a loop is noticed soon after its first round. Without it, a damaged size could make one row cost as much as
 * the whole file.
 */
class LoopGuard {
  #remembered = 0;
  #steps = 0;
  #limit = 1;

  check(page: number): void {
    if (page === this.#remembered && page !== 0) throw damaged('an overflow chain loops', page);
    if (++this.#steps < this.#limit) return;
    this.#remembered = page;
    this.#steps = 0;
    this.#limit *= 2;
  }
}

function overflowPage(file: PageFile, page: number): Buffer {
  if (page < 2 || page === file.lockPage) throw damaged('an overflow chain points at a page that holds no data', page);
  return file.page(page);
}
