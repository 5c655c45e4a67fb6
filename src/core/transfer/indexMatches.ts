import { blockHashBytes, indexedBlock } from '../store/blockIndex';
import type { Match } from './match';

/** A file of which only the block index is known. */
export interface IndexedFile {
  /** Bytes. */
  readonly size: number;
  /** The hashes of its blocks as `readBlockIndex` gives them. */
  readonly leaves: Uint8Array;
}

/**
 * Where blocks of the target lie in the base, at the same place or moved by whole blocks, from the block indexes of both: the
 * files need not be at hand. Runs of blocks come as one match, in the order of the target.
 *
 * @example
 * const plan = planRanges(target.size, matchesOfIndexes(base, target));
 */
export function matchesOfIndexes(base: IndexedFile, target: IndexedFile): readonly Match[] {
  const find = blockFinder(base.leaves);
  const matches: Match[] = [];
  const blocks = target.leaves.length / blockHashBytes;
  let next = -1;
  for (let block = 0; block < blocks; block++) {
    const found =
      [next, block].find((guess) => sameLeaf(base.leaves, guess, target.leaves, block)) ?? find(target.leaves, block);
    if (found < 0) {
      next = -1;
      continue;
    }
    // Equal hashes are equal bytes, so that a short last block is matched by nothing longer.
    const length = Math.min(indexedBlock, target.size - block * indexedBlock);
    const last = matches.at(-1);
    if (last && found === next) matches[matches.length - 1] = { ...last, length: last.length + length };
    else matches.push({ targetOffset: block * indexedBlock, baseOffset: found * indexedBlock, length });
    next = found + 1;
  }
  return matches;
}

/** Looks blocks up by hash, in a table of 4 to 8 bytes a block; the first of equal ones is found, -1 stands for none. */
function blockFinder(leaves: Uint8Array): (others: Uint8Array, block: number) => number {
  const blocks = leaves.length / blockHashBytes;
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(blocks + 1)) * 2).fill(-1);
  const seek = (others: Uint8Array, block: number): number => {
    const at = block * blockHashBytes;
    const hash = (others[at] as number) + (others[at + 1] as number) * 256 + (others[at + 2] as number) * 65536;
    let slot = (hash + (others[at + 3] as number) * 2 ** 24) % slots.length;
    while (slots[slot] !== -1 && !sameLeaf(leaves, slots[slot] as number, others, block))
      slot = (slot + 1) % slots.length;
    return slot;
  };
  for (let block = 0; block < blocks; block++) {
    const slot = seek(leaves, block);
    if (slots[slot] === -1) slots[slot] = block;
  }
  return (others, block) => slots[seek(others, block)] as number;
}

function sameLeaf(a: Uint8Array, block: number, b: Uint8Array, other: number): boolean {
  if (block < 0 || (block + 1) * blockHashBytes > a.length) return false;
  for (let i = 0; i < blockHashBytes; i++) {
    if (a[block * blockHashBytes + i] !== b[other * blockHashBytes + i]) return false;
  }
  return true;
}
