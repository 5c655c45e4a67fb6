import assert from 'node:assert/strict';
import { fetchRanges } from '../../../src/core/store/fetchRanges';
import type { ObjectStore } from '../../../src/core/store/objectStore';

const PIECE = 1000;
const PIECES = 40;

describe('fetchRanges', () => {
  /** How many requests were under way at once for each piece, the server being too busy at first for those in `busy`. */
  async function parallelism(busy: ReadonlySet<number>): Promise<readonly number[]> {
    let running = 0;
    const seen: number[] = [];
    const store = {
      async *get(_key, { range, onRetry } = {}) {
        running++;
        seen.push(running);
        if (busy.has(seen.length)) onRetry?.(new Error('busy'));
        await new Promise((resolve) => setTimeout(resolve, 2));
        yield Buffer.alloc((range?.last ?? 0) - (range?.first ?? 0) + 1);
        running--;
      },
    } as Pick<ObjectStore, 'get'> as ObjectStore;
    let written = 0;
    await fetchRanges({
      ...{ store, key: 'large', ranges: [{ first: 0, last: PIECE * PIECES - 1 }], pieceBytes: PIECE },
      write: async ({ length }) => {
        written += length;
      },
      onRange: async () => {},
    });
    assert.equal(written, PIECE * PIECES);
    return seen;
  }

  it('fetches several pieces at once, and fewer once the server asks for less', async () => {
    const first = (seen: readonly number[]) => Math.max(...seen.slice(0, 6));
    assert.equal(first(await parallelism(new Set())), 4);
    // The window of two opens again by one after four pieces.
    assert.equal(first(await parallelism(new Set([1, 2]))), 2);
  });
});
