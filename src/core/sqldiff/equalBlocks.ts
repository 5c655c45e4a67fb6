import { statSync } from 'node:fs';
import { blockHashBytes, readBlockIndex } from '../store/blockIndex';
import type { DiffRequest } from './diffEngine';
import { commonBlocks } from './pageCompare';

/**
 * Which blocks the request's block indexes show to be the same; undefined when it has none, or not both fit their file.
 *
 * @example
 * const equalBlocks = await equalBlocksOf(request);
 */
export async function equalBlocksOf({ before, after, blockIndexes }: DiffRequest): Promise<Uint8Array | undefined> {
  if (before === null || blockIndexes === undefined) return undefined;
  const [older, newer] = await Promise.all([
    readBlockIndex(blockIndexes.before, sizeOf(before)),
    readBlockIndex(blockIndexes.after, sizeOf(after)),
  ]);
  return older && newer ? commonBlocks(older, newer, blockHashBytes) : undefined;
}

/** -1 fits no index; opening the file says what is wrong. */
function sizeOf(path: string): number {
  try {
    return statSync(path).size;
  } catch {
    return -1;
  }
}
