import type { PageChanges } from './pageCompare';
import { type RowPlaces, type WalkedTree, type WalkVisitor, walkTree, walkTrees } from './pages/btree';
import { damaged } from './pages/damage';
import { chainTouches } from './pages/overflow';
import type { PageFile } from './pages/pageFile';
import { RowCursor } from './pages/rowCursor';

/** Root pages of a table in both files. */
export interface TreePair {
  readonly before: number;
  readonly after: number;
}

/** Where in both trees rows are that may differ. */
export interface TreeDifference {
  readonly before: WalkedTree;
  readonly after: WalkedTree;
}

/**
 * Finds the parts of table trees that may hold different rows. A page is left out of both sides when it belongs to the same
 * table's tree in both files, its bytes are equal, and no overflow chain of its rows has changed. Keys are unique in a
 * tree, so taking equal rows away from both sides can't change the difference of the rest, which stays in key order.
 * No assumption is made about where pages lie, free pages, or how the trees are shaped.
 *
 * Throws SQLITE_DAMAGED.
 *
 * @example
 * const [capacity] = pruneTrees(before, after, changes, [{ before: 2, after: 2 }]);
 */
export function pruneTrees(
  before: PageFile,
  after: PageFile,
  changes: PageChanges,
  pairs: readonly TreePair[],
): TreeDifference[] {
  const older = new Side(before, pairs.length);
  const newer = new Side(after, pairs.length);
  const differences: TreeDifference[] = [];
  const unequal = new Set<number>();
  pairs.forEach((pair, index) => {
    const id = index + 1;
    // First only changed pages are listed; nearly always the unchanged ones are the same in both trees.
    const counts = { before: 0, after: 0, common: 0 };
    const isChanged = (page: number): boolean => changes.isChanged(page);
    // A page that both own is counted by the side that comes to it second.
    const visitor = {
      before: older.visitor(id, isChanged, (page) => {
        if (isChanged(page)) return;
        counts.before++;
        if (newer.owns(id, page)) counts.common++;
      }),
      after: newer.visitor(id, isChanged, (page) => {
        if (isChanged(page)) return;
        counts.after++;
        if (older.owns(id, page)) counts.common++;
      }),
      isSame: (page: number) => !isChanged(page),
    };
    differences.push(walkTrees(before, after, pair, visitor));
    if (counts.before !== counts.common || counts.after !== counts.common) unequal.add(index);
  });
  if (changes.overflowChanged && !changes.everything) {
    pairs.forEach((pair, index) => {
      const id = index + 1;
      const isShared = (page: number): boolean => !changes.isChanged(page) && newer.owns(id, page);
      const shared = walkTree(before, pair.before, { enter: nothing, wants: isShared });
      if (markChangedOverflow(before, shared, changes)) unequal.add(index);
    });
  }
  for (const index of unequal) {
    const id = index + 1;
    const pair = pairs[index] as TreePair;
    differences[index] = {
      before: older.list(pair.before, (page) => changes.isChanged(page) || !newer.owns(id, page)),
      after: newer.list(pair.after, (page) => changes.isChanged(page) || !older.owns(id, page)),
    };
  }
  return differences;
}

/**
 * All row places of a tree.
 *
 * @example
 * wholeTree(file, layout.root).pages;
 */
export function wholeTree(file: PageFile, root: number): WalkedTree {
  return new Side(file, 1).walk(root, 1, () => true, nothing);
}

/** True when a side has no row places left. */
export function isEmpty(places: RowPlaces): boolean {
  return places.pages.length === 0;
}

const nothing = (): void => undefined;

/** Which tree each page of a file belongs to. */
class Side {
  readonly #owners: Uint16Array | Uint32Array;

  constructor(
    private readonly file: PageFile,
    trees: number,
  ) {
    const size = file.pageCount + 1;
    this.#owners = trees < 65535 ? new Uint16Array(size) : new Uint32Array(size);
  }

  owns(id: number, page: number): boolean {
    return this.#owners[page] === id;
  }

  /** Takes the pages of one tree as its own. */
  visitor(id: number, wants: (page: number) => boolean, entered: (page: number) => void): WalkVisitor {
    const owners = this.#owners;
    return {
      enter(page) {
        if (owners[page] !== 0) throw damaged('a page is used twice', page);
        owners[page] = id;
        entered(page);
      },
      wants,
    };
  }

  walk(root: number, id: number, wants: (page: number) => boolean, entered: (page: number) => void): WalkedTree {
    return walkTree(this.file, root, this.visitor(id, wants, entered));
  }

  list(root: number, wants: (page: number) => boolean): WalkedTree {
    return walkTree(this.file, root, { enter: nothing, wants });
  }
}

/**
 * Marks unchanged pages that hold a row whose overflow chain meets a changed page. The first differing page of an otherwise
 * equal chain has the same number in both files, so following the chains of one file is enough.
 */
function markChangedOverflow(file: PageFile, { kind, places }: WalkedTree, changes: PageChanges): boolean {
  const cursor = new RowCursor(file, kind, places);
  let marked = false;
  for (; !cursor.done; cursor.next()) {
    if (cursor.overflow === 0 || changes.isChanged(cursor.page)) continue;
    if (!chainTouches(file, cursor, (page) => changes.isSuspect(page))) continue;
    changes.mark(cursor.page);
    marked = true;
  }
  return marked;
}
