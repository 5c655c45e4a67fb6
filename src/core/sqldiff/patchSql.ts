import { DataManagerError } from '../errors';
import { addedLiteral } from './columnDefaults';
import type { EventWriter } from './eventWriter';
import type { DiffEvent, Row, RowChange, SchemaChange, TableHeader } from './model';
import { addColumnStatements } from './patchAlter';
import {
  changedColumns,
  hasCollations,
  hasFurtherConstraint,
  keyReferences,
  type PatchTarget,
  placesOf,
  touchesConstraint,
} from './patchTarget';
import type { PatchText } from './patchText';
import { rowCondition } from './rowCondition';
import type { DatabaseSchema, SchemaEntry, Table } from './schema';
import { nameKey, ROWID_NAMES } from './schema';
import { sqlLiteral, sqlName } from './sqlLiteral';
import { terminated } from './sqlStatement';
import { StoredUpdate } from './storedUpdate';
import { isMalformed } from './valueOrder';

/** Inserts that wait in memory for the deletes of their table, in characters; further ones wait in a temporary table. */
const MAX_WAITING_CHARACTERS = 16 * 1024 * 1024;
const REBUILT = 'temp.datamanager_rows';
const WAITING = 'temp.datamanager_inserts';

type Creation = Pick<SchemaEntry, 'type' | 'name' | 'sql'>;

export interface PatchSchemas {
  readonly before: DatabaseSchema;
  readonly after: DatabaseSchema;
}

/**
 * Writes a patch: SQL that turns the older database into the newer one, in one transaction, one statement a line.
 *
 * Triggers are dropped first and made last. A table whose definition changed is copied into a temporary one without
 * constraints, patched there, and made anew, so that it ends with exactly the newer CREATE statement; only columns added at
 * the end are added in place. Rows that change under a further unique constraint are deleted first and inserted at the end.
 * Virtual tables come and go as entries of sqlite_schema, and their shadow tables as the ordinary tables that they are: so
 * does the sqlite3 shell's .dump, and no module (FTS5, R-tree) has to be there. The user version, application id and
 * AUTOINCREMENT counters become those of the newer database; text encoding, page size and the rowids of tables that don't
 * name them are left alone.
 *
 * `add` throws DIFF_UNSUPPORTED for text that the older database can't hold: see `notWritable`.
 * Source of the pitfalls: https://www.sqlite.org/lang_altertable.html#otheralter.
 */
export class PatchWriter implements EventWriter {
  private changes: readonly SchemaChange[] = [];
  private begun = false;
  private target: PatchTarget | null = null;
  private readonly handled = new Set<string>();
  private readonly rebuilt = new Set<string>();
  private waiting: string[] = [];
  private waitingCharacters = 0;
  private spilled = false;
  private readonly misstored: Creation[] = [];

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
        if (event.changes.length > 0 || this.numberStatements().length > 0) this.begin();
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
        if (entry.type === type && this.isMadeAgain(type, entry.name, entry.table)) this.statement(entry);
      }
    }
    this.createVirtualTables();
    this.restoreDefinitions();
    for (const statement of this.numberStatements()) this.write(statement);
    this.write('COMMIT;');
    if (this.ignoresChecks()) this.write('PRAGMA ignore_check_constraints=OFF;');
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.write('PRAGMA foreign_keys=OFF;');
    if (this.ignoresChecks()) this.write('PRAGMA ignore_check_constraints=ON;');
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
    this.dropVirtualTables();
    for (const [key, table] of before.tables) {
      const newer = after.tables.get(key);
      if (table.virtual || (newer && !newer.virtual)) continue;
      this.handled.add(key);
      this.write(`DROP TABLE ${sqlName(table.name)};`);
    }
  }

  private dropVirtualTables(): void {
    const { before, after } = this.schemas;
    const gone = [...before.tables].filter(([key, table]) => table.virtual && table.sql !== after.tables.get(key)?.sql);
    if (gone.length === 0) return;
    this.write('PRAGMA writable_schema=ON;');
    for (const [, { name }] of gone) {
      this.write(`DELETE FROM sqlite_schema WHERE type='table' AND name=${sqlLiteral(name)};`);
    }
    // Read anew, or SQLite would still see them.
    this.write('PRAGMA writable_schema=RESET;');
  }

  /** Last, because their shadow tables are then written to as any others. */
  private createVirtualTables(): void {
    const { before, after } = this.schemas;
    const come = [...after.tables].filter(([key, table]) => table.virtual && table.sql !== before.tables.get(key)?.sql);
    if (come.length === 0) return;
    this.write('PRAGMA writable_schema=ON;');
    for (const [, { name, sql }] of come) {
      const values = `'table', ${sqlLiteral(name)}, ${sqlLiteral(name)}, 0, ${sqlLiteral(sql)}`;
      this.write(`INSERT INTO sqlite_schema(type, name, tbl_name, rootpage, sql) VALUES(${values});`);
    }
    this.write('PRAGMA writable_schema=RESET;');
  }

  /** What SQLite keeps beside schema and rows. */
  private numberStatements(): string[] {
    const { before, after } = this.schemas;
    const statements: string[] = [];
    for (const [key, table] of after.tables) {
      if (!/autoincrement/i.test(table.sql)) continue;
      const last = after.sequences.get(key);
      // Changed rows may have moved the counter on.
      if (!this.handled.has(key) && last === before.sequences.get(key)) continue;
      const name = sqlLiteral(table.name);
      statements.push(`DELETE FROM sqlite_sequence WHERE name=${name};`);
      if (last !== undefined) statements.push(`INSERT INTO sqlite_sequence(name, seq) VALUES(${name}, ${last});`);
    }
    if (before.userVersion !== after.userVersion) statements.push(`PRAGMA user_version=${after.userVersion};`);
    if (before.applicationId !== after.applicationId) {
      statements.push(`PRAGMA application_id=${after.applicationId};`);
    }
    return statements;
  }

  /** Rows may be older than the CHECK that they fail. */
  private ignoresChecks(): boolean {
    return [...this.schemas.after.tables.values()].some((table) => /\bcheck\b/i.test(table.sql));
  }

  private openTable(header: TableHeader): PatchTarget {
    const key = nameKey(header.name);
    this.handled.add(key);
    const before = this.schemas.before.tables.get(key) ?? null;
    const after = this.schemas.after.tables.get(key) ?? null;
    const columns = (header.after ?? []).map((column) => column.name);
    const plain = {
      header,
      encoding: this.schemas.before.encoding,
      name: sqlName(header.name),
      keyReferences: before === null ? [] : keyReferences(header, before),
      binaryCollation: before !== null && hasCollations(before) ? ' COLLATE BINARY' : '',
      columns,
      before,
      rowidName: before?.rowidName ?? 'rowid',
      rebuilds: false,
      collides: false,
      writesRows: true,
      finish: [],
    };
    if (after === null || after.virtual) return { ...plain, writesRows: false };
    if (before === null || before.virtual) {
      this.statement({ type: 'table', ...after });
      return plain;
    }
    // Rows that only their content tells apart are found by rowid, of which columns may hide every name.
    const nameless = header.key.kind === 'content' && before.rowidName === null;
    if (nameless) return this.rebuild(plain, before, after);
    if (before.sql === after.sql) return { ...plain, collides: hasFurtherConstraint(header, before) };
    const additions = addColumnStatements(before, after);
    if (additions) {
      for (const addition of additions) this.write(addition);
      return { ...plain, collides: hasFurtherConstraint(header, before) };
    }
    return this.rebuild(plain, before, after);
  }

  private rebuild(plain: PatchTarget, before: Table, after: Table): PatchTarget {
    const names = after.columns.map((column) => sqlName(column.name));
    const values = after.columns.map((column) => {
      const older = before.columns.find((other) => nameKey(other.name) === nameKey(column.name));
      return older ? sqlName(older.name) : addedLiteral(column, after.strict);
    });
    const free = ROWID_NAMES.find((name) => !after.columns.some((column) => nameKey(column.name) === name));
    const own = free === undefined ? ['datamanager_rowid INTEGER PRIMARY KEY'] : [];
    this.write(`CREATE TEMP TABLE datamanager_rows(${[...names, ...own].join(', ')});`);
    this.write(`INSERT INTO ${REBUILT}(${names.join(', ')}) SELECT ${values.join(', ')} FROM ${plain.name};`);
    if (plain.header.key.columns.length > 0) {
      const columns = plain.header.key.columns.map(sqlName).join(', ');
      this.write(`CREATE INDEX temp.datamanager_key ON datamanager_rows(${columns});`);
    }
    const finish = [
      `DROP TABLE ${sqlName(before.name)};`,
      this.closed({ type: 'table', ...after }),
      `INSERT INTO ${plain.name}(${names.join(', ')}) SELECT ${names.join(', ')} FROM ${REBUILT};`,
      `DROP TABLE ${REBUILT};`,
    ];
    return {
      ...plain,
      name: REBUILT,
      rowidName: free ?? 'datamanager_rowid',
      rebuilds: true,
      keyReferences: plain.header.key.columns.map(sqlName),
      binaryCollation: '',
      finish,
    };
  }

  private row(target: PatchTarget, change: RowChange): void {
    const sameEncoding = this.schemas.before.encoding === this.schemas.after.encoding;
    if (!sameEncoding && change.after?.some(isMalformed)) throw notWritable(target.header.name);
    if (change instanceof StoredUpdate && this.out !== null && !target.collides) {
      writeStoredUpdate(this.out, target, change);
      return;
    }
    if (change.kind === 'insert') this.insert(target, change.after);
    else if (change.kind === 'delete')
      this.write(`DELETE FROM ${target.name} WHERE ${rowCondition(target, change.before)};`);
    else if (target.collides && touchesConstraint(target, change)) {
      this.write(`DELETE FROM ${target.name} WHERE ${rowCondition(target, change.before)};`);
      this.insert(target, change.after);
    } else {
      const changed = changedColumns(target.header, change);
      const assignments = changed.map(({ sql, value }) => `${sql}=${sqlLiteral(value, target.encoding)}`);
      this.write(`UPDATE ${target.name} SET ${assignments.join(', ')} WHERE ${rowCondition(target, change.before)};`);
    }
  }

  private insert(target: PatchTarget, row: Row): void {
    const names = target.columns.map(sqlName).join(', ');
    const values = row.map((value) => sqlLiteral(value, target.encoding)).join(', ');
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

  private closeTable(target: PatchTarget): void {
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

  private statement(entry: Creation): void {
    this.write(this.closed(entry));
  }

  private closed(entry: Creation): string {
    const { text, storesItself } = terminated(entry.sql);
    if (!storesItself) this.misstored.push(entry);
    return text;
  }

  /** Definitions that SQLite would store with another end than they had. */
  private restoreDefinitions(): void {
    if (this.misstored.length === 0) return;
    this.write('PRAGMA writable_schema=ON;');
    for (const { type, name, sql } of this.misstored) {
      this.write(`UPDATE sqlite_schema SET sql=${sqlLiteral(sql)} WHERE type='${type}' AND name=${sqlLiteral(name)};`);
    }
    this.write('PRAGMA writable_schema=RESET;');
  }
}

function notWritable(table: string): DataManagerError {
  const message = `No patch can be made: table ${table} holds text that is none in a database of the other text encoding.`;
  return new DataManagerError('DIFF_UNSUPPORTED', message, {
    hint: 'The two files differ in their text encoding (UTF-8, UTF-16), which a patch does not change.',
    data: { table },
  });
}

/** The same text as for any other update, without decoding what it does not name. */
function writeStoredUpdate(out: PatchText, target: PatchTarget, { older, newer, mapping }: StoredUpdate): void {
  const { names, key } = placesOf(target.header);
  const { keyReferences } = target;
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
  for (let i = 0; i < keyReferences.length; i++) {
    const column = key[i] as number;
    out.text(separator);
    out.text(keyReferences[i] as string);
    separator = ' AND ';
    if (older.isNull(column)) {
      out.text(' IS NULL');
      continue;
    }
    out.text('=');
    out.value(older, column);
  }
  out.text(';');
  out.endLine();
}
