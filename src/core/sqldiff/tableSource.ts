import type { Column } from './model';
import type { WalkedTree } from './pages/btree';
import { damaged } from './pages/damage';
import type { PageFile } from './pages/pageFile';
import { RowCursor } from './pages/rowCursor';
import type { TableLayout } from './pages/tableLayout';
import { wholeTree } from './pruneTrees';
import { RowDecoder } from './rowDecoder';
import { nameKey } from './schema';

/** One side's table: where it is and how its rows are read. */
export class TableSource {
  readonly decoder: RowDecoder;

  constructor(
    readonly file: PageFile,
    readonly layout: TableLayout,
    rowsWanted = true,
  ) {
    this.decoder = new RowDecoder(file, layout, rowsWanted);
  }

  /**
   * A cursor over the rows at these places; null means all.
   *
   * Throws SQLITE_DAMAGED when the tree is not of the kind that the table's definition asks for.
   */
  openRows(places: WalkedTree | null): RowCursor {
    const tree = places ?? wholeTree(this.file, this.layout.root);
    const expected = this.layout.treeKey === null ? 'table' : 'index';
    if (tree.kind !== expected) throw damaged('a table has a tree of the wrong kind', this.layout.root);
    return new RowCursor(this.file, tree.kind, tree.places);
  }

  columns(): Column[] {
    return this.layout.table.columns.map(({ name, type, primaryKey }) => ({ name, type, primaryKey }));
  }

  /** Places of columns by name. */
  placesOf(names: readonly string[]): number[] {
    const places = new Map(this.layout.table.columns.map((column, place) => [nameKey(column.name), place]));
    return names.map((name) => places.get(nameKey(name)) ?? -1);
  }
}
