import { queryAll } from '../../src/core/sqldiff/openDatabase';
import type { SqlConnection, SqlJs } from '../../src/core/sqldiff/sqlJs';
import { sqlName } from '../../src/core/sqldiff/sqlLiteral';
import { type RandomPair, randomNumbers } from './randomPair';

type Exporting = SqlConnection & { export(): Uint8Array };

const pageSizes = [512, 1024, 2048, 4096, 16384, 32768, 65536];
const encodings = ['UTF-8', 'UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be'];
const names = [
  't',
  'order',
  'a"b',
  'x]y',
  'tab le',
  'Größe',
  '😀',
  "it's",
  'rowid',
  '`tick`',
  'v1.2',
  'select',
  'T;--',
  '/*c*/',
];
const columnNames = [
  'a',
  'group',
  'b"c',
  'd]e',
  'f g',
  'ç',
  '🔑',
  "h'i",
  'oid',
  '_rowid_',
  'rowid',
  '1st',
  'x--y',
  'values',
];
const types = [
  '',
  'INTEGER',
  'TEXT',
  'REAL',
  'NUMERIC',
  'BLOB',
  'ANY',
  'BOOLEAN',
  'TEXT COLLATE NOCASE',
  'VARCHAR(3) COLLATE RTRIM',
];
const strictTypes = ['INT', 'INTEGER', 'TEXT', 'REAL', 'BLOB', 'ANY', 'ANY', 'TEXT COLLATE NOCASE'];

/**
 * Makes a pair by a seed, as `randomPair` does, of what schemas hold beside plain tables: foreign keys, CHECK and UNIQUE with
 * values that swap, partial and expression indexes, triggers (also INSTEAD OF), views over views, STRICT, names that need quotes,
 * full-text tables that come, go and change, counters and numbers in the header, and, where it is hardest to be exact, rows
 * without a key.
 */
export function oddPair(sqlJs: SqlJs, seed: number): RandomPair {
  return new OddPairMaker(sqlJs, seed).make();
}

interface OddTable {
  name: string;
  columns: { name: string; type: string }[];
  readonly rowid: boolean;
  readonly strict: boolean;
}

class OddPairMaker {
  readonly #random: () => number;
  readonly #story: string[] = [];
  readonly #tables: OddTable[] = [];
  readonly #keys: Record<string, string[]> = {};
  readonly #database: Exporting;
  #next = 1;

  constructor(sqlJs: SqlJs, seed: number) {
    this.#random = randomNumbers(seed ^ 0x5eed);
    this.#database = new sqlJs.Database() as Exporting;
  }

  make(): RandomPair {
    this.#try(`PRAGMA page_size=${this.#pick(pageSizes)}`);
    this.#try(`PRAGMA encoding='${this.#pick(encodings)}'`);
    this.#try(`PRAGMA auto_vacuum=${this.#below(3)}`);
    if (this.#chance(0.1)) this.#try('PRAGMA legacy_file_format=ON');
    for (let count = this.#below(4) + 1; count > 0; count--) this.#createTable();
    for (const table of this.#tables) this.#fill(table, this.#below(60));
    for (let count = this.#below(6); count > 0; count--) this.#createSomething();
    const before = this.#database.export();
    for (let count = this.#below(9) + 1; count > 0; count--) this.#edit();
    if (this.#chance(0.1)) this.#try('VACUUM');
    const after = this.#database.export();
    this.#database.close();
    return { before, after, story: this.#story, keys: this.#keys };
  }

  #createTable(): void {
    const name = this.#freshName();
    const strict = this.#chance(0.2);
    const columns = this.#distinct(columnNames, this.#below(5) + 1).map((column) => ({
      name: column,
      type: this.#pick(strict ? strictTypes : types),
    }));
    const definitions = columns.map(
      ({ name: column, type }) =>
        `${sqlName(column)} ${type}${this.#chance(0.15) ? ` DEFAULT ${this.#literalDefault()}` : ''}${this.#columnConstraint(column)}`,
    );
    const [first, second] = [columns[0], columns[1] ?? columns[0]] as [OddTable['columns'][0], OddTable['columns'][0]];
    const pair = `${sqlName(first.name)}${this.#collate()}${second === first ? '' : `, ${sqlName(second.name)}${this.#collate()}`}`;
    const kind = this.#pick([
      'none',
      'none',
      'none',
      'id',
      'id',
      'counter',
      'text',
      'pair',
      'without',
      'without',
      'unique',
    ]);
    let rowid = true;
    if (kind === 'id') definitions.unshift('id INTEGER PRIMARY KEY');
    if (kind === 'counter') definitions.unshift('id INTEGER PRIMARY KEY AUTOINCREMENT');
    if (kind === 'text') definitions.unshift('id TEXT PRIMARY KEY');
    if (this.#chance(0.2))
      definitions.push(
        `gen ${strict ? 'ANY ' : ''}AS (${this.#pick([`typeof(${sqlName(first.name)})`, `${sqlName(first.name)}`, '7'])}) ${this.#pick(['STORED', 'VIRTUAL'])}${this.#chance(0.15) ? ' UNIQUE' : ''}`,
      );
    if (kind === 'pair' || kind === 'without') definitions.push(`PRIMARY KEY(${pair})`);
    if (kind === 'unique') definitions.push(`CONSTRAINT "u q" UNIQUE(${pair})`);
    if (this.#chance(0.15)) definitions.push(`UNIQUE(${sqlName(second.name)})`);
    if (this.#chance(0.15))
      definitions.push(`CHECK(typeof(${sqlName(first.name)})<>'blob' OR length(${sqlName(first.name)})<9)`);
    const parent = this.#tables[0];
    if (parent && this.#chance(0.2))
      definitions.push(
        `FOREIGN KEY(${sqlName(first.name)}) REFERENCES ${sqlName(parent.name)} ON DELETE CASCADE ON UPDATE SET NULL`,
      );
    const options = [...(kind === 'without' ? ['WITHOUT ROWID'] : []), ...(strict ? ['STRICT'] : [])];
    if (kind === 'without') rowid = false;
    const glue = this.#pick([', ', ', ', ',\n  ', ' -- a, b\n, ']);
    if (!this.#try(`CREATE TABLE ${sqlName(name)}(${definitions.join(glue)})${options.join(',')}`)) return;
    const all = ['id', 'counter', 'text'].includes(kind)
      ? [{ name: 'id', type: kind === 'text' ? 'TEXT' : 'INTEGER PRIMARY KEY' }, ...columns]
      : columns;
    const hidden = ['rowid', '_rowid_', 'oid'].some((hiding) => all.some((column) => column.name === hiding));
    this.#tables.push({ name, columns: all, rowid: rowid && !hidden, strict });
    if (this.#chance(0.15)) this.#keys[name] = [first.name];
  }

  #columnConstraint(column: string): string {
    return this.#pick([
      ...Array.from({ length: 12 }, () => ''),
      ' NOT NULL',
      ' UNIQUE',
      ' NOT NULL UNIQUE',
      ` CHECK(${sqlName(column)} IS NOT 'never')`,
      ' NOT NULL DEFAULT 3',
    ]);
  }

  #collate(): string {
    return this.#pick(['', '', '', ' DESC', ' COLLATE NOCASE', ' COLLATE RTRIM', ' COLLATE NOCASE DESC']);
  }

  #createSomething(): void {
    const table = this.#pick(this.#tables);
    if (table === undefined) return;
    const name = sqlName(table.name);
    const column = sqlName(this.#pick(table.columns).name);
    const own = `${this.#pick(['n', 'N ', 'ñ"'])}${this.#next++}`;
    switch (this.#below(9)) {
      case 0:
        this.#try(`CREATE UNIQUE INDEX ${sqlName(own)} ON ${name}(${column}${this.#collate()})`);
        break;
      case 1:
        this.#try(`CREATE UNIQUE INDEX ${sqlName(own)} ON ${name}(${column}) WHERE ${column} > 3`);
        break;
      case 2:
        this.#try(
          `CREATE ${this.#pick(['', 'UNIQUE '])}INDEX ${sqlName(own)} ON ${name}(lower(${column}), length(${column}))`,
        );
        break;
      case 3:
        this.#try(`CREATE VIEW ${sqlName(own)} AS SELECT * FROM ${name} -- end`);
        this.#try(
          `CREATE TRIGGER ${sqlName(`${own}t`)} INSTEAD OF DELETE ON ${sqlName(own)} BEGIN DELETE FROM ${name} WHERE ${column}=old.${column}; END`,
        );
        break;
      case 4:
        this.#try(
          `CREATE TRIGGER ${sqlName(own)} AFTER ${this.#pick(['INSERT', 'DELETE', 'UPDATE', `UPDATE OF ${column}`])} ON ${name}\nBEGIN\n  DELETE FROM ${name} WHERE ${column}='gone'; -- ; END\n  SELECT CASE WHEN 1 THEN 'x;' END;\nEND`,
        );
        break;
      case 5:
        this.#try(`CREATE TRIGGER ${sqlName(own)} BEFORE INSERT ON ${name} BEGIN SELECT RAISE(IGNORE); END`);
        break;
      case 6:
        this.#try(`CREATE VIRTUAL TABLE ${sqlName(own)} USING fts4(body, "the title")`);
        this.#try(`INSERT INTO ${sqlName(own)} VALUES('one two','x'),('three',NULL)`);
        break;
      case 7:
        this.#try(`CREATE VIEW ${sqlName(own)} AS SELECT missing FROM nowhere`);
        break;
      default:
        this.#try(
          `PRAGMA user_version=${this.#below(2 ** 32) - 2 ** 31}; PRAGMA application_id=${this.#pick([0x47504b47, -1, 7])}`,
        );
    }
  }

  #fill(table: OddTable, rows: number): void {
    const list = this.#list(table);
    for (let i = 0; i < rows; i++) {
      const values = table.columns.map(({ type }) =>
        type === 'INTEGER PRIMARY KEY'
          ? this.#pick(['NULL', 'NULL', 'NULL', `${this.#below(500) - 100}`])
          : this.#value(),
      );
      const copies = this.#chance(0.2) ? `,(${values.join(',')})` : '';
      this.#quietly(`INSERT OR IGNORE INTO ${sqlName(table.name)}(${list}) VALUES(${values.join(',')})${copies}`);
    }
  }

  #edit(): void {
    const table = this.#pick(this.#tables);
    if (table === undefined) {
      this.#createTable();
      return;
    }
    const name = sqlName(table.name);
    const column = this.#pick(table.columns);
    if (column === undefined) return;
    const target = sqlName(column.name);
    const some = table.rowid ? `rowid % ${this.#below(7) + 2} = 1` : `length(hex(${target})) % 3 = 1`;
    switch (this.#below(20)) {
      case 0:
      case 1:
        this.#try(`UPDATE OR IGNORE ${name} SET ${target}=${this.#value()} WHERE ${some}`);
        break;
      case 2:
        this.#try(`DELETE FROM ${name} WHERE ${some}`);
        break;
      case 3:
      case 4:
        this.#fill(table, this.#below(20));
        break;
      case 5:
      case 6:
        this.#swap(table, column);
        break;
      case 7:
        this.#try(
          `UPDATE OR IGNORE ${name} SET ${target}=CASE typeof(${target}) WHEN 'real' THEN -${target} WHEN 'text' THEN upper(${target})||' ' ELSE ${target} END`,
        );
        break;
      case 8: {
        const added = this.#pick(columnNames.filter((free) => !table.columns.some((known) => known.name === free)));
        const type = this.#pick(table.strict ? strictTypes : types);
        const extra = this.#pick([
          '',
          '',
          '',
          ' NOT NULL DEFAULT 0',
          ' CHECK(1)',
          ' REFERENCES nowhere',
          " GENERATED ALWAYS AS ('x')",
        ]);
        const clause = extra === '' && this.#chance(0.7) ? ` DEFAULT ${this.#literalDefault()}` : extra;
        if (
          added !== undefined &&
          this.#try(`ALTER TABLE ${name} ADD COLUMN ${sqlName(added)} ${type}${clause}`) &&
          !extra.includes('AS')
        ) {
          table.columns.push({ name: added, type });
          if (this.#chance(0.5)) this.#fill(table, 5);
        }
        break;
      }
      case 9:
        if (this.#try(`ALTER TABLE ${name} DROP COLUMN ${target}`))
          table.columns = table.columns.filter((c) => c !== column);
        break;
      case 10: {
        const renamed = `r ${this.#next++}`;
        if (this.#try(`ALTER TABLE ${name} RENAME COLUMN ${target} TO ${sqlName(renamed)}`)) column.name = renamed;
        break;
      }
      case 11: {
        const renamed = this.#chance(0.3) ? table.name.toUpperCase() : this.#freshName();
        if (this.#try(`ALTER TABLE ${name} RENAME TO ${sqlName(renamed)}`)) table.name = renamed;
        break;
      }
      case 12:
        if (this.#try(`DROP TABLE ${name}`)) this.#tables.splice(this.#tables.indexOf(table), 1);
        break;
      case 13:
        this.#createTable();
        this.#fill(this.#tables.at(-1) ?? table, this.#below(30));
        break;
      case 14:
      case 15:
        this.#createSomething();
        break;
      case 16:
        this.#dropSomething();
        break;
      case 17:
        this.#changeFullText();
        break;
      case 18:
        this.#replaceTable(table);
        break;
      default:
        this.#try(`UPDATE sqlite_sequence SET seq=seq+${this.#below(9)}`);
    }
  }

  /** Values of a column, often a unique one, move round among the rows. */
  #swap({ name, columns, rowid }: OddTable, column: { name: string }): void {
    const target = sqlName(column.name);
    const others = columns.filter((other) => other !== column).map((other) => sqlName(other.name));
    const order = rowid ? 'rowid' : others.join(', ') || target;
    this.#try(
      `CREATE TEMP TABLE moved AS SELECT ${[...others, `coalesce(lead(${target}) OVER moving, first_value(${target}) OVER moving) AS ${target}`].join(', ')} FROM ${sqlName(name)} WINDOW moving AS (ORDER BY ${order}); DELETE FROM ${sqlName(name)}; INSERT OR IGNORE INTO ${sqlName(name)}(${[...others, target].join(', ')}) SELECT * FROM moved; DROP TABLE moved`,
    );
  }

  #dropSomething(): void {
    const entries = this.#entries("sql IS NOT NULL AND type<>'table'");
    if (entries.length === 0) return;
    const [type, name] = this.#pick(entries);
    this.#try(`DROP ${type} ${sqlName(String(name))}`);
  }

  #changeFullText(): void {
    const entries = this.#entries("sql LIKE 'CREATE VIRTUAL%'");
    if (entries.length === 0) return;
    const table = sqlName(String(this.#pick(entries)[1]));
    switch (this.#below(5)) {
      case 0:
        this.#try(`DROP TABLE ${table}`);
        break;
      case 1:
        this.#try(
          `DROP TABLE ${table}; CREATE VIRTUAL TABLE ${table} USING fts4(other); INSERT INTO ${table} VALUES('new words')`,
        );
        break;
      case 2:
        this.#try(`DROP TABLE ${table}; CREATE TABLE ${table}(a); INSERT INTO ${table} VALUES(1)`);
        break;
      default:
        this.#try(
          `INSERT INTO ${table}(body) VALUES('${'word '.repeat(this.#below(300))}'); DELETE FROM ${table} WHERE docid=1`,
        );
    }
  }

  /** Another table, a view or a full-text table under the same name. */
  #replaceTable(table: OddTable): void {
    const name = sqlName(table.name);
    const kind = this.#below(3);
    this.#tables.splice(this.#tables.indexOf(table), 1);
    this.#try(`DROP TABLE ${name}`);
    if (kind === 0) this.#try(`CREATE VIEW ${name} AS SELECT 1 AS a`);
    else if (kind === 1) this.#try(`CREATE VIRTUAL TABLE ${name} USING fts4(body); INSERT INTO ${name} VALUES('x')`);
    else
      this.#try(
        `CREATE TABLE ${name}(${sqlName(this.#pick(columnNames))}, z); INSERT INTO ${name} VALUES(1,-0.0),(2,0.0),(2,0.0)`,
      );
  }

  #entries(condition: string): unknown[][] {
    return queryAll(this.#database, `SELECT type, name FROM sqlite_schema WHERE ${condition}`);
  }

  #freshName(): string {
    const used = new Set(this.#tables.map(({ name }) => name.toLowerCase()));
    const base = this.#pick(names);
    return used.has(base) ? `${base}${this.#next++}` : base;
  }

  #list(table: OddTable): string {
    return table.columns.map((column) => sqlName(column.name)).join(',');
  }

  #literalDefault(): string {
    return this.#pick([
      'NULL',
      '0',
      '-1',
      '1.0',
      '1e3',
      '-0.0',
      "'x'",
      "''",
      "'1'",
      "'1.50'",
      "x'31'",
      'TRUE',
      'word',
      '"word"',
      "'a''b'",
    ]);
  }

  /** Few distinct values, so that rows repeat, and those of a kind that are easily confused. */
  #value(): string {
    return this.#pick([
      'NULL',
      '0',
      '1',
      '2',
      '3',
      '-1',
      '0.0',
      '-0.0',
      '1.0',
      '2.5',
      '-2.5',
      '1e300',
      '5e-324',
      '9e999',
      '-9e999',
      '0.1',
      '1e15',
      '1e16',
      '123456789012345678',
      "''",
      "'0'",
      "'1'",
      "'1.0'",
      "'a'",
      "'A'",
      "'a '",
      "'á'",
      "'😀'",
      "'gone'",
      "'a'||char(0)",
      "'a'||char(0)||'b'",
      "'l'||char(10)||'m'",
      "'r'||char(13)",
      "'it''s; --'",
      "x''",
      "x'00'",
      "x'61'",
      "x'31'",
      "CAST(x'ff' AS TEXT)",
      "CAST(x'00d8' AS TEXT)",
      "CAST(x'd8003100' AS TEXT)",
      "CAST(x'61' AS TEXT)",
      'char(65279)',
      'char(65534)',
      'char(1114111)',
      '9223372036854775807',
      '-9223372036854775808',
      '9223372036854775806.0',
      '9007199254740993',
      '4611686018427387904',
      '32768',
      '-129',
      '8388608',
      '140737488355328',
      `${this.#below(1000)}`,
      `${this.#below(1000)}`,
      `'k${this.#below(50)}'`,
      `'k${this.#below(50)}'`,
      `${(this.#random() - 0.5) * 10 ** this.#below(30)}`,
      `zeroblob(${this.#below(3000)})`,
      `hex(zeroblob(${this.#below(2000)}))`,
    ]);
  }

  #quietly(sql: string): void {
    try {
      this.#database.exec(sql);
    } catch {
      // refused by a constraint or type
    }
  }

  #try(sql: string): boolean {
    try {
      const alone = /^(PRAGMA|VACUUM)/.test(sql);
      if (!alone) this.#database.exec('SAVEPOINT s');
      this.#database.exec(sql);
      if (!alone) this.#database.exec('RELEASE s');
      this.#story.push(sql);
      return true;
    } catch (error) {
      this.#quietly('ROLLBACK TO s');
      this.#quietly('RELEASE s');
      this.#story.push(`-- ${sql}: ${(error as Error).message}`);
      return false;
    }
  }

  #distinct<T>(choices: readonly T[], count: number): T[] {
    const left = [...choices];
    return Array.from({ length: count }, () => left.splice(this.#below(left.length), 1)[0] as T);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)] as T;
  }
}
