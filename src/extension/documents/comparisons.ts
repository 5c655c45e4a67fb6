import type { Manifest } from '../../core/catalog/manifest';
import type { ResolvedVersion } from '../../core/catalog/reference';
import { DataManagerError } from '../../core/errors';
import type { OperationContext } from '../../core/operations/context';
import { obtainVersion } from '../../core/operations/obtainVersion';
import type { Monitor } from '../../core/progress';
import type { DiffAnswer, DiffEngine } from '../../core/sqldiff/diffEngine';
import type { SidesLimits } from '../../core/sqldiff/documentPair';
import { inspectInputFile } from '../../core/store/inputFile';
import { readText } from '../../core/textdiff/readText';
import { BoundedMap } from './boundedMap';
import {
  type ComparedSide,
  type ComparedVersion,
  type Comparison,
  comparisonKey,
  type DocumentAddress,
  sideLabel,
} from './comparison';

/** Changed rows of one page of a table, and bytes of one side of it: what an editor opens without a pause. */
export const pageRows = 5000;
const pageBytes = 2 * 1024 * 1024;
/** Characters of finished comparisons that are kept. */
const keptCharacters = 32 * 1024 * 1024;

/** Where a comparison finds the repository that it names. */
export interface ComparisonSource {
  readonly diffEngine: DiffEngine;
  /** Throws REPOSITORY_NOT_FOUND. */
  context(folder: string): Promise<OperationContext>;
  /** The manifest of the work tree, or of a commit. */
  manifest(folder: string, at: string | null): Promise<Manifest>;
}

/** The changed rows of one table, from the one behind `skip` others. */
export interface RowsPage {
  readonly table: string;
  readonly skip: number;
}

/** Makes the documents of comparisons, and keeps the last ones for the editors that show them. */
export class Comparisons {
  private readonly finished = new BoundedMap<DiffAnswer>(keptCharacters);
  private readonly running = new Map<string, Promise<DiffAnswer>>();

  /** What "Show More Rows" is about when no editor says it. */
  lastOpened: Comparison | null = null;

  /** `contextRows` tells how many unchanged rows are to be shown on each side of a changed one. */
  constructor(
    private readonly source: ComparisonSource,
    private readonly contextRows: () => number,
  ) {}

  /**
   * Compares, unless that was done just before or is being done: after a reload every document of a comparison asks for it at
   * once. With a page its pair of documents is all that there is. Throws VERSION_NOT_FOUND, NOT_SQLITE, the errors of the
   * store and of files, CANCELLED.
   */
  async compare(comparison: Comparison, monitor: Monitor = {}, page?: RowsPage): Promise<DiffAnswer> {
    const contextRows = this.contextRows();
    const key = JSON.stringify([comparisonKey(comparison), contextRows, page ?? null]);
    const known = this.finished.get(key) ?? this.running.get(key);
    if (known) return known;
    const running = this.run(comparison, monitor, { page, contextRows });
    this.running.set(key, running);
    try {
      const answer = await running;
      this.finished.set(key, answer, characters(answer));
      return answer;
    } finally {
      this.running.delete(key);
    }
  }

  /** The text of a side that is no database; '' where there is none. */
  async text({ comparison, side }: Pick<DocumentAddress, 'comparison' | 'side'>): Promise<string> {
    const compared = comparison[side];
    return compared ? readText((await this.open(comparison, compared, {})).path) : '';
  }

  private async run(
    comparison: Comparison,
    monitor: Monitor,
    shown: Pick<SidesLimits, 'page' | 'contextRows'>,
  ): Promise<DiffAnswer> {
    const { before, after } = comparison;
    const older = before && (await this.open(comparison, before, monitor));
    const newer = await this.open(comparison, after, monitor);
    return this.source.diffEngine.compare(
      {
        before: older?.path ?? null,
        after: newer.path,
        labels: { before: before ? sideLabel(before) : comparison.name, after: sideLabel(after) },
        keys: newer.keys ?? older?.keys,
        blockIndexes:
          older?.blockIndex && newer.blockIndex ? { before: older.blockIndex, after: newer.blockIndex } : undefined,
        output: { kind: 'sides', maxRows: pageRows, maxBytes: pageBytes, ...shown },
      },
      monitor,
    );
  }

  private async open({ folder, name, at }: Comparison, side: ComparedSide, monitor: Monitor): Promise<OpenSide> {
    if (side.kind === 'file') {
      await inspectInputFile(side.path);
      return { path: side.path };
    }
    const [context, manifest] = await Promise.all([
      this.source.context(folder ?? ''),
      this.source.manifest(folder ?? '', at),
    ]);
    // A commit of the remote does not know what waits here to be pushed; the work tree does.
    const known =
      at === null || holds(manifest, name, side) ? manifest : await this.source.manifest(folder ?? '', null);
    const version = resolve(known, name, side);
    const obtained = await obtainVersion({ ...context, ...version, ...monitor });
    return { ...obtained, keys: version.dataset.keys };
  }
}

interface OpenSide {
  readonly path: string;
  /** Only versions of the cache have one. */
  readonly blockIndex?: string;
  readonly keys?: Readonly<Record<string, readonly string[]>>;
}

function holds({ datasets }: Manifest, name: string, { sha256 }: ComparedVersion): boolean {
  return datasets.some((dataset) => dataset.name === name && dataset.history.some((entry) => entry.sha256 === sha256));
}

function resolve(manifest: Manifest, name: string, { version, sha256 }: ComparedVersion): ResolvedVersion {
  const dataset = manifest.datasets.find((candidate) => candidate.name === name);
  const entries = dataset?.history.filter((entry) => entry.sha256 === sha256) ?? [];
  const entry = entries.find((candidate) => candidate.version === version) ?? entries[0];
  if (dataset && entry) return { dataset, entry };
  throw new DataManagerError('VERSION_NOT_FOUND', `${name} ${version} is not in the manifest any more.`);
}

function characters({ sides = [] }: DiffAnswer): number {
  return sides.reduce((sum, { before, after }) => sum + (before?.length ?? 0) + (after?.length ?? 0), 0);
}
