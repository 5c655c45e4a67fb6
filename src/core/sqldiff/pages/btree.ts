import { damaged } from './damage';
import { Int32List } from './int32List';
import type { PageFile } from './pageFile';

/** Page types of the file format: https://www.sqlite.org/fileformat2.html#b_tree_pages */
export const leafTable = 13;
export const interiorTable = 5;
export const leafIndex = 10;
export const interiorIndex = 2;

const deepest = 30;

/** A `table` tree keeps rows in its leaves only; an `index` tree (WITHOUT ROWID) in its interior cells, too. */
export type TreeKind = 'table' | 'index';

/**
 * The places of a tree where rows are, in key order: a whole leaf page, or one cell of an interior page (`index` trees).
 */
export interface RowPlaces {
  readonly pages: Int32List;
  /** -1 for a whole leaf, else the number of the interior page's cell; null when the tree has no such cells. */
  readonly cells: Int32List | null;
}

/** What a walk asks and tells about pages. */
export interface WalkVisitor {
  /** Called once for each page of the tree, before its children. Throws when the page has been seen before. */
  enter(page: number): void;
  /** Whether rows on this page are to be listed. */
  wants(page: number): boolean;
}

export interface WalkedTree {
  readonly kind: TreeKind;
  readonly places: RowPlaces;
}

/**
 * Walks the interior pages of a tree, never its leaves (except a root that is one), and lists the row places that the
 * visitor wants. So the cost is about one page read in some hundred.
 *
 * Throws SQLITE_DAMAGED: pointer out of range, a page met twice (a loop), wrong page type, uneven depth.
 *
 * @example
 * const tree = walkTree(file, 2, { enter: () => {}, wants: () => true });
 */
export function walkTree(file: PageFile, root: number, visitor: WalkVisitor): WalkedTree {
  const kind = kindOf(file, root);
  const depth = depthOf(file, root, kind);
  const pages = new Int32List();
  const cells = kind === 'index' ? new Int32List() : null;
  const list = (page: number, cell: number): void => {
    pages.push(page);
    cells?.push(cell);
  };

  const visitLeaf = (page: number): void => {
    visitor.enter(page);
    if (visitor.wants(page)) list(page, -1);
  };
  const visitInterior = (page: number, level: number): void => {
    visitor.enter(page);
    const cellsWanted = cells !== null && visitor.wants(page);
    const children = childrenOf(file, page, kind);
    for (let i = 0; i < children.length; i++) {
      const child = children[i] as number;
      if (level === 1) visitLeaf(child);
      else visitInterior(child, level - 1);
      if (cellsWanted && i + 1 < children.length) list(page, i);
    }
  };
  checkPointer(file, root, root);
  if (depth === 0) visitLeaf(root);
  else visitInterior(root, depth);
  return { kind, places: { pages, cells } };
}

function headerStart(file: PageFile, page: number): number {
  return file.pageStart + (page === 1 ? 100 : 0);
}

function kindOf(file: PageFile, root: number): TreeKind {
  const bytes = file.page(root);
  const type = bytes[headerStart(file, root)];
  if (type === leafTable || type === interiorTable) return 'table';
  if (type === leafIndex || type === interiorIndex) return 'index';
  throw damaged('the root of a tree is not a b-tree page', root);
}

/** All leaves of a healthy tree are equally deep, so the leftmost path tells the depth. */
function depthOf(file: PageFile, root: number, kind: TreeKind): number {
  const interior = kind === 'table' ? interiorTable : interiorIndex;
  const leaf = kind === 'table' ? leafTable : leafIndex;
  let page = root;
  for (let depth = 0; depth < deepest; depth++) {
    const type = file.page(page)[headerStart(file, page)];
    if (type === leaf) return depth;
    if (type !== interior) throw damaged('a tree holds a page of a wrong type', page);
    page = childrenOf(file, page, kind)[0] as number;
  }
  throw damaged('a tree is too deep', root);
}

/** Page numbers of an interior page's children, left to right. */
function childrenOf(file: PageFile, page: number, kind: TreeKind): Int32Array {
  const bytes = file.page(page);
  const start = file.pageStart;
  const header = headerStart(file, page);
  if (bytes[header] !== (kind === 'table' ? interiorTable : interiorIndex)) {
    throw damaged('the leaves of a tree are not equally deep', page);
  }
  const count = bytes.readUInt16BE(header + 3);
  const firstCell = header - start + 12 + 2 * count;
  if (firstCell > file.usable) throw damaged('a page has more cells than room', page);
  const children = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) {
    const cell = bytes.readUInt16BE(header + 12 + 2 * i);
    if (cell < firstCell || cell + 4 > file.usable) throw damaged('a cell pointer points outside its page', page);
    children[i] = checkPointer(file, bytes.readUInt32BE(start + cell), page);
  }
  children[count] = checkPointer(file, bytes.readUInt32BE(header + 8), page);
  return children;
}

function checkPointer(file: PageFile, target: number, from: number): number {
  if (target < 1 || target > file.pageCount || target === file.lockPage) {
    throw damaged('a page number points outside the file', from);
  }
  return target;
}
