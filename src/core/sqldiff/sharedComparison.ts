import { closeSync, fstatSync, openSync } from 'node:fs';
import { chunkBytes, compareChunk, type PagePair, pagesInChunk } from './chunkCompare';
import { type MainFile, readFully } from './pages/pageFile';

/**
 * A comparison of pages in which a second thread may join. Both take the next chunk until none is left. The second one may
 * come late or never, and may die: whatever it took and did not finish, the first one does itself.
 *
 * The arrays lie in shared memory, and structured cloning keeps them shared.
 */
export interface SharedComparison {
  readonly before: MainFile;
  readonly after: MainFile;
  readonly pair: PagePair;
  /** The first page of each chunk to compare. */
  readonly chunks: Uint32Array;
  /** By place in `chunks`. */
  readonly states: Int32Array;
  /** The place of the next chunk to take. */
  readonly next: Int32Array;
  /** By page number, see `compareChunk`. Only pages of chunks that are done can be relied on. */
  readonly found: Uint8Array;
}

const chunkOpen = 0;
const chunkDone = 1;
const chunkLeft = 2;

/** Milliseconds; a second thread that needs longer for a chunk is not waited for: it may be dead, or its disk slow. */
const patience = 50;

/**
 * A comparison of which no chunk is taken yet.
 *
 * @example
 * const shared = shareComparison(before.mainFile, after.mainFile, pair, [1, 65, 129]);
 */
export function shareComparison(
  before: MainFile,
  after: MainFile,
  pair: PagePair,
  chunks: readonly number[],
): SharedComparison {
  const places = new Uint32Array(new SharedArrayBuffer(chunks.length * Uint32Array.BYTES_PER_ELEMENT));
  places.set(chunks);
  return {
    before,
    after,
    pair,
    chunks: places,
    states: new Int32Array(new SharedArrayBuffer(chunks.length * Int32Array.BYTES_PER_ELEMENT)),
    next: new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)),
    found: new Uint8Array(new SharedArrayBuffer(Math.min(pair.beforePages, pair.afterPages) + 1)),
  };
}

/**
 * The places of all chunks that the calling thread gets, each to be done before the next is asked for. A loop that is left early
 * leaves its chunk to `unfinishedChunks`.
 *
 * @example
 * for (const place of takeChunks(shared)) ...
 */
export function* takeChunks({ chunks, states, next }: SharedComparison): Generator<number, void, undefined> {
  for (;;) {
    const place = Atomics.add(next, 0, 1);
    if (place >= chunks.length) return;
    let state = chunkLeft;
    try {
      yield place;
      state = chunkDone;
    } finally {
      // An atomic store comes behind all that was noted in `found`: whoever sees this sees that too.
      Atomics.store(states, place, state);
      Atomics.notify(states, place);
    }
  }
}

/**
 * Leaves no chunk for others: a second thread stops behind the one that it is in.
 *
 * @example
 * stopSharing(shared);
 */
export function stopSharing({ chunks, next }: SharedComparison): void {
  Atomics.store(next, 0, chunks.length);
}

/**
 * The places of taken chunks that are not done, once none is left to take. Waits for a thread that is still in one, but only for
 * a moment, so the chunk may be done twice; that does no harm.
 *
 * @example
 * for (const place of unfinishedChunks(shared)) ...
 */
export function unfinishedChunks({ states }: SharedComparison): number[] {
  const places = [...states.keys()].filter((place) => Atomics.load(states, place) !== chunkDone);
  return places.filter((place) => {
    Atomics.wait(states, place, chunkOpen, patience);
    return Atomics.load(states, place) !== chunkDone;
  });
}

/**
 * The second thread's part. What it can't do it leaves to the first, which then meets the same obstacle and says so.
 *
 * @example
 * parentPort?.on('message', joinComparison);
 */
export function joinComparison(shared: SharedComparison): void {
  if (Atomics.load(shared.next, 0) >= shared.chunks.length) return;
  const descriptors: number[] = [];
  const open = (file: MainFile): number => {
    const descriptor = openSync(file.path, 'r');
    descriptors.push(descriptor);
    return descriptor;
  };
  try {
    const [before, after] = [open(shared.before), open(shared.after)];
    if (isFile(before, shared.before) && isFile(after, shared.after)) compareTaken(shared, before, after);
  } catch {
    // The first thread has the same files open, reads the same bytes, and throws what there is to throw.
  } finally {
    for (const descriptor of descriptors) closeSync(descriptor);
  }
}

function compareTaken(shared: SharedComparison, before: number, after: number): void {
  const { chunks, pair, found } = shared;
  const [older, newer] = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
  for (const place of takeChunks(shared)) {
    const first = chunks[place] as number;
    const count = pagesInChunk(pair, first);
    const [bytes, position] = [count * pair.pageSize, (first - 1) * pair.pageSize];
    if (readFully(before, older, 0, bytes, position) !== bytes) return;
    if (readFully(after, newer, 0, bytes, position) !== bytes) return;
    compareChunk(older, newer, pair, first, count, found);
  }
}

/** Another file may have taken the name since the first thread opened it. */
function isFile(descriptor: number, expected: MainFile): boolean {
  const { dev, ino, size, mtimeMs } = fstatSync(descriptor);
  return dev === expected.dev && ino === expected.ino && size === expected.size && mtimeMs === expected.mtimeMs;
}
