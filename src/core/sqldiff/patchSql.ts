import { foreseeableDefault } from './columnDefaults';
import type { EventWriter } from './eventWriter';
import type { DiffEvent, Row, RowChange, SchemaChange, SqlValue, TableHeader } from './model';
import { addColumnStatements } from './patchAlter';
import type { PatchText } from './patchText';
import type { DatabaseSchema, Table } from './schema';
import { nameKey } from './schema';
import { sqlLiteral, sqlName } from './sqlLiteral';
import { StoredUpdate } from './storedUpdate';
import { sameValue } from './valueOrder';

/** Inserts that wait in memory for the deletes of their table, in characters; further ones wait in a temporary table. */
const MAX_WAITING_CHARACTERS = 16 * 1024 * 1024;
const REBUILT = 'temp.datamanager_rows';
const WAITING = 'temp.datamanager_inserts';

export interface PatchSchemas {
  readonly before: DatabaseSchema;
  readonly after: DatabaseSchema;
}

/**
 * Why no patch can lead from one schema to the other; null when one can.
 *
 * @example
 * if (patchObstacle(schemas) === null) ...
 */
export function patchObstacle({ before, after }: PatchSchemas): string | null {
  for (const [key, newer] of after.tables) {
    const older = before.tables.get(key);
    if (older && (older.virtual || newer.virtual) && older.sql !== newer.sql) {
      return `The definition of virtual table ${newer.name} changed.`;
    }
  }
  return null;
}

/** How the rows of the current table are written. */
interface Target {
  readonly header: TableHeader;
  /** Name in SQL of the table that the statements change. */
  readonly name: string;
  /** Columns that the statements may name. */
  readonly columns: readonly string[];
  readonly before: Table | null;
  /** True when a row may hold a unique value that another changed row is about to give up. */
  readonly collides: boolean;
  /** False for a dropped table: its rows go with it. */
  readonly writesRows: boolean;
  readonly finish: readonly string[];
}

/**
 * Writes a patch: SQL that turns the older database into the newer one, in one transaction, one statement a line.
 *
 * Triggers are dropped first and made last. A table whose definition changed is copied into a temporary one without
 * constraints, patched there, and made anew, so that it ends with exactly the newer CREATE statement; only columns added at
 * the end are added in place. Rows that change under a further unique constraint are deleted first and inserted at the end.
 * Source of the pitfalls: https://www.sqlite.org/lang_altertable.html#otheralter.
 */
export class PatchWriter implements EventWriter {
  private changes: readonly SchemaChange[] = [];
  private begun = false;
  private target: Target | null = null;
  private readonly handled = new Set<string>();
  private readonly rebuilt = new Set<string>();
  private waiting: string[] = [];
  private waitingCharacters = 0;
  private spilled = false;

  /**
   * @example
   * const writer = new PatchWriter(schemas, (statement) => out.line(statement));
   */
  constructor(
    private readonly schemas: PatchSchemas,
    private readonly write: (statement: string) => void,
    /** Where statements can be written piece by piece, in turn with those of `write`. */
    private readonly out: PatchText | null = null,
  ) {}

  add(event: DiffEvent): void {
    switch (event.kind) {
      case 'schema':
        this.changes = event.changes;
        if (event.changes.length > 0) this.begin();
        break;
      case 'table':
        this.begin();
        this.target = this.openTable(event.table);
        break;
      case 'row':
        if (this.target?.writesRows) this.row(this.target, event.change);
        break;
      case 'tableEnd':
        if (this.target) this.closeTable(this.target);
        this.target = null;
        break;
    }
  }

  end(): void {
    if (!this.begun) return;
    // Tables whose definition changed but none of their rows or columns.
    for (const change of this.changes) {
      if (change.type !== 'table' || this.handled.has(nameKey(change.name))) continue;
      const header = this.headerOf(change.name);
      if (header) this.closeTable(this.openTable(header));
    }
    for (const type of ['index', 'view', 'trigger'] as const) {
      for (const entry of this.schemas.after.entries) {
        if (entry.type === type && this.isMadeAgain(type, entry.name, entry.table)) this.statement(entry.sql);
      }
    }
    this.write('COMMIT;');
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.write('PRAGMA foreign_keys=OFF;');
    this.write('BEGIN;');
    const { before, after } = this.schemas;
    for (const entry of before.entries)
      if (entry.type === 'trigger') this.write(`DROP TRIGGER ${sqlName(entry.name)};`);
    for (const type of ['view', 'index'] as const) {
      for (const change of this.changes) {
        if (change.type === type && change.before !== null)
          this.write(`DROP ${type.toUpperCase()} ${sqlName(change.name)};`);
      }
    }
    const dropped = [...before.tables].filter(([key]) => !after.tables.has(key)).map(([, table]) => table);
    // A virtual table takes its shadow tables along.
    for (const table of dropped.sort((a, b) => Number(b.virtual) - Number(a.virtual))) {
      this.handled.add(nameKey(table.name));
      this.write(`DROP TABLE IF EXISTS ${sqlName(table.name)};`);
    }
    for (const [key, table] of after.tables) {
      if (!table.virtual || before.tables.has(key)) continue;
      this.handled.add(key);
      this.statement(table.sql);
    }
  }

  private openTable(header: TableHeader): Target {
    const key = nameKey(header.name);
    this.handled.add(key);
    const before = this.schemas.before.tables.get(key) ?? null;
    const after = this.schemas.after.tables.get(key) ?? null;
    const columns = (header.after ?? []).map((column) => column.name);
    const plain = {
      header,
      name: sqlName(header.name),
      columns,
      before,
      collides: false,
      writesRows: true,
      finish: [],
    };
    if (after === null) return { ...plain, writesRows: false };
    if (before === null) {
      const owner = after.shadowOf === null ? undefined : this.schemas.before.tables.get(nameKey(after.shadowOf));
      // Making the virtual table made this one, with first rows of its own.
      if (after.shadowOf !== null && !owner) this.write(`DELETE FROM ${plain.name};`);
      else this.statement(after.sql);
      return plain;
    }
    if (before.sql === after.sql) return { ...plain, collides: hasFurtherConstraint(header, before) };
    const additions = addColumnStatements(before, after);
    if (additions) {
      for (const addition of additions) this.write(addition);
      return { ...plain, collides: hasFurtherConstraint(header, before) };
    }
    return this.rebuild(plain, before, after);
  }

  private rebuild(plain: Target, before: Table, after: Table): Target {
    const names = after.columns.map((column) => sqlName(column.name));
    const values = after.columns.map((column) => {
      const older = before.columns.find((other) => nameKey(other.name) === nameKey(column.name));
      return older ? sqlName(older.name) : foreseeableDefault(column);
    });
    this.write(`CREATE TEMP TABLE datamanager_rows(${names.join(', ')});`);
    this.write(`INSERT INTO ${REBUILT} SELECT ${values.join(', ')} FROM ${plain.name};`);
    if (plain.header.key.columns.length > 0) {
      const columns = plain.header.key.columns.map(sqlName).join(', ');
      this.write(`CREATE INDEX temp.datamanager_key ON datamanager_rows(${columns});`);
    }
    const finish = [
      `DROP TABLE ${sqlName(before.name)};`,
      terminated(after.sql),
      `INSERT INTO ${plain.name}(${names.join(', ')}) SELECT * FROM ${REBUILT};`,
      `DROP TABLE ${REBUILT};`,
    ];
    return { ...plain, name: REBUILT, finish };
  }

  private row(target: Target, change: RowChange): void {
    if (change instanceof StoredUpdate && this.out !== null && !target.collides) {
      writeStoredUpdate(this.out, target, change);
      return;
    }
    if (change.kind === 'insert') this.insert(target, change.after);
    else if (change.kind === 'delete')
      this.write(`DELETE FROM ${target.name} WHERE ${rowCondition(target, change.before)};`);
    else if (target.collides && this.touchesConstraint(target, change)) {
      this.write(`DELETE FROM ${target.name} WHERE ${rowCondition(target, change.before)};`);
      this.insert(target, change.after);
    } else {
      const changed = changedColumns(target.header, change);
      const assignments = changed.map(({ sql, value }) => `${sql}=${sqlLiteral(value)}`);
      this.write(`UPDATE ${target.name} SET ${assignments.join(', ')} WHERE ${rowCondition(target, change.before)};`);
    }
  }

  private insert(target: Target, row: Row): void {
    const names = target.columns.map(sqlName).join(', ');
    const values = row.map(sqlLiteral).join(', ');
    const statement = `INSERT INTO ${target.name}(${names}) VALUES(${values});`;
    if (!target.collides) this.write(statement);
    else if (this.waitingCharacters + statement.length <= MAX_WAITING_CHARACTERS) {
      this.waiting.push(statement);
      this.waitingCharacters += statement.length;
    } else {
      if (!this.spilled) this.write(`CREATE TEMP TABLE datamanager_inserts(${names});`);
      this.spilled = true;
      this.write(`INSERT INTO ${WAITING} VALUES(${values});`);
    }
  }

  private closeTable(target: Target): void {
    for (const statement of this.waiting) this.write(statement);
    if (this.spilled) {
      const names = target.columns.map(sqlName).join(', ');
      this.write(`INSERT INTO ${target.name}(${names}) SELECT * FROM ${WAITING};`);
      this.write(`DROP TABLE ${WAITING};`);
    }
    this.waiting = [];
    this.waitingCharacters = 0;
    this.spilled = false;
    for (const statement of target.finish) this.write(statement);
    if (target.finish.length > 0) this.rebuilt.add(nameKey(target.header.name));
  }

  private isMadeAgain(type: 'index' | 'view' | 'trigger', name: string, table: string): boolean {
    if (type === 'trigger') return true;
    if (type === 'index' && this.rebuilt.has(nameKey(table))) return true;
    return this.changes.some((change) => change.type === type && nameKey(change.name) === nameKey(name));
  }

  private touchesConstraint(target: Target, change: Extract<RowChange, { kind: 'update' }>): boolean {
    const changed = new Set(changedColumns(target.header, change).map(({ name }) => nameKey(name)));
    return (target.before?.uniqueIndexes ?? []).some(
      (index) => index.columns === null || index.columns.some((column) => changed.has(nameKey(column.name))),
    );
  }

  private headerOf(name: string): TableHeader | null {
    const older = this.schemas.before.tables.get(nameKey(name));
    const newer = this.schemas.after.tables.get(nameKey(name));
    if (!newer || newer.virtual) return null;
    return {
      name: newer.name,
      before: older?.columns ?? null,
      after: newer.columns,
      key: { kind: 'content', columns: [] },
    };
  }

  private statement(sql: string): void {
    this.write(terminated(sql));
  }
}

/** A comment at the end of a statement would swallow the semicolon. */
function terminated(sql: string): string {
  return sql.includes('--') ? `${sql}\n;` : `${sql};`;
}

function hasFurtherConstraint(header: TableHeader, before: Table): boolean {
  const key = header.key.columns.map(nameKey).sort().join('\0');
  return before.uniqueIndexes.some(
    (index) =>
      index.columns
        ?.map((column) => nameKey(column.name))
        .sort()
        .join('\0') !== key,
  );
}

function changedColumns(
  header: TableHeader,
  change: Extract<RowChange, { kind: 'update' }>,
): { readonly name: string; readonly sql: string; readonly value: SqlValue }[] {
  const { older, names } = placesOf(header);
  const changed: { name: string; sql: string; value: SqlValue }[] = [];
  header.after?.forEach((column, place) => {
    const value = change.after[place] ?? null;
    const source = older[place] ?? -1;
    if (source >= 0 && sameValue(change.before[source] ?? null, value)) return;
    changed.push({ name: column.name, sql: names[place] as string, value });
  });
  return changed;
}

/** The same text as for any other update, without decoding what it does not name. */
function writeStoredUpdate(out: PatchText, target: Target, { older, newer, mapping }: StoredUpdate): void {
  const { names, key, keyNames } = placesOf(target.header);
  let separator = ' SET ';
  out.text('UPDATE ');
  out.text(target.name);
  for (let column = 0; column < names.length; column++) {
    if (!mapping.differs(column)) continue;
    out.text(separator);
    out.text(names[column] as string);
    out.text('=');
    out.value(newer, column);
    separator = ', ';
  }
  separator = ' WHERE ';
  const exact = target.header.key.kind === 'declared' ? collateOf(target) : '';
  for (let i = 0; i < keyNames.length; i++) {
    const column = key[i] as number;
    out.text(separator);
    out.text(keyNames[i] as string);
    separator = ' AND ';
    if (older.isNull(column)) {
      out.text(' IS NULL');
      continue;
    }
    out.text(exact);
    out.text('=');
    out.value(older, column);
  }
  out.text(';');
  out.endLine();
}

interface ColumnPlaces {
  /** Place before of each column after; -1 when it is new. */
  readonly older: readonly number[];
  /** Place before of each key column. */
  readonly key: readonly number[];
  /** Names of columns after, and of key columns, as SQL. */
  readonly names: readonly string[];
  readonly keyNames: readonly string[];
}

/** Looked up once a table: there may be millions of rows. */
const knownPlaces = new WeakMap<TableHeader, ColumnPlaces>();

function placesOf(header: TableHeader): ColumnPlaces {
  let places = knownPlaces.get(header);
  if (places === undefined) {
    const before = new Map((header.before ?? []).map((column, place) => [nameKey(column.name), place]));
    const placeOf = (name: string): number => before.get(nameKey(name)) ?? -1;
    const after = header.after ?? [];
    places = {
      older: after.map((column) => placeOf(column.name)),
      key: header.key.columns.map(placeOf),
      names: after.map((column) => sqlName(column.name)),
      keyNames: header.key.columns.map(sqlName),
    };
    knownPlaces.set(header, places);
  }
  return places;
}

/** Finds one row: by its key, or one of those that hold exactly this content. */
function rowCondition(target: Target, row: Row): string {
  const { header, before, name } = target;
  const columns = header.before ?? [];
  const rebuilding = name === REBUILT;
  const collate = collateOf(target);
  if (header.key.kind !== 'content') {
    const exact = header.key.kind === 'declared' ? collate : '';
    const { key, keyNames } = placesOf(header);
    return keyNames
      .map((name, i) => {
        const value = row[key[i] ?? -1] ?? null;
        return value === null ? `${name} IS NULL` : `${name}${exact}=${sqlLiteral(value)}`;
      })
      .join(' AND ');
  }
  const known = new Set(target.columns.map(nameKey));
  const terms = columns.flatMap((column, place) => {
    const value = row[place] ?? null;
    if (rebuilding && !known.has(nameKey(column.name))) return [];
    const reference = sqlName(column.name);
    if (value === null) return [`${reference} IS NULL`];
    const type = typeof value === 'bigint' ? 'integer' : typeof value === 'number' ? 'real' : null;
    const equal = `${reference}${type === null ? collate : ''}=${sqlLiteral(value)}`;
    return type === null ? [equal] : [equal, `typeof(${reference})='${type}'`];
  });
  const rowid = rebuilding ? (freeRowidName(target.columns) ?? 'rowid') : (before?.rowidName ?? 'rowid');
  return `${rowid}=(SELECT ${rowid} FROM ${name} WHERE ${terms.join(' AND ') || 'true'} LIMIT 1)`;
}

function collateOf({ before, name }: Target): string {
  return name !== REBUILT && before && /collate/i.test(before.sql) ? ' COLLATE BINARY' : '';
}

function freeRowidName(columns: readonly string[]): string | undefined {
  const taken = new Set(columns.map(nameKey));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
}
