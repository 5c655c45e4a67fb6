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
  const walk = new TreeWalk(file, root, visitor);
  walk.visit(root, walk.depth);
  return walk;
}

/** What a walk of two trees asks and tells. */
export interface PairVisitor {
  readonly before: WalkVisitor;
  readonly after: WalkVisitor;
  /** Whether a page has the same bytes in both files. */
  isSame(page: number): boolean;
}

/**
 * Walks two trees as `walkTree` walks each. Where a page has the same number, bytes and place in both it is read once, so two
 * trees cost little more than one when not much has changed.
 *
 * Throws SQLITE_DAMAGED.
 *
 * @example
 * const trees = walkTrees(before, after, { before: 2, after: 2 }, visitor);
 */
export function walkTrees(
  before: PageFile,
  after: PageFile,
  roots: { readonly before: number; readonly after: number },
  visitor: PairVisitor,
): { readonly before: WalkedTree; readonly after: WalkedTree } {
  const older = new TreeWalk(before, roots.before, visitor.before);
  const newer = new TreeWalk(after, roots.after, visitor.after);
  const visitBoth = (page: number, level: number): void => {
    if (level === 0) {
      older.visit(page, 0);
      newer.visit(page, 0);
      return;
    }
    const ours = older.enterInterior(page);
    const theirs = newer.enterInterior(page, visitor.isSame(page) ? ours.children : undefined);
    let common = 0;
    while (common < ours.children.length && ours.children[common] === theirs.children[common]) {
      visitBoth(ours.children[common] as number, level - 1);
      older.listCell(ours, common);
      newer.listCell(theirs, common);
      common++;
    }
    older.visitChildren(ours, common, level);
    newer.visitChildren(theirs, common, level);
  };
  if (roots.before === roots.after && older.kind === newer.kind && older.depth === newer.depth) {
    visitBoth(roots.before, older.depth);
  } else {
    older.visit(roots.before, older.depth);
    newer.visit(roots.after, newer.depth);
  }
  return { before: older, after: newer };
}

interface InteriorPage {
  readonly page: number;
  readonly children: Int32Array;
  /** Whether its own cells are rows to be listed. */
  readonly cellsWanted: boolean;
}

class TreeWalk implements WalkedTree {
  readonly kind: TreeKind;
  readonly depth: number;
  readonly places: RowPlaces;

  constructor(
    private readonly file: PageFile,
    root: number,
    private readonly visitor: WalkVisitor,
  ) {
    this.kind = kindOf(file, root);
    this.depth = depthOf(file, root, this.kind);
    this.places = { pages: new Int32List(), cells: this.kind === 'index' ? new Int32List() : null };
    checkPointer(file, root, root);
  }

  /** A page with all that is below it; leaves are on level 0. */
  visit(page: number, level: number): void {
    if (level > 0) {
      this.visitChildren(this.enterInterior(page), 0, level);
      return;
    }
    this.visitor.enter(page);
    if (this.visitor.wants(page)) this.list(page, -1);
  }

  /** `known` are the children that a page with the same bytes has in the other file. */
  enterInterior(page: number, known?: Int32Array): InteriorPage {
    const { visitor, file, kind } = this;
    visitor.enter(page);
    const cellsWanted = this.places.cells !== null && visitor.wants(page);
    if (known === undefined) return { page, children: childrenOf(file, page, kind), cellsWanted };
    for (const child of known) checkPointer(file, child, page);
    return { page, children: known, cellsWanted };
  }

  visitChildren(parent: InteriorPage, from: number, level: number): void {
    const { children } = parent;
    for (let i = from; i < children.length; i++) {
      this.visit(children[i] as number, level - 1);
      this.listCell(parent, i);
    }
  }

  /** The cell behind child `i`, if there is one and it is wanted. */
  listCell({ page, children, cellsWanted }: InteriorPage, i: number): void {
    if (cellsWanted && i + 1 < children.length) this.list(page, i);
  }

  private list(page: number, cell: number): void {
    this.places.pages.push(page);
    this.places.cells?.push(cell);
  }
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
