import { DataManagerError } from '../../errors';

/**
 * The error for bytes that break the SQLite file format. `where` names the structure, `page` the page if one is known.
 *
 * @example
 * throw damaged('a page number points outside the file', 17);
 */
export function damaged(where: string, page?: number): DataManagerError {
  const place = page === undefined ? '' : ` (page ${page})`;
  return new DataManagerError('SQLITE_DAMAGED', `The SQLite file is damaged: ${where}${place}.`, {
    hint: 'Check the file with "PRAGMA integrity_check" and restore it from an earlier version.',
    data: page === undefined ? {} : { page },
  });
}
