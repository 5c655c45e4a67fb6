import { damaged } from './damage';
import type { PageFile } from './pageFile';

/**
 * Calls `found` for every page of the freelist, trunk pages included.
 *
 * Throws SQLITE_DAMAGED for page numbers outside the file, too many entries, or a loop.
 * Source: https://www.sqlite.org/fileformat2.html#the_freelist
 *
 * @example
 * readFreelist(file, (page) => free.add(page));
 */
export function readFreelist(file: PageFile, found: (page: number) => void): void {
  let trunk = file.header.firstFreelistPage;
  let trunks = 0;
  while (trunk !== 0) {
    if (++trunks > file.pageCount) throw damaged('the freelist loops', trunk);
    const bytes = file.page(trunk);
    const start = file.pageStart;
    const count = bytes.readUInt32BE(start + 4);
    if (count > file.usable / 4 - 2) throw damaged('a freelist page has more entries than room', trunk);
    found(trunk);
    for (let i = 0; i < count; i++) {
      const page = bytes.readUInt32BE(start + 8 + 4 * i);
      if (page < 2 || page > file.pageCount) throw damaged('a freelist entry points outside the file', trunk);
      found(page);
    }
    trunk = bytes.readUInt32BE(start);
  }
}

/**
 * True for a pointer-map page of an auto-vacuum database, which holds no rows.
 * Source: https://www.sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages
 *
 * @example
 * if (isPointerMap(file, 2)) return;
 */
export function isPointerMap(file: PageFile, page: number): boolean {
  if (!file.header.autoVacuum || page < 2) return false;
  const group = Math.floor(file.usable / 5) + 1;
  let map = Math.floor((page - 2) / group) * group + 2;
  if (map === file.lockPage) map++;
  return page === map;
}
