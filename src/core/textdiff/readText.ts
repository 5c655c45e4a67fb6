import { readFile } from 'node:fs/promises';
import { DataManagerError } from '../errors';
import { readError } from '../store/fileErrors';
import { decodeText } from './decodeText';

/**
 * A text file as text. Throws DIFF_UNSUPPORTED for bytes that are no text, FILE_NOT_FOUND, FILE_UNREADABLE.
 *
 * @example
 * await readText('costs.csv');
 */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw readError(error, path);
  });
  const text = decodeText(bytes);
  if (text === null) throw new DataManagerError('DIFF_UNSUPPORTED', `${path} is no text.`, { data: { path } });
  return text;
}
