import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredRow } from './pages/overflow';
import type { SortKey } from './sortKey';

export type EntryKind = 'insert' | 'delete' | 'update';

/** In this order entries with equal keys come. */
const kinds: readonly EntryKind[] = ['insert', 'delete', 'update'];

/** Holds fewer than 2^24 entries: the sort counts on that. */
const arenaBytes = 16 << 20;
const readBytes = 64 << 10;
const headBytes = 9;
const rowHeadBytes = 20;
/** Which half of a 64-bit number is the higher one on this machine. */
const highWord = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** One sorted entry. `bytes` and the rows in it are valid until the next one is asked for. */
export interface SortedEntry {
  readonly kind: EntryKind;
  /** Where the key is in `bytes`. */
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly bytes: Buffer;
  /** For an update the older row, else the only one. */
  readonly row: StoredRow;
  /** The newer row of an update. */
  readonly second: StoredRow | null;
}

/**
 * Sorts rows by key in bounded memory: what exceeds 16 MiB goes to a temporary file as sorted runs, which are merged in
 * the end. Of a row only the local part is kept; its overflow pages stay where they are.
 */
export class ChangeSorter {
  count = 0;
  #arena: Buffer = Buffer.allocUnsafeSlow(64 << 10);
  #view = new DataView(this.#arena.buffer);
  #used = 0;
  #offsets: number[] = [];
  #file: { readonly fd: number; readonly path: string; size: number } | null = null;
  readonly #runs: { readonly start: number; readonly end: number }[] = [];

  constructor(private readonly tempFolder: string) {}

  add(kind: EntryKind, key: SortKey, row: StoredRow, second: StoredRow | null): void {
    const size = headBytes + key.length + rowHeadBytes + row.localSize + (second ? rowHeadBytes + second.localSize : 0);
    if (this.#used + size > arenaBytes) this.#spill();
    if (this.#used + size > this.#arena.length) this.#grow(this.#used + size);
    let at = this.#used;
    this.#offsets.push(at);
    this.#view.setUint32(at, size);
    this.#view.setUint8(at + 4, kinds.indexOf(kind));
    this.#view.setUint32(at + 5, key.length);
    at += headBytes;
    for (let i = 0; i < key.length; i++) this.#arena[at++] = key.bytes[i] as number;
    at = this.#putRow(at, row);
    if (second) at = this.#putRow(at, second);
    this.#used = at;
    this.count++;
  }

  /** All entries in order of key, then kind, then arrival. The sorter can't be used afterwards. */
  *entries(): Generator<SortedEntry, void, undefined> {
    if (this.#file === null) {
      for (const offset of this.#sortedOffsets()) yield readEntry(this.#arena, this.#view, offset);
      return;
    }
    this.#spill();
    yield* this.#merged(this.#file.fd);
  }

  /** Removes the temporary file. */
  close(): void {
    if (this.#file === null) return;
    closeSync(this.#file.fd);
    rmSync(this.#file.path, { force: true });
    this.#file = null;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(arenaBytes, this.#arena.length * 4)));
    this.#arena.copy(larger, 0, 0, this.#used);
    this.#arena = larger;
    this.#view = new DataView(larger.buffer);
  }

  #putRow(start: number, row: StoredRow): number {
    const view = this.#view;
    view.setInt32(start, row.rowHigh);
    view.setInt32(start + 4, row.rowLow);
    view.setUint32(start + 8, row.payloadSize);
    view.setUint32(start + 12, row.overflow);
    view.setUint32(start + 16, row.localSize);
    return copyBytes(row.view, row.localStart, row.localSize, view, start + rowHeadBytes);
  }

  /** Sorted as numbers by five bytes of the key, which is native and fast; then the few that share those by the rest. */
  #sortedOffsets(): number[] {
    const offsets = this.#offsets;
    const skip = this.#sharedBytes();
    const words = new Uint32Array(2 * offsets.length);
    for (let i = 0; i < offsets.length; i++) {
      const key = (offsets[i] as number) + headBytes;
      const end = key + this.#view.getUint32(key - 4);
      let first = 0;
      for (let at = key + skip; at < key + skip + 4; at++)
        first = first * 256 + (at < end ? (this.#arena[at] as number) : 0);
      const fifth = key + skip + 4 < end ? (this.#arena[key + skip + 4] as number) : 0;
      words[2 * i + highWord] = first;
      words[2 * i + 1 - highWord] = fifth * 0x1000000 + i;
    }
    new BigUint64Array(words.buffer).sort();
    const sorted: number[] = [];
    const order = (a: number, b: number): number => compareEntries(this.#arena, a, this.#arena, b) || a - b;
    for (let from = 0, to = 0; from < offsets.length; from = to) {
      const high = words[2 * from + highWord];
      const fifth = (words[2 * from + 1 - highWord] as number) >>> 24;
      const offsetAt = (i: number): number => offsets[(words[2 * i + 1 - highWord] as number) & 0xffffff] as number;
      for (to = from + 1; to < offsets.length; to++) {
        if (words[2 * to + highWord] !== high || (words[2 * to + 1 - highWord] as number) >>> 24 !== fifth) break;
      }
      if (to === from + 1) {
        sorted.push(offsetAt(from));
        continue;
      }
      const group: number[] = [];
      for (let i = from; i < to; i++) group.push(offsetAt(i));
      for (const offset of group.sort(order)) sorted.push(offset);
    }
    return sorted;
  }

  /** How many bytes all keys begin with. */
  #sharedBytes(): number {
    const view = this.#view;
    const bytes = this.#arena;
    const first = (this.#offsets[0] ?? 0) + headBytes;
    let shared = this.#offsets.length === 0 ? 0 : view.getUint32(first - 4);
    for (const offset of this.#offsets) {
      const key = offset + headBytes;
      shared = Math.min(shared, view.getUint32(key - 4));
      for (let i = 0; i < shared; i++) if (bytes[first + i] !== bytes[key + i]) shared = i;
    }
    return shared;
  }

  #spill(): void {
    if (this.#offsets.length === 0) return;
    if (this.#file === null) {
      const path = join(this.tempFolder, `datamanager-sort-${process.pid}-${nextFile++}`);
      this.#file = { fd: openSync(path, 'wx+', 0o600), path, size: 0 };
    }
    const file = this.#file;
    const start = file.size;
    const block = Buffer.allocUnsafeSlow(1 << 20);
    const blockView = new DataView(block.buffer);
    let filled = 0;
    const flush = (bytes: Buffer, from: number, to: number): void => {
      for (let done = from; done < to; ) done += writeSync(file.fd, bytes, done, to - done, file.size + done - from);
      file.size += to - from;
    };
    for (const offset of this.#sortedOffsets()) {
      const size = this.#view.getUint32(offset);
      if (filled + size > block.length) {
        flush(block, 0, filled);
        filled = 0;
      }
      if (size > block.length) flush(this.#arena, offset, offset + size);
      else filled = copyBytes(this.#view, offset, size, blockView, filled);
    }
    flush(block, 0, filled);
    this.#runs.push({ start, end: file.size });
    this.#offsets = [];
    this.#used = 0;
  }

  /** Merges runs; there is one for each 16 MiB, so looking at all of their heads is no burden. */
  *#merged(fd: number): Generator<SortedEntry, void, undefined> {
    const runs = this.#runs.map((run) => new RunReader(fd, run.start, run.end)).filter((run) => run.next());
    while (runs.length > 0) {
      let least = 0;
      for (let i = 1; i < runs.length; i++) {
        const [a, b] = [runs[least] as RunReader, runs[i] as RunReader];
        if (compareEntries(a.bytes, a.at, b.bytes, b.at) > 0) least = i;
      }
      const run = runs[least] as RunReader;
      yield readEntry(run.bytes, run.view, run.at);
      if (!run.next()) runs.splice(least, 1);
    }
  }
}

let nextFile = 1;

/** Reads a run of the temporary file entry by entry. */
class RunReader {
  bytes: Buffer = Buffer.allocUnsafeSlow(readBytes);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where the current entry starts in `bytes`. */
  at = 0;
  #next = 0;
  #filled = 0;

  constructor(
    private readonly fd: number,
    private position: number,
    private readonly end: number,
  ) {}

  next(): boolean {
    this.at = this.#next;
    if (!this.#has(4)) return false;
    const size = this.view.getUint32(this.at);
    this.#has(size);
    this.#next = this.at + size;
    return true;
  }

  /** Sees to it that this many bytes from `at` on are in the buffer; false at the run's end. */
  #has(size: number): boolean {
    if (this.at + size <= this.#filled) return true;
    const rest = this.#filled - this.at;
    const target = size > this.bytes.length ? Buffer.allocUnsafeSlow(size * 2) : this.bytes;
    this.bytes.copy(target, 0, this.at, this.#filled);
    this.bytes = target;
    this.view = new DataView(target.buffer);
    this.at = 0;
    this.#filled = rest;
    while (this.#filled < size && this.position < this.end) {
      const wanted = Math.min(target.length - this.#filled, this.end - this.position);
      const got = readSync(this.fd, target, this.#filled, wanted, this.position);
      this.#filled += got;
      this.position += got;
    }
    return this.#filled >= size;
  }
}

/** Copies bytes and gives the end of the copy. A loop, since for a few bytes a call out of JavaScript costs more. */
function copyBytes(source: DataView, start: number, size: number, target: DataView, at: number): number {
  let i = 0;
  for (; i + 4 <= size; i += 4) target.setInt32(at + i, source.getInt32(start + i));
  for (; i < size; i++) target.setUint8(at + i, source.getUint8(start + i));
  return at + size;
}

function compareEntries(a: Buffer, x: number, b: Buffer, y: number): number {
  const aEnd = x + headBytes + a.readUInt32BE(x + 5);
  const bEnd = y + headBytes + b.readUInt32BE(y + 5);
  const common = Math.min(aEnd - x, bEnd - y);
  for (let i = headBytes; i < common; i++) {
    const order = (a[x + i] as number) - (b[y + i] as number);
    if (order !== 0) return order;
  }
  return aEnd - x - (bEnd - y) || (a[x + 4] as number) - (b[y + 4] as number);
}

function readEntry(bytes: Buffer, view: DataView, at: number): SortedEntry {
  const kind = kinds[view.getUint8(at + 4)] as EntryKind;
  const keyStart = at + headBytes;
  const keyEnd = keyStart + view.getUint32(at + 5);
  const row = readRow(bytes, view, keyEnd);
  const second = kind === 'update' ? readRow(bytes, view, row.localStart + row.localSize) : null;
  return { kind, keyStart, keyEnd, bytes, row, second };
}

function readRow(buffer: Buffer, view: DataView, at: number): StoredRow {
  return {
    buffer,
    view,
    rowHigh: view.getInt32(at),
    rowLow: view.getInt32(at + 4),
    payloadSize: view.getUint32(at + 8),
    localStart: at + rowHeadBytes,
    localSize: view.getUint32(at + 16),
    overflow: view.getUint32(at + 12),
  };
}
