import { fstatSync, openSync, readSync } from 'node:fs';
import { systemCode } from '../../errors';

/** Committed pages of a write-ahead log, to be read instead of those of the main file. */
export interface WalOverlay {
  readonly fd: number;
  /** Database size in pages after the last commit. */
  readonly pageCount: number;
  /** Byte offset of the newest committed content of a page in the log. */
  readonly pages: ReadonlyMap<number, number>;
}

/**
 * Reads the committed frames of a `-wal` file. Null when there is no log or no committed frame in it.
 * A frame counts while its salt equals the header's and the running checksum holds; what follows is left over from
 * before the last checkpoint. Frames after the last commit belong to a transaction that never ended.
 * The caller closes `fd`.
 *
 * Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 *
 * @example
 * const overlay = openWalOverlay('/data/utopia.sqlite-wal', 4096);
 */
export function openWalOverlay(path: string, pageSize: number): WalOverlay | null {
  const fd = openIfThere(path);
  if (fd === null) return null;
  const header = Buffer.alloc(32);
  const magicOk = readSync(fd, header, 0, 32, 0) === 32 && (header.readUInt32BE(0) & 0xfffffffe) >>> 0 === 0x377f0682;
  if (!magicOk || header.readUInt32BE(4) !== 3007000 || pageSizeOf(header) !== pageSize) return { fd, ...nothing };
  const bigEndian = (header.readUInt32BE(0) & 1) === 1;
  const sum = new Int32Array(2);
  checksum(header, 0, 24, bigEndian, sum);
  if (!sumIs(sum, header, 24)) return { fd, ...nothing };

  const frame = Buffer.alloc(24 + pageSize);
  const committed = new Map<number, number>();
  const pending = new Map<number, number>();
  let pageCount = 0;
  const size = fstatSync(fd).size;
  for (let at = 32; at + frame.length <= size; at += frame.length) {
    if (readSync(fd, frame, 0, frame.length, at) !== frame.length) break;
    if (frame.compare(header, 16, 24, 8, 16) !== 0) break;
    const page = frame.readUInt32BE(0);
    checksum(frame, 0, 8, bigEndian, sum);
    checksum(frame, 24, frame.length, bigEndian, sum);
    if (page === 0 || !sumIs(sum, frame, 16)) break;
    pending.set(page, at + 24);
    const sizeAfterCommit = frame.readUInt32BE(4);
    if (sizeAfterCommit === 0) continue;
    for (const [number, offset] of pending) committed.set(number, offset);
    pending.clear();
    pageCount = sizeAfterCommit;
  }
  return { fd, pageCount, pages: committed };
}

const nothing = { pageCount: 0, pages: new Map<number, number>() } as const;

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

function pageSizeOf(header: Buffer): number {
  const size = header.readUInt32BE(8);
  return size === 1 ? 65536 : size;
}

/** Fibonacci-weighted checksum of the format, over 8-byte steps. */
function checksum(bytes: Buffer, from: number, to: number, bigEndian: boolean, sum: Int32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let s0 = sum[0] as number;
  let s1 = sum[1] as number;
  for (let at = from; at < to; at += 8) {
    s0 = (s0 + view.getInt32(at, !bigEndian) + s1) | 0;
    s1 = (s1 + view.getInt32(at + 4, !bigEndian) + s0) | 0;
  }
  sum[0] = s0;
  sum[1] = s1;
}

function sumIs(sum: Int32Array, bytes: Buffer, at: number): boolean {
  return bytes.readInt32BE(at) === sum[0] && bytes.readInt32BE(at + 4) === sum[1];
}
