import { stat } from 'node:fs/promises';
import { inspectInputFile } from '../../core/store/inputFile';
import type { ComparedFile } from '../documents/comparison';

/**
 * A file as one side of a comparison. Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL.
 */
export async function comparedFile(path: string, label: string): Promise<ComparedFile> {
  await inspectInputFile(path);
  const { size, mtimeMs } = await stat(path);
  return { kind: 'file', path, label, stamp: `${size}-${mtimeMs}` };
}
