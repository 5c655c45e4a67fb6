import { DataManagerError } from '../../errors';
import { damaged } from './damage';

/** How TEXT is stored: the numbers of the file format. */
export type TextEncoding = 'utf-8' | 'utf-16le' | 'utf-16be';

/** What the first 100 bytes of a database say. Source: https://www.sqlite.org/fileformat2.html#the_database_header */
export interface DatabaseHeader {
  readonly pageSize: number;
  /** Bytes of a page that hold data: page size less the reserved bytes at its end. */
  readonly usable: number;
  readonly encoding: TextEncoding;
  /** True when the file is in WAL mode, so that a `-wal` beside it counts. */
  readonly wal: boolean;
  /** Pages, when the header's own count is valid; null says: go by the file's size. */
  readonly pageCount: number | null;
  readonly firstFreelistPage: number;
  /** True when the file has pointer-map pages. */
  readonly autoVacuum: boolean;
  /** 1 to 4; DESC in an index counts from 4 on. */
  readonly schemaFormat: number;
  readonly userVersion: number;
  readonly applicationId: number;
}

export const headerSize = 100;
const magic = Buffer.from('SQLite format 3\0', 'latin1');

/**
 * Reads the database header out of the first 100 bytes of a file.
 *
 * Throws NOT_SQLITE when the magic is missing (also for encrypted files), SQLITE_DAMAGED for values that no SQLite writes.
 *
 * @example
 * const header = readHeader(firstBytes, path); // { pageSize: 4096, ... }
 */
export function readHeader(bytes: Buffer, path: string): DatabaseHeader {
  if (bytes.length < headerSize || bytes.compare(magic, 0, 16, 0, 16) !== 0) {
    throw new DataManagerError('NOT_SQLITE', `${path} is not a SQLite database.`, {
      hint: 'Only plain SQLite 3 files can be compared row by row; an encrypted one cannot.',
      data: { path },
    });
  }
  const rawSize = bytes.readUInt16BE(16);
  const pageSize = rawSize === 1 ? 65536 : rawSize;
  if (pageSize < 512 || pageSize > 65536 || (pageSize & (pageSize - 1)) !== 0) throw damaged('bad page size', 1);
  const usable = pageSize - bytes.readUInt8(20);
  if (usable < 480) throw damaged('too many reserved bytes', 1);
  const counted = bytes.readUInt32BE(28);
  const trusted = counted > 0 && bytes.compare(bytes, 92, 96, 24, 28) === 0;
  return {
    pageSize,
    usable,
    encoding: encodingOf(bytes.readUInt32BE(56)),
    wal: bytes.readUInt8(18) === 2 && bytes.readUInt8(19) === 2,
    pageCount: trusted ? counted : null,
    firstFreelistPage: bytes.readUInt32BE(32),
    autoVacuum: bytes.readUInt32BE(52) !== 0,
    schemaFormat: bytes.readUInt32BE(44),
    userVersion: bytes.readInt32BE(60),
    applicationId: bytes.readInt32BE(68),
  };
}

/** 0 stands in a database in which nothing was ever created. */
function encodingOf(code: number): TextEncoding {
  if (code === 0 || code === 1) return 'utf-8';
  if (code === 2) return 'utf-16le';
  if (code === 3) return 'utf-16be';
  throw damaged('unknown text encoding', 1);
}
