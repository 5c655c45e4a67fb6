import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { blockHashBytes, readBlockIndex } from '../store/blockIndex';
import type { DiffRequest } from './diffEngine';
import { commonBlocks } from './pageCompare';

/**
 * Which blocks the request's block indexes show to be the same; undefined when it has none, or not both fit their file.
 *
 * An index of other bytes would hide changes without a trace. So it counts only when it holds the SHA-256 that is the name of
 * the file, and the file's size.
 *
 * @example
 * const equalBlocks = await equalBlocksOf(request);
 */
export async function equalBlocksOf({ before, after, blockIndexes }: DiffRequest): Promise<Uint8Array | undefined> {
  if (before === null || blockIndexes === undefined) return undefined;
  const [older, newer] = await Promise.all([
    readBlockIndex(blockIndexes.before, identityOf(before)),
    readBlockIndex(blockIndexes.after, identityOf(after)),
  ]);
  return older && newer ? commonBlocks(older, newer, blockHashBytes) : undefined;
}

/** Size -1 fits no index; opening the file says what is wrong. */
function identityOf(path: string): { readonly sha256: string; readonly size: number } {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? -1;
  return { sha256: basename(path), size };
}
