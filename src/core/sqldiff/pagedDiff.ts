import type { DiffEvent } from './model';
import { comparePages, type PageChanges, type PageCompareOptions } from './pageCompare';
import { type Catalog, readCatalog } from './pages/catalog';
import type { PageFile } from './pages/pageFile';
import { storesAlike, type TableLayout } from './pages/tableLayout';
import { pruneTrees, type TreeDifference } from './pruneTrees';
import { changedEntries, type DatabaseSchema, nameKey } from './schema';
import { diffTable } from './tableDiff';
import type { RowsWanted } from './tableMerge';
import { TableSource } from './tableSource';

export interface PagedDiffInput extends PageCompareOptions {
  /** Null is the empty database. */
  readonly before: PageFile | null;
  readonly after: PageFile | null;
  /** Row keys declared in the manifest, by table. */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Folder for sorted runs of changes that exceed 16 MiB a table. */
  readonly tempFolder: string;
  /** `none` leaves out `row` events; a consumer that asks for `passing` must not keep them. Default: `kept`. */
  readonly rows?: RowsWanted | undefined;
  /** True counts unchanged rows too, for which every page of a changed table is looked at. */
  readonly countUnchanged?: boolean | undefined;
}

/** A comparison of which everything that concerns whole files has been read. */
export interface PagedDiff {
  readonly schemas: { readonly before: DatabaseSchema; readonly after: DatabaseSchema };
  /** The comparison as a stream; to be asked for once. */
  events(): Generator<DiffEvent, void, undefined>;
}

/**
 * Compares two SQLite files on the level of their pages, without SQLite. What is the same in both is found by comparing bytes
 * and is never looked into, so the cost follows the change. The events are those of `diffDatabases`; `unchanged` is null.
 *
 * Headers, schemas and the structure of trees are read here, so that most damage shows before the first event. Throws
 * SQLITE_DAMAGED; DIFF_UNSUPPORTED where only SQLite can go on; what the files' `onRead` throws; so do the events.
 *
 * @example
 * const { events } = preparePagedDiff({ before, after, tempFolder: tmpdir() });
 * for (const event of events()) ...
 */
export function preparePagedDiff(input: PagedDiffInput): PagedDiff {
  const { before, after } = input;
  const changes = before && after ? comparePages(before, after, input) : null;
  const older = readCatalog(before);
  const newer = readCatalog(after);
  const plan = changes?.identical ? [] : planTables(older, newer);
  const differences = before && after && changes ? prune(before, after, changes, plan) : new Map();
  return {
    schemas: { before: older.schema, after: newer.schema },
    *events() {
      yield { kind: 'schema', changes: changedEntries(older.schema, newer.schema) };
      const keys = new Map(Object.entries(input.keys ?? {}).map(([table, columns]) => [nameKey(table), columns]));
      const rows = input.rows ?? 'kept';
      for (const table of plan) {
        yield* diffTable({
          before: before && table.before && new TableSource(before, table.before, rows !== 'none'),
          after: after && table.after && new TableSource(after, table.after, rows !== 'none'),
          declared: keys.get(table.name),
          difference: differences.get(table.name) ?? null,
          chainsByNumber: changes !== null && !changes.overflowChanged,
          tempFolder: input.tempFolder,
          rows,
          countUnchanged: input.countUnchanged ?? false,
        });
      }
    },
  };
}

interface PlannedTable {
  /** By `nameKey`. */
  readonly name: string;
  readonly before: TableLayout | null;
  readonly after: TableLayout | null;
}

/** Tables with rows of their own on either side, in the order of their names' bytes. */
function planTables(older: Catalog, newer: Catalog): PlannedTable[] {
  const spelling = new Map<string, string>();
  for (const { schema } of [older, newer]) for (const [key, table] of schema.tables) spelling.set(key, table.name);
  return [...spelling]
    .sort(([, a], [, b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name]) => ({ name, before: older.layoutOf(name), after: newer.layoutOf(name) }))
    .filter((table) => table.before !== null || table.after !== null);
}

/** Only tables that store equal rows as equal bytes can be pruned. */
function prune(
  before: PageFile,
  after: PageFile,
  changes: PageChanges,
  plan: readonly PlannedTable[],
): Map<string, TreeDifference> {
  const names: string[] = [];
  const pairs: { before: number; after: number }[] = [];
  for (const table of plan) {
    if (!table.before || !table.after || !storesAlike(table.before, table.after)) continue;
    names.push(table.name);
    pairs.push({ before: table.before.root, after: table.after.root });
  }
  return new Map(pruneTrees(before, after, changes, pairs).map((difference, i) => [names[i] as string, difference]));
}
