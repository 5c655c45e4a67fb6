import { DataManagerError } from '../errors';
import type { OnProgress } from '../progress';
import { answerDiff } from './answerDiff';
import { diffDatabases } from './diffDatabases';
import type { DiffAnswer, DiffRequest } from './diffEngine';
import { openPair } from './openDatabase';
import { readSchema } from './schema';
import type { SqlJs } from './sqlJs';

/** What a synchronous comparison can ask and tell while it runs. */
export interface CompareHooks {
  readonly isCancelled: () => boolean;
  readonly onProgress: OnProgress;
  readonly onText: (piece: string) => void;
}

/**
 * Compares two SQLite files and gives what the request asks for, on the calling thread, which it blocks. `sqlJs` must be a
 * fresh instance and is not to be used afterwards.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL, FILE_CHANGED, NOT_SQLITE,
 * SQLITE_DAMAGED, DIFF_UNSUPPORTED, CANCELLED.
 *
 * @example
 * const answer = compareFiles(await newSqlJs(), request, hooks);
 */
export function compareFiles(sqlJs: SqlJs, request: DiffRequest, hooks: CompareHooks): DiffAnswer {
  let total = 0;
  const pair = openPair(sqlJs, request.before, request.after, {
    onRead: (bytesRead) => {
      // Thrown through SQLite: the only way out of a query that finds no changed row for a long time.
      if (hooks.isCancelled()) throw new DataManagerError('CANCELLED', 'Cancelled.');
      if (total > 0) hooks.onProgress({ phase: 'compare', done: Math.min(bytesRead, total), total });
    },
  });
  total = pair.bytes;
  let answer: DiffAnswer;
  try {
    const schemas = { before: readSchema(pair.before), after: readSchema(pair.after) };
    const events = diffDatabases({ sqlJs, pair, schemas, keys: request.keys, isCancelled: hooks.isCancelled });
    const neighbours = { openNewer: () => pair.after, sameEncoding: pair.before.encoding === pair.after.encoding };
    answer = answerDiff(events, schemas, request, hooks.onText, neighbours);
  } catch (error) {
    pair.abandon();
    throw explained(error, request.after);
  }
  pair.close();
  hooks.onProgress({ phase: 'compare', done: total, total });
  return answer;
}

/** SQLite's own words about a schema that it can't read, as one of our errors. */
function explained(error: unknown, path: string): unknown {
  if (
    DataManagerError.is(error) ||
    !(error instanceof Error) ||
    !/malformed|not a database|disk I\/O/.test(error.message)
  )
    return error;
  return new DataManagerError('SQLITE_DAMAGED', `${path}, or what it is compared with, is damaged: ${error.message}.`, {
    hint: 'Run "PRAGMA integrity_check" on both files, or compare other versions.',
    data: { path },
    cause: error,
  });
}
