import path from 'node:path';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, resolveReference } from '../catalog/reference';
import type { DiffMonitor, DiffOutput } from '../sqldiff/diffEngine';
import { inspectInputFile } from '../store/inputFile';
import type { OperationContext } from './context';
import type { DiffResult } from './diffFiles';
import { obtainVersion } from './obtainVersion';

/** One side of a comparison: a version, or a file on this machine. */
export type DiffSide =
  | { readonly kind: 'version'; readonly reference: string }
  | { readonly kind: 'file'; readonly path: string };

/**
 * Compares two versions as rows; either side may be a file instead: what would `update` publish? Bytes of versions come from the
 * cache or the store, once both sides are known to exist; nothing is written but the cache.
 *
 * Throws REFERENCE_INVALID, DATASET_NOT_FOUND, VERSION_NOT_FOUND, REFERENCE_AMBIGUOUS, VERSION_NOT_AVAILABLE, OBJECT_MISSING,
 * HASH_MISMATCH, the errors of the store, and what diffFiles throws.
 *
 * @example
 * const from = { kind: 'version', reference: 'utopia.sqlite' } as const;
 * await diffVersions({ ...context, from, to: { kind: 'file', path: 'utopia.sqlite' }, output: { kind: 'summary' } });
 */
export async function diffVersions({
  from,
  to,
  output,
  signal,
  onProgress,
  onText,
  ...context
}: OperationContext & DiffMonitor & { from: DiffSide; to: DiffSide; output: DiffOutput }): Promise<DiffResult> {
  const sides = [await findSide(context, from), await findSide(context, to)] as const;
  const older = await sides[0]({ signal, onProgress });
  const newer = await sides[1]({ signal, onProgress });
  const answer = await context.diffEngine.compare(
    {
      before: older.path,
      after: newer.path,
      labels: { before: older.label, after: newer.label },
      keys: newer.keys ?? older.keys,
      blockIndexes:
        older.blockIndex && newer.blockIndex ? { before: older.blockIndex, after: newer.blockIndex } : undefined,
      output,
    },
    { signal, onProgress, onText },
  );
  return { from: older.label, to: newer.label, ...answer };
}

interface OpenSide {
  readonly path: string;
  readonly label: string;
  /** Files that are no version of the cache have none. */
  readonly blockIndex?: string;
  readonly keys?: Readonly<Record<string, readonly string[]>>;
}

// In two steps, so that a slip in the second reference is told before the first version is downloaded.
async function findSide(
  context: OperationContext,
  side: DiffSide,
): Promise<(monitor: DiffMonitor) => Promise<OpenSide>> {
  if (side.kind === 'file') {
    await inspectInputFile(side.path);
    return async () => ({ path: side.path, label: path.basename(side.path) });
  }
  const { manifest } = await readCatalog(context.repository);
  const version = resolveReference(manifest, parseReference(side.reference));
  const { dataset, entry } = version;
  return async (monitor) => {
    const obtained = await obtainVersion({ ...context, ...version, ...monitor });
    return { ...obtained, label: `${dataset.name}@${entry.version}`, keys: dataset.keys };
  };
}
