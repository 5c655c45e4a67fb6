import type { ByteRange } from '../store/objectStore';
import { DEFAULT_PART_BYTES } from '../store/partPlan';
import type { Match } from './match';

/** How to build a file from what is here and what has to be fetched; both in the order of the file. */
export interface RangePlan {
  /** Ranges of the object to fetch. */
  readonly fetch: readonly ByteRange[];
  /** What the local file gives. */
  readonly copy: readonly Match[];
  readonly bytesFetched: number;
  readonly bytesCopied: number;
  /** With no request for more than 8 MiB. */
  readonly requests: number;
}

/** The ways to get a version, cheapest kinds first. */
export interface DownloadChoice {
  readonly kind: 'local' | 'delta' | 'ranges' | 'full';
  /** Bytes to receive. */
  readonly bytes: number;
  readonly requests: number;
  /** One sentence for the user. */
  readonly reason: string;
}

export interface DownloadFacts {
  /** Bytes of the version. */
  readonly size: number;
  /** True when its bytes are on this machine. */
  readonly local: boolean;
  /** Bytes of each delta from a version at hand to this one, in order; null when there is no such chain. */
  readonly deltas: readonly number[] | null;
  /** From `planRanges`; null when there is no block index, or nothing at hand to compare with. */
  readonly ranges: RangePlan | null;
}

/** Bytes. A gap up to this size costs less to fetch than another request would. */
const joinGap = 256 * 1024;
/** Bytes that could be received in the time of one more request: 50 ms at 100 Mbit/s, with eight under way. */
const requestCost = 65_536;
export const maxHops = 8;
/** Beyond this share of the whole, rebuilding costs more than it saves. */
export const maxDeltaShare = 0.25;

/**
 * Which ranges of an object to fetch when a local file holds the rest of it; ranges that lie close to each other are fetched
 * as one. `matches` come in the order of the target (`matchesOfIndexes`) and don't overlap there.
 *
 * @example
 * const plan = planRanges(target.size, matchesOfIndexes({ size, leaves }, target));
 */
export function planRanges(targetSize: number, matches: readonly Match[]): RangePlan {
  const fetch: ByteRange[] = [];
  const copy: Match[] = [];
  let done = 0;
  // What follows the last byte is a match of no length: it ends the last gap.
  for (const match of [...matches, { targetOffset: targetSize, baseOffset: 0, length: 0 }]) {
    if (match.targetOffset > done) {
      const last = fetch.at(-1);
      const joins = last !== undefined && done - last.last - 1 <= joinGap;
      // Whatever lies between two ranges that are fetched as one comes with them.
      if (joins) {
        fetch[fetch.length - 1] = { first: last.first, last: match.targetOffset - 1 };
        while ((copy.at(-1)?.targetOffset ?? -1) > last.last) copy.pop();
      } else fetch.push({ first: done, last: match.targetOffset - 1 });
    }
    if (match.length > 0) copy.push(match);
    done = match.targetOffset + match.length;
  }
  const bytesFetched = fetch.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const requests = fetch.reduce((sum, { first, last }) => sum + Math.ceil((last - first + 1) / DEFAULT_PART_BYTES), 0);
  return { fetch, copy, bytesFetched, bytesCopied: targetSize - bytesFetched, requests };
}

/**
 * Chooses the cheapest way to get a version: a copy at hand, a chain of deltas (at most 8, at most a quarter of the whole), the
 * ranges that differ from a version at hand, or all of it.
 *
 * @example
 * const { kind } = chooseDownload({ size, local: false, deltas: [25_000], ranges: null }); // 'delta'
 */
export function chooseDownload({ size, local, deltas, ranges }: DownloadFacts): DownloadChoice {
  if (local) return { kind: 'local', bytes: 0, requests: 0, reason: 'Its bytes are on this machine already.' };
  const choices: DownloadChoice[] = [];
  const deltaBytes = deltas?.reduce((sum, bytes) => sum + bytes, 0) ?? 0;
  if (deltas && deltas.length > 0 && deltas.length <= maxHops && deltaBytes <= size * maxDeltaShare) {
    const what = deltas.length === 1 ? 'the changes' : `the changes of ${deltas.length} versions`;
    choices.push({
      kind: 'delta',
      bytes: deltaBytes,
      requests: deltas.length,
      reason: `Only ${what} since a version at hand are fetched.`,
    });
  }
  if (ranges && ranges.bytesCopied > 0) {
    const { bytesFetched: bytes, requests } = ranges;
    choices.push({
      kind: 'ranges',
      bytes,
      requests,
      reason: 'Only the blocks that no version at hand has are fetched.',
    });
  }
  const requests = Math.max(1, Math.ceil(size / DEFAULT_PART_BYTES));
  choices.push({ kind: 'full', bytes: size, requests, reason: 'Fetched whole: nothing at hand would save much.' });
  return choices.reduce((best, choice) => (costOf(choice) < costOf(best) ? choice : best));
}

function costOf({ bytes, requests }: DownloadChoice): number {
  return bytes + requests * requestCost;
}
