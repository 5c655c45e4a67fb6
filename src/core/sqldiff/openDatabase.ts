import { realpathSync, statSync } from 'node:fs';
import { DataManagerError } from '../errors';
import { LazyFile } from './lazyFile';
import type { FileContents, RawValue, SqlConnection, SqlJs, SqlStatement } from './sqlJs';

export type TextEncodingName = 'UTF-8' | 'UTF-16le' | 'UTF-16be';

/** One side of a comparison: a database within a connection. */
export interface OpenedDatabase {
  readonly connection: SqlConnection;
  /** Name of the database within the connection: `main`, or `newer` when it is attached. */
  readonly schema: 'main' | 'newer';
  readonly encoding: TextEncodingName;
}

/** Two databases ready to be compared. */
export interface OpenedPair {
  readonly before: OpenedDatabase;
  readonly after: OpenedDatabase;
  /** True when one query can see both; SQLite attaches only databases of the same text encoding. */
  readonly attached: boolean;
  /** Bytes of both files. */
  readonly bytes: number;
  /** Throws FILE_CHANGED when a file was written to since it was opened. */
  assertUnchanged(): void;
  /** Closes the databases and their files. */
  close(): void;
  /** Closes what can be closed after an error; a database that stays open keeps its WebAssembly memory from being freed. */
  abandon(): void;
}

export interface OpenOptions {
  /** Called before each block that is read, with the bytes read so far from both files; may throw to stop. */
  readonly onRead?: ((bytesRead: number) => void) | undefined;
}

const MAGIC = 'SQLite format 3\0';
const HEADER_BYTES = 100;
const ENCODINGS: readonly TextEncodingName[] = ['UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be'];
const ROLLBACK_JOURNAL_MAGIC_BYTE = 0xd9;

/**
 * Opens two SQLite files for comparison, read lazily and never written; `before` null is an empty database.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL, NOT_SQLITE, SQLITE_DAMAGED, and
 * DIFF_UNSUPPORTED when this build of sql.js can't read files lazily.
 *
 * @example
 * const pair = openPair(await newSqlJs(), 'v1.sqlite', 'v2.sqlite');
 * try { ... } finally { pair.close(); }
 */
export function openPair(
  sqlJs: SqlJs,
  beforePath: string | null,
  afterPath: string,
  options: OpenOptions = {},
): OpenedPair {
  assertLazyFilesWork(sqlJs);
  const files: LazyFile[] = [];
  const connections: SqlConnection[] = [];
  const bytesRead = [0, 0];
  const open = (path: string): { readonly file: LazyFile; readonly connection: SqlConnection } => {
    const place = files.length;
    const onRead = (count: number): void => {
      bytesRead[place] = count;
      options.onRead?.((bytesRead[0] ?? 0) + (bytesRead[1] ?? 0));
    };
    assertNoJournal(path);
    const file = new LazyFile(path, { onRead });
    files.push(file);
    assertSqliteHeader(file);
    assertComplete(file);
    const connection = new sqlJs.Database(file);
    connections.push(connection);
    assertReadable(connection, path);
    return { file, connection };
  };
  const closeFiles = (): void => {
    for (const file of files) file.close();
  };
  const abandon = (): void => {
    const usable = !files.some((file) => file.interrupted);
    for (const connection of usable ? connections : []) {
      try {
        connection.close();
      } catch {
        // SQLite's complaint about the damage that was the error in the first place.
      }
    }
    closeFiles();
  };
  try {
    const after = open(afterPath);
    const afterEncoding = encodingOf(after.file);
    let before: OpenedDatabase;
    if (beforePath === null) {
      const connection = new sqlJs.Database();
      connections.push(connection);
      connection.exec(`PRAGMA encoding = '${afterEncoding}'`);
      before = { connection, schema: 'main', encoding: afterEncoding };
    } else {
      const opened = open(beforePath);
      before = { connection: opened.connection, schema: 'main', encoding: encodingOf(opened.file) };
    }
    const attached = before.encoding === afterEncoding;
    if (attached) before.connection.exec(`ATTACH '${after.connection.filename}' AS newer`);
    else
      for (const connection of connections) connection.create_function('datamanager_utf8', (text) => Buffer.from(text));
    return {
      before,
      after: attached
        ? { connection: before.connection, schema: 'newer', encoding: afterEncoding }
        : { connection: after.connection, schema: 'main', encoding: afterEncoding },
      attached,
      bytes: files.reduce((sum, file) => sum + file.length, 0),
      assertUnchanged: () => {
        for (const file of files) file.assertUnchanged();
      },
      close: () => {
        if (attached) before.connection.exec('DETACH newer');
        for (const connection of connections) connection.close();
        closeFiles();
      },
      abandon,
    };
  } catch (error) {
    abandon();
    throw error;
  }
}

/**
 * All rows of a query, with INTEGER as bigint.
 *
 * @example
 * queryAll(connection, 'SELECT 1'); // [[1n]]
 */
export function queryAll(connection: SqlConnection, sql: string): RawValue[][] {
  const rows: RawValue[][] = [];
  for (const row of queryEach(connection, sql)) rows.push(row);
  return rows;
}

/**
 * Rows of a query one at a time; the statement is freed when the iteration ends, also early.
 *
 * @example
 * for (const [name] of queryEach(connection, 'SELECT name FROM sqlite_schema')) ...
 */
export function* queryEach(connection: SqlConnection, sql: string): Generator<RawValue[], void, undefined> {
  const statement: SqlStatement = connection.prepare(sql);
  try {
    while (statement.step()) yield statement.get(null, { useBigInt: true });
  } finally {
    statement.free();
  }
}

/** Instances that have passed the test. */
const proven = new WeakSet<SqlJs>();

/**
 * Proves that this build of sql.js reads a database through `FileContents` piece by piece, as lazyFile.ts assumes.
 *
 * Throws DIFF_UNSUPPORTED when it does not: better no result than a wrong one.
 *
 * @example
 * assertLazyFilesWork(await newSqlJs());
 */
export function assertLazyFilesWork(sqlJs: SqlJs): void {
  if (proven.has(sqlJs)) return;
  const source = new sqlJs.Database();
  let pieces = 0;
  let works: boolean;
  try {
    source.exec("CREATE TABLE probe(a); INSERT INTO probe VALUES('lazy'); CREATE INDEX probeIndex ON probe(a)");
    const bytes = (source as SqlConnection & { export(): Uint8Array }).export();
    const contents: FileContents = {
      length: bytes.length,
      slice: () => contents,
      subarray: (start, end) => {
        pieces++;
        return bytes.slice(start, end);
      },
    };
    const lazy = new sqlJs.Database(contents);
    works = queryAll(lazy, 'SELECT a FROM probe').join() === 'lazy' && refusesToWrite(lazy);
    lazy.close();
  } catch {
    works = false;
  }
  source.close();
  if (!works || pieces < 2) {
    throw new DataManagerError('DIFF_UNSUPPORTED', 'This build of sql.js cannot read files piece by piece.', {
      hint: 'Reinstall Data Manager; it needs the exact version of sql.js that it was made with.',
    });
  }
  proven.add(sqlJs);
}

function refusesToWrite(connection: SqlConnection): boolean {
  try {
    connection.exec("INSERT INTO probe VALUES('x')");
    return false;
  } catch {
    return true;
  }
}

/** The main file alone is an older state, or a broken one, while changes wait in a journal beside it. */
function assertNoJournal(path: string): void {
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    return; // opening it says what is wrong
  }
  const wal = statSync(`${real}-wal`, { throwIfNoEntry: false });
  if (wal !== undefined && wal.size > 0) throw journalError(path, 'wal');
  const journal = statSync(`${real}-journal`, { throwIfNoEntry: false });
  if (journal !== undefined && journal.size > 0 && firstByte(`${real}-journal`) === ROLLBACK_JOURNAL_MAGIC_BYTE) {
    throw journalError(path, 'journal');
  }
}

/** A journal that was kept after its transaction (PERSIST mode) begins with zeros and means nothing. */
function firstByte(path: string): number | undefined {
  const file = new LazyFile(path);
  try {
    return file.subarray(0, 1)[0];
  } finally {
    file.close();
  }
}

function journalError(path: string, kind: 'wal' | 'journal'): DataManagerError {
  return new DataManagerError(
    'FILE_HAS_JOURNAL',
    `${path} has changes in ${path}-${kind} that are not in the file yet.`,
    {
      hint: 'Close the program that writes to it, or run "PRAGMA wal_checkpoint(TRUNCATE)", then try again.',
      data: { path, journal: `${path}-${kind}` },
    },
  );
}

function assertSqliteHeader(file: LazyFile): void {
  const { path } = file;
  if (file.length === 0) throw new DataManagerError('FILE_EMPTY', `${path} is empty.`, { data: { path } });
  const header = file.length < HEADER_BYTES ? new Uint8Array() : file.subarray(0, HEADER_BYTES);
  if (Buffer.from(header.subarray(0, MAGIC.length)).toString('latin1') !== MAGIC) {
    throw new DataManagerError('NOT_SQLITE', `${path} is not a SQLite database.`, {
      hint: 'Only plain SQLite 3 files can be compared row by row; an encrypted one cannot.',
      data: { path },
    });
  }
}

/** SQLite takes a last page that was cut off for zeros, so that its rows would seem to be deleted. */
function assertComplete(file: LazyFile): void {
  const header = Buffer.from(file.subarray(0, HEADER_BYTES));
  const pageSize = header.readUInt16BE(16) === 1 ? 65536 : header.readUInt16BE(16);
  // Very old writers leave the page count stale; then only whole pages can be asked for.
  const countIsValid = header.readUInt32BE(24) === header.readUInt32BE(92) && header.readUInt32BE(28) > 0;
  const complete = countIsValid ? file.length >= header.readUInt32BE(28) * pageSize : file.length % pageSize === 0;
  if (complete) return;
  throw new DataManagerError('SQLITE_DAMAGED', `${file.path} is damaged: its end is missing.`, {
    hint: 'Copy or download it again.',
    data: { path: file.path },
  });
}

function assertReadable(connection: SqlConnection, path: string): void {
  try {
    queryAll(connection, 'SELECT count(*) FROM sqlite_schema');
  } catch (cause) {
    if (DataManagerError.is(cause)) throw cause;
    throw new DataManagerError('SQLITE_DAMAGED', `${path} is damaged: ${messageOf(cause)}.`, {
      hint: 'Run "PRAGMA integrity_check" on it, or take an earlier version.',
      data: { path },
      cause,
    });
  }
}

function encodingOf(file: LazyFile): TextEncodingName {
  const header = Buffer.from(file.subarray(0, HEADER_BYTES));
  return ENCODINGS[header.readUInt32BE(56)] ?? 'UTF-8';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
