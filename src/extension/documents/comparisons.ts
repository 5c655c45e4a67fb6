import type { Manifest } from '../../core/catalog/manifest';
import type { ResolvedVersion } from '../../core/catalog/reference';
import { DataManagerError } from '../../core/errors';
import type { OperationContext } from '../../core/operations/context';
import { obtainVersion } from '../../core/operations/obtainVersion';
import type { Monitor } from '../../core/progress';
import type { DiffAnswer, DocumentPair } from '../../core/sqldiff/diffEngine';
import { BoundedMap } from './boundedMap';
import { type ComparedVersion, type Comparison, comparisonKey } from './comparison';

/** Limits of one side of one table: what an editor opens without a pause. */
const maxRows = 5000;
const maxBytes = 2 * 1024 * 1024;
/** Characters of finished comparisons that are kept. */
const keptCharacters = 32 * 1024 * 1024;

/** Where a comparison finds the repository that it names. */
export interface ComparisonSource {
  /** Throws REPOSITORY_NOT_FOUND. */
  context(folder: string): Promise<OperationContext>;
  /** The manifest of the work tree, or of a commit. */
  manifest(folder: string, at: string | null): Promise<Manifest>;
}

/** Makes the documents of comparisons, and keeps the last ones for the editors that show them. */
export class Comparisons {
  private readonly finished = new BoundedMap<DiffAnswer>(keptCharacters);
  private readonly running = new Map<string, Promise<DiffAnswer>>();

  constructor(private readonly source: ComparisonSource) {}

  /**
   * Compares, unless that was done just before or is being done: after a reload every document of a comparison asks for it at
   * once. Throws VERSION_NOT_FOUND, NOT_SQLITE, the errors of the store, CANCELLED.
   */
  async compare(comparison: Comparison, monitor: Monitor = {}): Promise<DiffAnswer> {
    const key = comparisonKey(comparison);
    const known = this.finished.get(key) ?? this.running.get(key);
    if (known) return known;
    const running = this.run(comparison, monitor);
    this.running.set(key, running);
    try {
      const answer = await running;
      this.finished.set(key, answer, characters(answer.sides ?? []));
      return answer;
    } finally {
      this.running.delete(key);
    }
  }

  private async run(comparison: Comparison, monitor: Monitor): Promise<DiffAnswer> {
    const { folder, name, before, after, at } = comparison;
    const [context, manifest] = await Promise.all([this.source.context(folder), this.source.manifest(folder, at)]);
    const newer = resolve(manifest, name, after);
    const older = before && resolve(manifest, name, before);
    const beforeFile = older && (await obtainVersion({ ...context, ...older, ...monitor }));
    const afterFile = await obtainVersion({ ...context, ...newer, ...monitor });
    return context.diffEngine.compare(
      {
        before: beforeFile?.path ?? null,
        after: afterFile.path,
        labels: { before: before ? `${name}@${before.version}` : name, after: `${name}@${after.version}` },
        keys: newer.dataset.keys,
        output: { kind: 'sides', maxRows, maxBytes },
      },
      monitor,
    );
  }
}

function resolve(manifest: Manifest, name: string, { version, sha256 }: ComparedVersion): ResolvedVersion {
  const dataset = manifest.datasets.find((candidate) => candidate.name === name);
  const entries = dataset?.history.filter((entry) => entry.sha256 === sha256) ?? [];
  const entry = entries.find((candidate) => candidate.version === version) ?? entries[0];
  if (dataset && entry) return { dataset, entry };
  throw new DataManagerError('VERSION_NOT_FOUND', `${name} ${version} is not in the manifest any more.`);
}

function characters(sides: readonly DocumentPair[]): number {
  return sides.reduce((sum, { before, after }) => sum + (before?.length ?? 0) + (after?.length ?? 0), 0);
}
