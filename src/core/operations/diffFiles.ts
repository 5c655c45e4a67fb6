import path from 'node:path';
import type { DiffAnswer, DiffEngine, DiffMonitor, DiffOutput } from '../sqldiff/diffEngine';
import { inspectInputFile } from '../store/inputFile';

export interface DiffResult extends DiffAnswer {
  /** What was compared, as it is called in texts: `utopia.sqlite@v1`, or a file's name. */
  readonly from: string;
  readonly to: string;
}

/**
 * Compares two SQLite files on this machine as rows; needs no repository.
 *
 * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL, NOT_SQLITE, SQLITE_DAMAGED, CANCELLED.
 *
 * @example
 * await diffFiles({ diffEngine, from: 'old.sqlite', to: 'new.sqlite', output: { kind: 'text', limit: 20 }, onText });
 */
export async function diffFiles({
  diffEngine,
  from,
  to,
  output,
  ...monitor
}: DiffMonitor & { diffEngine: DiffEngine; from: string; to: string; output: DiffOutput }): Promise<DiffResult> {
  await inspectInputFile(from);
  await inspectInputFile(to);
  const labels = { before: path.basename(from), after: path.basename(to) };
  const answer = await diffEngine.compare({ before: from, after: to, labels, output }, monitor);
  return { from: labels.before, to: labels.after, ...answer };
}
