import { DataManagerError } from '../errors';
import { answerDiff, contextRowsOf } from './answerDiff';
import { type CompareHooks, compareFiles } from './compareFiles';
import type { DiffAnswer, DiffRequest } from './diffEngine';
import { equalBlocksOf } from './equalBlocks';
import type { DiffEvent } from './model';
import { type OpenedDatabase, type OpenedPair, openPair } from './openDatabase';
import type { PageCompareOptions } from './pageCompare';
import { preparePagedDiff } from './pagedDiff';
import { PageFile } from './pages/pageFile';
import type { SqlJs } from './sqlJs';
import type { RowsWanted } from './tableMerge';

/** Equal pages are skipped, not counted. In a file up to this size a look at each costs nothing, and a reviewer likes to know. */
const COUNTED_BYTES = 64 << 20;

export interface PagesOptions extends PageCompareOptions {
  /** Folder for sorted runs of changes that don't fit into memory. */
  readonly tempFolder: string;
  /** A fresh instance, by which unchanged rows are looked up; without it an output has no neighbouring rows. */
  readonly sqlJs?: SqlJs | null | undefined;
}

/**
 * Compares two SQLite files by their pages and gives what the request asks for, on the calling thread, which it blocks.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL, FILE_CHANGED, NOT_SQLITE,
 * SQLITE_DAMAGED, DIFF_UNSUPPORTED, CANCELLED.
 *
 * @example
 * const answer = compareByPages(request, hooks, { tempFolder: tmpdir() });
 */
export function compareByPages(request: DiffRequest, hooks: CompareHooks, options: PagesOptions): DiffAnswer {
  let done = 0;
  let total = 0;
  const onRead = (bytes: number): void => {
    if (hooks.isCancelled()) throw new DataManagerError('CANCELLED', 'Cancelled.');
    done += bytes;
    // Pages may be read twice: the number of bytes is a measure of the work, not a count of it.
    if (total > 0) hooks.onProgress({ phase: 'compare', done: Math.min(done, total), total });
  };
  const files: PageFile[] = [];
  const { sqlJs } = options;
  const lookups: OpenedPair[] = [];
  const open = (path: string): PageFile => {
    const file = PageFile.open(path, onRead);
    if (file === null) throw new DataManagerError('FILE_EMPTY', `${path} is empty.`, { data: { path } });
    files.push(file);
    return file;
  };
  try {
    const before = request.before === null ? null : open(request.before);
    const after = open(request.after);
    total = files.reduce((sum, file) => sum + file.bytes, 0);
    const rows = rowsWantedBy(request.output.kind);
    const countUnchanged = after.bytes <= COUNTED_BYTES;
    // An index knows the main file only, not what waits in a `-wal`.
    const equalBlocks = files.some(hasOverlay) ? undefined : options.equalBlocks;
    const { keys } = request;
    const prepared = preparePagedDiff({ ...options, before, after, keys, rows, countUnchanged, equalBlocks });
    const sameEncoding = before?.header.encoding === after.header.encoding;
    const openNewer = (bySqlJs: SqlJs): OpenedDatabase => {
      const lookup = openPair(bySqlJs, null, request.after, { onRead: () => onRead(0) });
      lookups.push(lookup);
      return lookup.after;
    };
    const neighbours = sqlJs ? { openNewer: () => openNewer(sqlJs), sameEncoding } : null;
    const events = watched(prepared.events(), hooks);
    const answer = answerDiff(events, prepared.schemas, request, hooks.onText, neighbours);
    for (const file of files) file.assertUnchanged();
    hooks.onProgress({ phase: 'compare', done: total, total });
    return answer;
  } finally {
    for (const file of files) file.close();
    for (const lookup of lookups) lookup.abandon();
  }
}

function hasOverlay(file: PageFile): boolean {
  for (const _ of file.overlaidPages()) return true;
  return false;
}

/** A patch is written row by row; of all other outputs some keep rows. */
function rowsWantedBy(kind: DiffRequest['output']['kind']): RowsWanted {
  return kind === 'summary' ? 'none' : kind === 'sql' ? 'passing' : 'kept';
}

/** Events between which a cancelled comparison stops; much can happen between two reads. */
function* watched(events: Iterable<DiffEvent>, hooks: CompareHooks): Generator<DiffEvent, void, undefined> {
  for (const event of events) {
    if (hooks.isCancelled()) throw new DataManagerError('CANCELLED', 'Cancelled.');
    yield event;
  }
}

/**
 * The ladder: pages first, with the request's block indexes where they fit, which is fast and decides by itself between pruned and full
 * merges; then SQL, for what only SQLite understands. What SQL can't read either, it explains; a caller can then still say what size
 * and hash say.
 *
 * Once text has been handed out it can't be taken back, so an error behind that point is final. Throws as both forms do.
 *
 * @example
 * const answer = await compareByBestForm(request, hooks, { tempFolder: tmpdir() }, newSqlJs);
 */
export async function compareByBestForm(
  request: DiffRequest,
  hooks: CompareHooks,
  options: Pick<PagesOptions, 'tempFolder' | 'secondReader'>,
  newSqlJs: () => Promise<SqlJs>,
): Promise<DiffAnswer> {
  let spoken = false;
  const onText = (piece: string): void => {
    spoken = true;
    hooks.onText(piece);
  };
  try {
    const equalBlocks = await equalBlocksOf(request);
    const sqlJs = contextRowsOf(request.output) > 0 ? await newSqlJs() : null;
    return compareByPages(request, { ...hooks, onText }, { ...options, equalBlocks, sqlJs });
  } catch (error) {
    if (spoken || !leavesToSql(error)) throw error;
  }
  return compareFiles(await newSqlJs(), request, hooks);
}

/** True for errors of the pages form that SQLite may not have: it reads more SQL, and damage where it doesn't look is none. */
function leavesToSql(error: unknown): boolean {
  return DataManagerError.is(error, 'SQLITE_DAMAGED') || DataManagerError.is(error, 'DIFF_UNSUPPORTED');
}
