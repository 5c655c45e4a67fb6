import { closeSync, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { DataManagerError, systemCode } from '../../errors';
import { damaged } from './damage';
import { type DatabaseHeader, headerSize, readHeader } from './header';
import { openWalOverlay, type WalOverlay } from './walOverlay';

/** Bytes behind every page buffer, so that a varint at a page's end can be read before its bounds are checked. */
export const slack = 32;

const cacheBytes = 4 << 20;
const lockByte = 0x40000000;

export type ReadHook = (bytes: number) => void;

/** How another thread finds a file that is open here, and knows it again. */
export interface MainFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * The pages of one SQLite file as its last committed transaction left them (main file plus `-wal`), read on demand.
 * Page numbers start at 1. Reads are synchronous: this runs in a worker thread or a short-lived process.
 */
export class PageFile {
  readonly pageSize: number;
  readonly usable: number;
  /** The page that holds SQLite's lock bytes and never data; may lie behind the end. */
  readonly lockPage: number;
  /** Where the page that `page()` returned starts in its buffer. */
  pageStart = 0;

  readonly #lineBytes: number;
  readonly #linePages: number;
  readonly #lines: Buffer[] = [];
  readonly #lineNumbers: Int32Array;

  private constructor(
    private readonly path: string,
    private readonly fd: number,
    private readonly opened: Stats,
    readonly header: DatabaseHeader,
    readonly pageCount: number,
    private readonly wal: WalOverlay | null,
    private readonly onRead: ReadHook | undefined,
  ) {
    this.pageSize = header.pageSize;
    this.usable = header.usable;
    this.lockPage = lockByte / header.pageSize + 1;
    this.#lineBytes = Math.max(16384, header.pageSize);
    this.#linePages = this.#lineBytes / header.pageSize;
    this.#lineNumbers = new Int32Array(cacheBytes / this.#lineBytes).fill(-1);
  }

  /** Bytes of the main file. */
  get bytes(): number {
    return this.opened.size;
  }

  /** The main file; null when it does not hold all pages, as some wait in the `-wal`. */
  get mainFile(): MainFile | null {
    const { dev, ino, size, mtimeMs } = this.opened;
    return this.wal && this.wal.pages.size > 0 ? null : { path: this.path, dev, ino, size, mtimeMs };
  }

  /**
   * Opens a file for reading; null when it has no pages (an empty file is an empty database). `onRead` hears of every read
   * before it happens and may throw, which is how work on a file is cancelled.
   *
   * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_UNREADABLE, FILE_HAS_JOURNAL (a rollback journal holds the truth), NOT_SQLITE,
   * SQLITE_DAMAGED.
   *
   * @example
   * const file = PageFile.open('/data/utopia.sqlite');
   */
  static open(path: string, onRead?: ReadHook): PageFile | null {
    const fd = openForReading(path);
    // SQLite, too, looks for journals beside the file that a link leads to.
    const real = realpathSync(path);
    let wal: WalOverlay | null = null;
    try {
      refuseHotJournal(real);
      const opened = fstatSync(fd);
      const { size } = opened;
      const first = Buffer.alloc(headerSize);
      const got = readSync(fd, first, 0, headerSize, 0);
      if (got === 0) {
        closeSync(fd);
        return null;
      }
      let header = readHeader(first.subarray(0, got), path);
      if (header.wal) {
        wal = openWalOverlay(`${real}-wal`, header.pageSize);
        const newest = wal?.pages.get(1);
        if (wal && newest !== undefined) {
          readSync(wal.fd, first, 0, headerSize, newest);
          header = readHeader(first, path);
        }
      }
      const pages = wal?.pageCount || (header.pageCount ?? Math.floor(size / header.pageSize));
      if (pages > size / header.pageSize && !wal?.pageCount) throw damaged('the file is shorter than its header says');
      return new PageFile(path, fd, opened, header, pages, wal, onRead);
    } catch (error) {
      closeSync(fd);
      if (wal) closeSync(wal.fd);
      throw error;
    }
  }

  close(): void {
    closeSync(this.fd);
    if (this.wal) closeSync(this.wal.fd);
  }

  /** Throws FILE_CHANGED when somebody wrote to the file since it was opened: what was read would be a mixture. */
  assertUnchanged(): void {
    const now = fstatSync(this.fd);
    if (now.size === this.opened.size && now.mtimeMs === this.opened.mtimeMs) return;
    throw new DataManagerError('FILE_CHANGED', `${this.path} was changed while it was being read.`, {
      hint: 'Try again when nothing writes to it.',
      data: { path: this.path },
    });
  }

  /** Pages whose content comes from the `-wal`. */
  overlaidPages(): Iterable<number> {
    return this.wal ? this.wal.pages.keys() : [];
  }

  /** Reads `count` pages from `first` on into `target` at `at`. Throws SQLITE_DAMAGED when they are not there. */
  read(first: number, count: number, target: Buffer, at: number): void {
    if (first < 1 || first + count - 1 > this.pageCount) throw damaged('a page number points outside the file', first);
    const wanted = count * this.pageSize;
    this.onRead?.(wanted);
    const got = readFully(this.fd, target, at, wanted, (first - 1) * this.pageSize);
    if (!this.wal || this.wal.pages.size === 0) {
      if (got !== wanted) throw damaged('the file ends inside a page', first);
      return;
    }
    for (let page = first; page < first + count; page++) {
      const offset = this.wal.pages.get(page);
      const place = at + (page - first) * this.pageSize;
      if (offset !== undefined) {
        if (readFully(this.wal.fd, target, place, this.pageSize, offset) !== this.pageSize) {
          throw damaged('the write-ahead log ends inside a frame', page);
        }
      } else if (page * this.pageSize > this.opened.size) {
        throw damaged('the file ends inside a page', page);
      }
    }
  }

  /** Tells `onRead` of bytes that another thread reads; throws what it throws. */
  readElsewhere(bytes: number): void {
    this.onRead?.(bytes);
  }

  /**
   * Gives a buffer that holds the page from `pageStart` on. It is valid until the next call: copy what must live longer.
   */
  page(number: number): Buffer {
    if (!(number >= 1 && number <= this.pageCount)) throw damaged('a page number points outside the file', number);
    const line = Math.floor((number - 1) / this.#linePages);
    const slot = line % this.#lineNumbers.length;
    let buffer = this.#lines[slot];
    if (buffer === undefined) {
      buffer = Buffer.alloc(this.#lineBytes + slack);
      this.#lines[slot] = buffer;
    }
    const first = line * this.#linePages + 1;
    if (this.#lineNumbers[slot] !== line) {
      this.#lineNumbers[slot] = -1;
      this.read(first, Math.min(this.#linePages, this.pageCount - first + 1), buffer, 0);
      this.#lineNumbers[slot] = line;
    }
    this.pageStart = (number - first) * this.pageSize;
    return buffer;
  }
}

/**
 * Reads until `length` bytes are there or the file ends, as a single read may stop early; gives how many it read.
 *
 * @example
 * const got = readFully(descriptor, buffer, 0, 4096, 8192);
 */
export function readFully(fd: number, target: Buffer, at: number, length: number, position: number): number {
  let done = 0;
  while (done < length) {
    const got = readSync(fd, target, at + done, length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

function openForReading(path: string): number {
  try {
    if (!statSync(path).isFile()) {
      throw new DataManagerError('FILE_NOT_REGULAR', `${path} is not a file.`, { data: { path } });
    }
    return openSync(path, 'r');
  } catch (error) {
    if (error instanceof DataManagerError) throw error;
    if (systemCode(error) === 'ENOENT') {
      throw new DataManagerError('FILE_NOT_FOUND', `There is no file ${path}.`, { data: { path }, cause: error });
    }
    throw new DataManagerError('FILE_UNREADABLE', `${path} can't be read.`, { data: { path }, cause: error });
  }
}

const journalMagic = Buffer.from('d9d505f920a163d7', 'hex');

/** A rollback journal with its magic in place means that the main file is in the middle of a transaction. */
function refuseHotJournal(path: string): void {
  const start = Buffer.alloc(8);
  try {
    const fd = openSync(`${path}-journal`, 'r');
    try {
      readSync(fd, start, 0, 8, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return;
  }
  if (start.equals(journalMagic)) {
    throw new DataManagerError('FILE_HAS_JOURNAL', `${path} has an unfinished transaction beside it (-journal).`, {
      hint: 'Open it once with the program that writes it, so that SQLite finishes or undoes the transaction.',
      data: { path },
    });
  }
}
