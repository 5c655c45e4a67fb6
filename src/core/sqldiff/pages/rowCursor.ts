import { leafIndex, leafTable, type RowPlaces, type TreeKind } from './btree';
import { damaged } from './damage';
import type { StoredRow } from './overflow';
import { type PageFile, slack } from './pageFile';

const windowBytes = 256 * 1024;

/**
 * Steps through the rows of a tree in key order, at the places that a walk listed. Neighbouring pages are read together.
 * All fields describe the current row; its payload may go on in overflow pages (`overflow` > 0).
 * Fields instead of a returned object: millions of rows pass here and none leaves garbage behind.
 *
 * Throws SQLITE_DAMAGED from `next` and `skip`.
 */
export class RowCursor implements StoredRow {
  /** The buffer that holds the current row's page. Stays in place while the cursor is on that page. */
  buffer: Buffer;
  view: DataView;
  done = false;
  /** Rowid as a signed high and an unsigned low half (held as int32). Not set for `index` trees. */
  rowHigh = 0;
  rowLow = 0;
  /** Bytes of the whole payload, and where its local part is in `buffer`. */
  payloadSize = 0;
  localStart = 0;
  localSize = 0;
  /** First overflow page; 0 when the payload is local as a whole. */
  overflow = 0;
  /** Where the current page starts in `buffer`. */
  pageStart = 0;
  page = 0;
  /** Number of the current cell on its page, and one past the last one to be visited there. */
  cell = 0;
  cellEnd = 0;
  /** Where the page's cell pointers start in `buffer`. */
  pointers = 0;
  /** Local bytes of a payload that overflows are never fewer; so a smaller cell can't overflow. */
  readonly minLocal: number;

  readonly #maxLocal: number;
  readonly #largest: number;
  #place = -1;
  /** Pages that `buffer` holds. */
  #firstHeld = 0;
  #held = 0;
  #lowestPointer = 0;
  #interior = false;

  constructor(
    private readonly file: PageFile,
    readonly kind: TreeKind,
    private readonly places: RowPlaces,
  ) {
    const usable = file.usable;
    this.minLocal = Math.floor(((usable - 12) * 32) / 255) - 23;
    this.#maxLocal = kind === 'table' ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
    this.#largest = file.pageCount * file.pageSize;
    this.buffer = Buffer.alloc(Math.max(file.pageSize, Math.min(windowBytes, file.pageCount * file.pageSize)) + slack);
    this.view = new DataView(this.buffer.buffer, this.buffer.byteOffset, this.buffer.length);
    this.#nextPlace();
  }

  /** Goes to the next row. */
  next(): void {
    if (++this.cell < this.cellEnd) this.#parse();
    else this.#nextPlace();
  }

  /** Goes forward by this many rows of the current page, at most to its end. */
  skip(rows: number): void {
    this.cell += rows - 1;
    this.next();
  }

  /** Where in `buffer` the cell with this number starts. */
  cellStart(cell: number): number {
    const at = this.pointers + 2 * cell;
    const pointer = ((this.buffer[at] as number) << 8) | (this.buffer[at + 1] as number);
    if (pointer < this.#lowestPointer || pointer + 4 > this.file.usable) {
      throw damaged('a cell pointer points outside its page', this.page);
    }
    return this.pageStart + pointer;
  }

  /** Where in `buffer` the current cell's local bytes end (the overflow page number is behind them). */
  cellStop(): number {
    return this.localStart + this.localSize;
  }

  #nextPlace(): void {
    const { pages, cells } = this.places;
    for (;;) {
      this.#place++;
      if (this.#place >= pages.length) {
        this.done = true;
        return;
      }
      const cell = cells === null ? -1 : cells.at(this.#place);
      this.#load(pages.at(this.#place), cell);
      if (this.cell < this.cellEnd) {
        this.#parse();
        return;
      }
    }
  }

  #load(page: number, cell: number): void {
    if (page < this.#firstHeld || page >= this.#firstHeld + this.#held) this.#fetch(page);
    this.page = page;
    this.pageStart = (page - this.#firstHeld) * this.file.pageSize;
    const header = this.pageStart + (page === 1 ? 100 : 0);
    const count = ((this.buffer[header + 3] as number) << 8) | (this.buffer[header + 4] as number);
    const headerBytes = cell < 0 ? 8 : 12;
    this.#lowestPointer = header - this.pageStart + headerBytes + 2 * count;
    if (this.#lowestPointer > this.file.usable) throw damaged('a page has more cells than room', page);
    this.pointers = header + headerBytes;
    this.#interior = cell >= 0;
    if (cell < 0) {
      if (this.buffer[header] !== (this.kind === 'table' ? leafTable : leafIndex)) {
        throw damaged('the leaves of a tree are not equally deep', page);
      }
      this.cell = 0;
      this.cellEnd = count;
    } else {
      this.cell = cell;
      this.cellEnd = Math.min(cell + 1, count);
    }
  }

  /** Reads the page, and with it those that will be wanted soon and lie close behind. */
  #fetch(page: number): void {
    const { pages } = this.places;
    const pageSize = this.file.pageSize;
    const room = Math.floor((this.buffer.length - slack) / pageSize);
    let last = page;
    let used = 1;
    for (let i = this.#place + 1; i < pages.length; i++) {
      const ahead = pages.at(i);
      if (ahead <= last || ahead - page >= room || ahead - last > 8) break;
      last = ahead;
      used++;
    }
    if (used * 2 < last - page + 1) last = page;
    this.#held = 0;
    this.file.read(page, last - page + 1, this.buffer, 0);
    this.#firstHeld = page;
    this.#held = last - page + 1;
  }

  #parse(): void {
    const buffer = this.buffer;
    let at = this.cellStart(this.cell);
    if (this.#interior) at += 4;
    let byte = buffer[at++] as number;
    let size = byte;
    if (byte >= 0x80) {
      size = byte & 0x7f;
      for (let i = 1; ; i++) {
        byte = buffer[at++] as number;
        if (i === 8) {
          size = size * 256 + byte;
          break;
        }
        size = size * 128 + (byte & 0x7f);
        if (byte < 0x80) break;
      }
      if (size > this.#largest) throw damaged('a row is larger than the file', this.page);
    }
    this.payloadSize = size;
    if (this.kind === 'table') at = this.#parseRowid(at);
    this.localStart = at;
    this.overflow = 0;
    let local = size;
    if (size > this.#maxLocal) {
      const usable = this.file.usable;
      const surplus = this.minLocal + ((size - this.minLocal) % (usable - 4));
      local = surplus <= this.#maxLocal ? surplus : this.minLocal;
      if (at + local + 4 - this.pageStart <= usable) this.overflow = this.view.getUint32(at + local);
      if (this.overflow === 0) throw damaged('a large row has no overflow page', this.page);
    }
    if (at + local - this.pageStart > this.file.usable) throw damaged('a cell goes beyond its page', this.page);
    this.localSize = local;
  }

  #parseRowid(start: number): number {
    const buffer = this.buffer;
    let at = start;
    let byte = buffer[at++] as number;
    let low = byte & 0x7f;
    let high = 0;
    for (let i = 1; byte >= 0x80; i++) {
      byte = buffer[at++] as number;
      if (i === 8) {
        high = (high << 8) | (low >>> 24);
        low = (low << 8) | byte;
        break;
      }
      high = (high << 7) | (low >>> 25);
      low = (low << 7) | (byte & 0x7f);
    }
    this.rowHigh = high;
    this.rowLow = low;
    return at;
  }
}
