import { sameChain } from './pages/overflow';
import type { PageFile } from './pages/pageFile';
import type { RowCursor } from './pages/rowCursor';

/** What `RowMerge.next` stopped at. */
export enum Step {
  End,
  OnlyBefore,
  OnlyAfter,
  /** Both have a row with this key, and their bytes differ. */
  Both,
}

export interface MergeSides {
  readonly beforeFile: PageFile;
  readonly afterFile: PageFile;
  readonly before: RowCursor;
  readonly after: RowCursor;
  /** Order of the current rows' keys in the trees: negative when the older one comes first. */
  readonly order: (before: RowCursor, after: RowCursor) => number;
  /** True when equal bytes mean equal rows. */
  readonly bytesDecide: boolean;
  /** True when an overflow page with the same number is the same in both files. */
  readonly chainsByNumber: boolean;
}

/** Order of rowids. */
export function orderOfRowids(before: RowCursor, after: RowCursor): number {
  return before.rowHigh - after.rowHigh || (before.rowLow >>> 0) - (after.rowLow >>> 0);
}

/**
 * Steps through two trees in key order and stops at rows that differ; equal rows are passed over, whole runs of them with one
 * comparison. Leaves no garbage behind.
 */
export class RowMerge {
  #last: Step = Step.End;

  constructor(private readonly sides: MergeSides) {}

  next(): Step {
    const { before, after, order, bytesDecide } = this.sides;
    if (this.#last === Step.OnlyBefore || this.#last === Step.Both) before.next();
    if (this.#last === Step.OnlyAfter || this.#last === Step.Both) after.next();
    for (;;) {
      if (before.done || after.done) {
        this.#last = before.done ? (after.done ? Step.End : Step.OnlyAfter) : Step.OnlyBefore;
        return this.#last;
      }
      if (bytesDecide && this.#sameRow(before, after)) {
        const rows = 1 + equalRun(before, after);
        before.skip(rows);
        after.skip(rows);
        continue;
      }
      const difference = order(before, after);
      this.#last = difference < 0 ? Step.OnlyBefore : difference > 0 ? Step.OnlyAfter : Step.Both;
      return this.#last;
    }
  }

  #sameRow(before: RowCursor, after: RowCursor): boolean {
    if (before.payloadSize !== after.payloadSize || before.localSize !== after.localSize) return false;
    if (before.rowLow !== after.rowLow || before.rowHigh !== after.rowHigh) return false;
    if (!sameBytes(before, after)) return false;
    if (before.overflow === 0) return true;
    const { beforeFile, afterFile, chainsByNumber } = this.sides;
    // Pages of another size hold other pieces; such rows are compared by value.
    return beforeFile.usable === afterFile.usable && sameChain(beforeFile, before, afterFile, after, chainsByNumber);
  }
}

function sameBytes(a: RowCursor, b: RowCursor): boolean {
  const size = a.localSize;
  let x = a.localStart;
  let y = b.localStart;
  if (size > 256) return a.buffer.compare(b.buffer, y, y + size, x, x + size) === 0;
  const end = x + size;
  const left = a.view;
  const right = b.view;
  for (; x + 4 <= end; x += 4, y += 4) if (left.getInt32(x) !== right.getInt32(y)) return false;
  for (; x < end; x++, y++) if (left.getUint8(x) !== right.getUint8(y)) return false;
  return true;
}

/**
 * How many rows behind the current ones, on the same pages, are equal for certain. Cells of pages that were filled in order
 * lie one below the other; when the distances between them are equal on both pages, one comparison covers all of their
 * bytes. A cell that could go on in overflow pages (its room is not below the least local size) ends the run.
 */
function equalRun(a: RowCursor, b: RowCursor): number {
  const most = Math.min(a.cellEnd - a.cell, b.cellEnd - b.cell) - 1;
  if (most < 2) return 0;
  const top = a.cellStart(a.cell);
  const shift = b.cellStart(b.cell) - top;
  const room = Math.min(a.minLocal, b.minLocal);
  const left = a.view;
  const right = b.view;
  let x = a.pointers + 2 * a.cell;
  let y = b.pointers + 2 * b.cell;
  const pageShift = shift - (b.pageStart - a.pageStart);
  let above = top - a.pageStart;
  let rows = 0;
  while (rows < most) {
    x += 2;
    y += 2;
    const pointer = left.getUint16(x);
    if (pointer >= above || above - pointer >= room || right.getUint16(y) - pointer !== pageShift) break;
    above = pointer;
    rows++;
  }
  while (rows >= 2) {
    const bottom = a.cellStart(a.cell + rows);
    if (a.buffer.compare(b.buffer, bottom + shift, top + shift, bottom, top) === 0) return rows;
    rows >>= 1;
  }
  return 0;
}
