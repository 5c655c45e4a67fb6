import path from 'node:path';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, type ResolvedVersion, resolveReference } from '../catalog/reference';
import type { DiffAnswer, DiffEngine, DiffMonitor, DiffOutput } from '../sqldiff/diffEngine';
import { inspectInputFile } from '../store/inputFile';
import type { OperationContext } from './context';
import { obtainVersion } from './obtainVersion';

export interface DiffResult extends DiffAnswer {
  /** What was compared, as it is called in texts: `utopia.sqlite@v1`, or a file's name. */
  readonly from: string;
  readonly to: string;
}

/**
 * Compares two versions as rows. Bytes come from the cache or the store; nothing is written but the cache.
 *
 * Throws REFERENCE_INVALID, DATASET_NOT_FOUND, VERSION_NOT_FOUND, VERSION_NOT_AVAILABLE, OBJECT_MISSING, HASH_MISMATCH, NOT_SQLITE,
 * SQLITE_DAMAGED, DIFF_UNSUPPORTED, CANCELLED and the errors of the store.
 *
 * @example
 * await diffVersions({ ...context, from: 'utopia.sqlite@v1', to: 'utopia.sqlite', output: { kind: 'summary' } });
 */
export async function diffVersions({
  from,
  to,
  output,
  signal,
  onProgress,
  onText,
  ...context
}: OperationContext & DiffMonitor & { from: string; to: string; output: DiffOutput }): Promise<DiffResult> {
  const { manifest } = await readCatalog(context.repository);
  const [older, newer] = [from, to].map((reference) => resolveReference(manifest, parseReference(reference)));
  if (!older || !newer) throw new RangeError('two references were resolved');
  const before = await obtainVersion({ ...context, ...older, signal, onProgress });
  const after = await obtainVersion({ ...context, ...newer, signal, onProgress });
  const labels = { before: versionLabel(older), after: versionLabel(newer) };
  const answer = await context.diffEngine.compare(
    {
      before: before.path,
      after: after.path,
      labels,
      keys: newer.dataset.keys,
      blockIndexes: { before: before.blockIndex, after: after.blockIndex },
      output,
    },
    { signal, onProgress, onText },
  );
  return { from: labels.before, to: labels.after, ...answer };
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

function versionLabel({ dataset, entry }: ResolvedVersion): string {
  return `${dataset.name}@${entry.version}`;
}
