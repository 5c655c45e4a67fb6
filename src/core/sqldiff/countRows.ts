import { wholeTree } from './pruneTrees';
import type { TableSource } from './tableSource';

/**
 * How many rows a table has, from the cell counts in the headers of its pages
 * (https://www.sqlite.org/fileformat2.html#b_tree_pages): one look at every page, no row is read.
 *
 * Throws SQLITE_DAMAGED.
 *
 * @example
 * const unchanged = countRows(after) - inserted - updated;
 */
export function countRows({ file, layout }: TableSource): number {
  const { pages, cells } = wholeTree(file, layout.root).places;
  let rows = 0;
  for (let i = 0; i < pages.length; i++) {
    const page = pages.at(i);
    if (cells !== null && cells.at(i) >= 0) rows++;
    else rows += file.page(page).readUInt16BE(file.pageStart + (page === 1 ? 100 : 0) + 3);
  }
  return rows;
}
