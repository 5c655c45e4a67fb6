import assert from 'node:assert/strict';
import type { DiffEvent, Row, RowChange, RowKey, SqlValue } from '../../src/core/sqldiff/model';
import type { OpenedDatabase } from '../../src/core/sqldiff/openDatabase';
import { exactColumns, readRows } from '../../src/core/sqldiff/rowReader';
import {
  changedEntries,
  type DatabaseSchema,
  readSchema,
  type Table,
  type TableColumn,
} from '../../src/core/sqldiff/schema';
import type { SqlConnection, SqlJs } from '../../src/core/sqldiff/sqlJs';
import { sqlName } from '../../src/core/sqldiff/sqlLiteral';
import { compareValues } from '../../src/core/sqldiff/valueOrder';

/** A database opened by SQLite itself, which judges. */
export interface Witness {
  readonly database: OpenedDatabase;
  readonly schema: DatabaseSchema;
}

export function openWitness(sqlJs: SqlJs, contents: Uint8Array): Witness {
  const connection: SqlConnection = new sqlJs.Database(contents);
  const encoding = ['UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be'][Buffer.from(contents).readUInt32BE(56)] as 'UTF-8';
  const database: OpenedDatabase = { connection, schema: 'main', encoding };
  return { database, schema: readSchema(database) };
}

/** A value as text that is equal only for the same type and the same bits. */
export function exactText(value: SqlValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return `i${value}`;
  if (typeof value === 'number') return Object.is(value, -0) ? 'r-0' : `r${value}`;
  if (typeof value === 'string') return `t${JSON.stringify(value)}`;
  if (value instanceof Uint8Array) return `b${Buffer.from(value).toString('hex')}`;
  return `m${Buffer.from(value.malformedText).toString('hex')}`;
}

/**
 * Applies the events to the rows that SQLite reads from the older database and demands that exactly the rows of the newer one
 * come out; also that no event is idle, that updates keep their key, and that keys ascend.
 */
export function assertExact(sqlJs: SqlJs, before: Witness, after: Witness, events: readonly DiffEvent[]): void {
  const [first, ...rest] = events;
  assert.ok(first?.kind === 'schema');
  assert.deepEqual(first.changes, changedEntries(before.schema, after.schema));
  const changes = new Map<string, { key: RowKey; rows: RowChange[] }>();
  let current: { key: RowKey; rows: RowChange[] } | null = null;
  for (const event of rest) {
    if (event.kind === 'table') {
      current = { key: event.table.key, rows: [] };
      const key = event.table.name.toLowerCase();
      assert.ok(!changes.has(key), 'a table comes twice');
      changes.set(key, current);
    } else if (event.kind === 'row') current?.rows.push(event.change);
    else if (event.kind === 'tableEnd') {
      const count = (kind: string): number | undefined => current?.rows.filter((row) => row.kind === kind).length;
      const { inserted, updated, deleted } = event.counts;
      assert.deepEqual([inserted, updated, deleted], [count('insert'), count('update'), count('delete')]);
      current = null;
    }
  }
  const names = new Set([...before.schema.tables.keys(), ...after.schema.tables.keys()]);
  for (const name of names) {
    const older = before.schema.tables.get(name);
    const newer = after.schema.tables.get(name);
    const change = changes.get(name) ?? null;
    changes.delete(name);
    assertTable(sqlJs, name, before, real(older), after, real(newer), change);
  }
  assert.equal(changes.size, 0, 'a table that does not exist');
}

function real(table: Table | undefined): Table | null {
  return table && !table.virtual ? table : null;
}

function assertTable(
  sqlJs: SqlJs,
  name: string,
  before: Witness,
  older: Table | null,
  after: Witness,
  newer: Table | null,
  change: { key: RowKey; rows: RowChange[] } | null,
): void {
  const rows = new Map<string, number>();
  const put = (row: Row, count: number): void => {
    const text = row.map(exactText).join('|');
    const total = (rows.get(text) ?? 0) + count;
    assert.ok(total >= 0, `${name}: a changed row is not in the older table: ${text}`);
    if (total === 0) rows.delete(text);
    else rows.set(text, total);
  };
  if (older) for (const row of rowsOf(before, older)) put(row, 1);
  for (const { before: row } of change?.rows ?? []) if (row) put(row, -1);
  const expected = new Map<string, number>();
  if (newer) {
    for (const row of rowsOf(after, newer)) {
      const text = row.map(exactText).join('|');
      expected.set(text, (expected.get(text) ?? 0) + 1);
    }
  }
  const result = new Map<string, number>();
  const migrate = older && newer ? migration(sqlJs, older, newer) : null;
  for (const [text, count] of rows) {
    assert.ok(migrate, `${name}: rows of a dropped table are left`);
    const migrated = migrate(text.split('|')).join('|');
    result.set(migrated, (result.get(migrated) ?? 0) + count);
  }
  for (const { after: row } of change?.rows ?? []) {
    if (!row) continue;
    const text = row.map(exactText).join('|');
    result.set(text, (result.get(text) ?? 0) + 1);
  }
  assert.deepEqual(sorted(result), sorted(expected), `${name}: rows differ`);
  if (change && older && newer) assertSensible(name, older, newer, change, before, after, migrate as Migration);
}

type Migration = (row: readonly string[]) => string[];

/** What a row of the older table becomes when only the definition changes. '|' never occurs in a value: see exactText. */
function migration(sqlJs: SqlJs, older: Table, newer: Table): Migration {
  const known = new Set(older.columns.map((column) => column.name.toLowerCase()));
  const added = new Map(
    newer.columns.flatMap((column, place) =>
      known.has(column.name.toLowerCase())
        ? []
        : [[place, exactText(addedValue(sqlJs, column, newer.strict))] as const],
    ),
  );
  const places = newer.columns.map((column) =>
    older.columns.findIndex((entry) => entry.name.toLowerCase() === column.name.toLowerCase()),
  );
  return (row) => places.map((place, column) => (place >= 0 ? (row[place] as string) : (added.get(column) as string)));
}

/** What SQLite puts into a row that is older than the column: it is asked to add one. */
function addedValue(sqlJs: SqlJs, { type, defaultSql }: TableColumn, strict: boolean): SqlValue {
  const scratch = new sqlJs.Database();
  try {
    scratch.exec(`CREATE TABLE t(a${strict ? ' ANY) STRICT' : ')'}; INSERT INTO t VALUES(1)`);
    for (const clause of defaultSql === null ? [] : [defaultSql, `(${defaultSql})`]) {
      try {
        scratch.exec(`ALTER TABLE t ADD COLUMN b ${type === '' ? '' : sqlName(type)} DEFAULT ${clause}`);
      } catch {
        continue; // no constant, or an expression that needs parentheses
      }
      for (const row of readRows(scratch, `SELECT ${exactColumns(['b'])} FROM t`, 1, 'UTF-8')) return row[0] ?? null;
    }
    return null;
  } finally {
    scratch.close();
  }
}

function assertSensible(
  name: string,
  older: Table,
  newer: Table,
  { key, rows }: { key: RowKey; rows: RowChange[] },
  before: Witness,
  after: Witness,
  migrate: Migration,
): void {
  const place = (table: Table, column: string): number =>
    table.columns.findIndex((entry) => entry.name.toLowerCase() === column.toLowerCase());
  const placesBefore = key.columns.map((column) => place(older, column));
  const placesAfter = key.columns.map((column) => place(newer, column));
  const exactKey = (row: Row, places: readonly number[]): string =>
    places.map((at) => exactText(row[at] ?? null)).join('|');
  const gone = new Set<string>();
  const come = new Set<string>();
  for (const change of rows) {
    if (change.kind === 'update') {
      const migrated = migrate(change.before.map(exactText)).join('|');
      assert.notEqual(migrated, change.after.map(exactText).join('|'), `${name}: an update that changes nothing`);
      key.columns.forEach((_, i) => {
        const [a, b] = [
          change.before[placesBefore[i] as number] ?? null,
          change.after[placesAfter[i] as number] ?? null,
        ];
        const near = ['BINARY', 'NOCASE', 'RTRIM'].some((collation) => compareValues(a, b, collation, 'UTF-8') === 0);
        assert.ok(near, `${name}: an update with another key`);
      });
      continue;
    }
    if (key.kind === 'content') {
      if (change.kind === 'delete') gone.add(migrate(change.before.map(exactText)).join('|'));
      else come.add(change.after.map(exactText).join('|'));
    } else if (change.kind === 'delete') gone.add(exactKey(change.before, placesBefore));
    else come.add(exactKey(change.after, placesAfter));
  }
  const shared = older.columns.some((column) => place(newer, column.name) >= 0);
  for (const row of shared ? gone : []) assert.ok(!come.has(row), `${name}: the same row goes and comes: ${row}`);
  const plain =
    /NOCASE|RTRIM|DESC/i.test(`${older.sql}${newer.sql}`) || before.database.encoding !== after.database.encoding;
  if (plain || key.kind === 'content') return;
  let last: SqlValue[] | null = null;
  for (const change of rows) {
    const keyOfRow: SqlValue[] = key.columns.map((_, i) =>
      change.after
        ? (change.after[placesAfter[i] as number] ?? null)
        : (change.before?.[placesBefore[i] as number] ?? null),
    );
    if (keyOfRow.some(isLong)) continue;
    if (last) {
      const order = orderOf(last, keyOfRow, before.database.encoding);
      assert.ok(
        order <= 0,
        `${name}: keys do not ascend: ${last.map(exactText)} ${keyOfRow.map(exactText)} ${change.kind}`,
      );
    }
    last = keyOfRow;
  }
}

/** Longer values are ordered by a hash behind their first 1024 bytes. */
function isLong(value: SqlValue): boolean {
  return (value instanceof Uint8Array && value.length > 1024) || (typeof value === 'string' && value.length > 340);
}

function orderOf(a: readonly SqlValue[], b: readonly SqlValue[], encoding: 'UTF-8' | 'UTF-16le' | 'UTF-16be'): number {
  for (let i = 0; i < a.length; i++) {
    const order = compareValues(a[i] ?? null, b[i] ?? null, 'BINARY', encoding);
    if (order !== 0) return order;
  }
  return 0;
}

function sorted(rows: ReadonlyMap<string, number>): [string, number][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

export function* rowsOf({ database }: Witness, table: Table): Generator<Row, void, undefined> {
  const names = table.columns.map((column) => `t.${sqlName(column.name)}`);
  const sql = `SELECT ${exactColumns(names)} FROM ${sqlName(table.name)} t`;
  yield* readRows(database.connection, sql, names.length, database.encoding);
}
