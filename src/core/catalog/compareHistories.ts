import { type Dataset, latest, type VersionEntry } from './manifest';
import { pairVersions, sameBytes, sameEntry } from './pairVersions';

/** A dataset that both sides have. */
export interface HistorySides {
  readonly base: Dataset | null;
  readonly published: Dataset;
  readonly mine: Dataset;
}

type Pairs = ReadonlyMap<VersionEntry, VersionEntry>;

/** Which versions of three histories are the same ones. */
export interface HistoryComparison {
  /** Published version to the one in base. */
  readonly baseOf: Pairs;
  /** Version in base to the published one, and to mine. */
  readonly inPublished: Pairs;
  readonly inMine: Pairs;
  /** Published version to mine, for those that are new on both sides. */
  readonly shared: Pairs;
  /** New versions that only one side has, in the order of the file. */
  readonly theirs: readonly VersionEntry[];
  readonly ours: readonly VersionEntry[];
  /** True when the newest published version is what mine went on from, so that mine can follow it without a question. */
  readonly follows: boolean;
}

/**
 * Compares the histories of one dataset by their bytes; numbers decide only between several with the same.
 *
 * @example
 * const { ours, follows } = compareHistories({ base, published, mine });
 */
export function compareHistories({ base, published, mine }: HistorySides): HistoryComparison {
  const inPublished = pairVersions(base?.history ?? [], published.history, sameEntry);
  const inMine = pairVersions(base?.history ?? [], mine.history, sameEntry);
  const baseOf = inverse(inPublished);
  const known = inverse(inMine);
  const theirNew = published.history.filter((entry) => !baseOf.has(entry));
  const ourNew = mine.history.filter((entry) => !known.has(entry));
  const shared = pairNew(theirNew, ourNew, latest(published));
  const paired = new Set(shared.values());
  const ours = ourNew.filter((entry) => !paired.has(entry));
  return {
    baseOf,
    inPublished,
    inMine,
    shared,
    theirs: theirNew.filter((entry) => !shared.has(entry)),
    ours,
    follows: follows(base, latest(published), ours, { shared, baseOf, inPublished }),
  };
}

function pairNew(theirs: readonly VersionEntry[], ours: readonly VersionEntry[], newest: VersionEntry): Pairs {
  const pairs = new Map(pairVersions(theirs, ours, sameBytes));
  if (!theirs.includes(newest) || pairs.has(newest)) return pairs;
  // The same bytes under another key, which an older tool chose.
  const paired = new Set(pairs.values());
  const same = ours.find((entry) => entry.sha256 === newest.sha256 && !paired.has(entry));
  return same ? pairs.set(newest, same) : pairs;
}

function follows(
  base: Dataset | null,
  newest: VersionEntry,
  ours: readonly VersionEntry[],
  { shared, baseOf, inPublished }: Pick<HistoryComparison, 'shared' | 'baseOf' | 'inPublished'>,
): boolean {
  const twin = shared.get(newest);
  if (twin) return ours.every(({ number }) => number > twin.number);
  const before = baseOf.get(newest);
  return before !== undefined && !base?.history.some((entry) => entry.number > before.number && inPublished.has(entry));
}

function inverse(pairs: Pairs): Pairs {
  return new Map([...pairs].map(([from, to]) => [to, from]));
}
