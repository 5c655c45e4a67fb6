import { closeSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { DataManagerError, systemCode } from '../errors';
import { writeError } from '../store/fileErrors';
import type { PatchRequest } from './diffEngine';
import { contentHashOf, type HashHooks } from './hashContent';
import { PageFile } from './pages/pageFile';
import type { SqlConnection, SqlJs } from './sqlJs';

/** sql.js holds a database that it writes to in memory, up to three times while it is opened and taken out. */
export const maxPatchedBytes = 2 ** 30;
/** The patch is held in memory twice. */
const maxPatchBytes = 2 ** 28;
const pieceBytes = 2 ** 20;
/** Read and write version in the header; https://www.sqlite.org/fileformat2.html section 1.3. */
const versionsAt = 18;
const [rollbackVersion, walVersion] = [1, 2];

interface WritableConnection extends SqlConnection {
  export(): Uint8Array;
  iterateStatements(sql: string): Iterable<{ step(): boolean }>;
}

/**
 * Applies a patch to a copy of a SQLite file and checks the result by its content hash, on the calling thread, which it blocks.
 * `request.target` must not exist; what is there after an error is to be removed. `sqlJs` must be a fresh instance.
 *
 * The patch decides about its transaction, triggers and foreign keys, as PatchWriter writes them; a transaction that it leaves
 * open counts for nothing. A `-wal` beside the base is read into the copy. The base may have at most 1 GiB, which takes some
 * 3 GiB of memory, and the patch 256 MiB. An inverse patch is the comparison the other way round.
 *
 * Throws HASH_MISMATCH (`data`: expected, actual), DIFF_UNSUPPORTED (too large, or the patch does not fit the base),
 * OUTPUT_UNWRITABLE, DISK_FULL, NOT_SQLITE, SQLITE_DAMAGED, FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE,
 * FILE_HAS_JOURNAL, FILE_CHANGED, CANCELLED.
 *
 * @example
 * applyPatch(await newSqlJs(), { base: 'v1.sqlite', patch: 'v1-to-v2.sql', target: '.v2.part', contentHash }, hooks);
 */
export function applyPatch(sqlJs: SqlJs, request: PatchRequest, hooks: HashHooks): void {
  const patch = readPatch(request.patch);
  const base = readBase(request.base, hooks);
  const wal = base[versionsAt] === walVersion;
  // In memory there is no write-ahead log, so a database in that mode would be read-only.
  if (wal) base.fill(rollbackVersion, versionsAt, versionsAt + 2);
  const patched = patchedBytes(sqlJs, base, patch, request, hooks);
  if (wal && patched.length > versionsAt) patched.fill(walVersion, versionsAt, versionsAt + 2);
  writeNew(request.target, patched, hooks);
  // The file that will be used is what gets checked, not the bytes in memory.
  const actual = contentHashOf(request.target, hooks);
  if (actual === request.contentHash) return;
  throw new DataManagerError(
    'HASH_MISMATCH',
    `Patched, ${request.base} has the content hash ${actual}, but ${request.contentHash} was expected.`,
    {
      hint: 'The patch was made for another version, or it is damaged; nothing was written.',
      data: { expected: request.contentHash, actual },
    },
  );
}

function readPatch(path: string): string {
  try {
    if (statSync(path).size > maxPatchBytes) {
      throw new DataManagerError('DIFF_UNSUPPORTED', `The patch ${path} is too large to be applied here.`, {
        hint: 'Pull the version instead, or apply the patch with the sqlite3 program.',
        data: { path, maxBytes: maxPatchBytes },
      });
    }
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (DataManagerError.is(error)) throw error;
    const missing = systemCode(error) === 'ENOENT';
    throw new DataManagerError(
      missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      missing ? `There is no file ${path}.` : `${path} can't be read.`,
      { data: { path }, cause: error },
    );
  }
}

/** The database as its last transaction left it. */
function readBase(path: string, hooks: HashHooks): Uint8Array {
  const file = PageFile.open(path, () => throwIfCancelled(hooks));
  if (file === null) throw new DataManagerError('FILE_EMPTY', `${path} is empty.`, { data: { path } });
  try {
    const size = file.pageCount * file.pageSize;
    if (size > maxPatchedBytes) {
      throw new DataManagerError(
        'DIFF_UNSUPPORTED',
        `${path} is too large to be patched here: it must fit into memory.`,
        {
          hint: 'Pull the version instead, or apply the patch with the sqlite3 program.',
          data: { path, size, maxBytes: maxPatchedBytes },
        },
      );
    }
    const bytes = Buffer.allocUnsafeSlow(size);
    const step = pieceBytes / file.pageSize;
    for (let first = 1; first <= file.pageCount; first += step) {
      file.read(first, Math.min(step, file.pageCount - first + 1), bytes, (first - 1) * file.pageSize);
    }
    file.assertUnchanged();
    return bytes;
  } finally {
    file.close();
  }
}

function patchedBytes(
  sqlJs: SqlJs,
  base: Uint8Array,
  patch: string,
  request: PatchRequest,
  hooks: HashHooks,
): Uint8Array {
  const connection = new sqlJs.Database(base) as WritableConnection;
  try {
    for (const statement of connection.iterateStatements(patch)) {
      throwIfCancelled(hooks);
      while (statement.step()) throwIfCancelled(hooks);
    }
    rollBack(connection);
    const bytes = connection.export();
    connection.close();
    return bytes;
  } catch (cause) {
    if (DataManagerError.is(cause)) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new DataManagerError('DIFF_UNSUPPORTED', `The patch can't be applied to ${request.base}: ${reason}.`, {
      hint: 'It was made for another version, or it needs an extension of SQLite; nothing was written.',
      data: { path: request.base, patch: request.patch },
      cause,
    });
  }
}

/** What is not committed would be exported too. */
function rollBack(connection: SqlConnection): void {
  try {
    connection.exec('ROLLBACK');
  } catch {
    // No transaction is open, as it should be.
  }
}

function writeNew(path: string, bytes: Uint8Array, hooks: HashHooks): void {
  try {
    const file = openSync(path, 'wx');
    try {
      for (let done = 0; done < bytes.length; ) {
        throwIfCancelled(hooks);
        done += writeSync(file, bytes, done, Math.min(pieceBytes, bytes.length - done));
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw DataManagerError.is(error) ? error : writeError(error, path);
  }
}

function throwIfCancelled({ isCancelled }: HashHooks): void {
  if (isCancelled()) throw new DataManagerError('CANCELLED', 'Cancelled.');
}
