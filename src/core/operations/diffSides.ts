import path from 'node:path';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, resolveReference } from '../catalog/reference';
import type { DiffMonitor, DiffOutput } from '../sqldiff/diffEngine';
import { inspectInputFile } from '../store/inputFile';
import type { OperationContext } from './context';
import type { DiffResult } from './diffVersions';
import { obtainVersion } from './obtainVersion';

/** One side of a comparison: a version, or a file on this machine. */
export type DiffSide =
  | { readonly kind: 'version'; readonly reference: string }
  | { readonly kind: 'file'; readonly path: string };

/**
 * Compares as rows where a side may be a version or a file: what would `update` publish?
 *
 * Throws what diffVersions and diffFiles throw.
 *
 * @example
 * const from = { kind: 'version', reference: 'utopia.sqlite' } as const;
 * await diffSides({ ...context, from, to: { kind: 'file', path: 'utopia.sqlite' }, output: { kind: 'summary' } });
 */
export async function diffSides({
  from,
  to,
  output,
  signal,
  onProgress,
  onText,
  ...context
}: OperationContext & DiffMonitor & { from: DiffSide; to: DiffSide; output: DiffOutput }): Promise<DiffResult> {
  const older = await openSide(context, from, { signal, onProgress });
  const newer = await openSide(context, to, { signal, onProgress });
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

async function openSide(context: OperationContext, side: DiffSide, monitor: DiffMonitor): Promise<OpenSide> {
  if (side.kind === 'file') {
    await inspectInputFile(side.path);
    return { path: side.path, label: path.basename(side.path) };
  }
  const { manifest } = await readCatalog(context.repository);
  const version = resolveReference(manifest, parseReference(side.reference));
  const obtained = await obtainVersion({ ...context, ...version, ...monitor });
  const { dataset, entry } = version;
  return { ...obtained, label: `${dataset.name}@${entry.version}`, keys: dataset.keys };
}
