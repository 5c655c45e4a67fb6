import { queryAll, queryEach } from '../../src/core/sqldiff/openDatabase';
import { exactColumns, readRows } from '../../src/core/sqldiff/rowReader';
import type { SqlConnection, SqlJs } from '../../src/core/sqldiff/sqlJs';
import { sqlLiteral, sqlName } from '../../src/core/sqldiff/sqlLiteral';

/** Two databases as file contents, made from nothing but a seed. */
export interface RandomPair {
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /** What was done, to be read when a pair fails. */
  readonly story: readonly string[];
  /** Row keys as a manifest could declare them. */
  readonly keys: Readonly<Record<string, readonly string[]>>;
}

type Exporting = SqlConnection & { export(): Uint8Array };

const pageSizes = [512, 512, 512, 1024, 1024, 4096, 4096, 8192, 65536];
const encodings = ['UTF-8', 'UTF-8', 'UTF-8', 'UTF-8', 'UTF-16le', 'UTF-16be'] as const;
const types = [
  'INTEGER',
  'TEXT',
  'REAL',
  'BLOB',
  'NUMERIC',
  '',
  'VARCHAR(10)',
  'DOUBLE PRECISION',
  'INT',
  'text collate nocase',
  'TEXT COLLATE RTRIM',
];

/**
 * Makes a pair of databases by a seed: random schema, rows and edits, covering page sizes, encodings, auto-vacuum, WITHOUT
 * ROWID, collations, overflow, generated columns, altered and rebuilt tables, VACUUM.
 */
export function randomPair(sqlJs: SqlJs, seed: number): RandomPair {
  return new PairMaker(sqlJs, seed).make();
}

/** Small, fast, well spread generator of numbers in [0, 1). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface MadeTable {
  readonly name: string;
  columns: { name: string; type: string }[];
  readonly withoutRowid: boolean;
}

class PairMaker {
  readonly #random: () => number;
  readonly #story: string[] = [];
  readonly #tables: MadeTable[] = [];
  readonly #keys: Record<string, string[]> = {};
  #next = 1;
  #database: Exporting;

  constructor(
    private readonly sqlJs: SqlJs,
    seed: number,
  ) {
    this.#random = randomNumbers(seed);
    this.#database = new sqlJs.Database() as Exporting;
  }

  make(): RandomPair {
    this.#run(`PRAGMA page_size=${this.#pick(pageSizes)}`);
    const encoding = this.#pick(encodings);
    this.#run(`PRAGMA encoding='${encoding}'`);
    this.#run(`PRAGMA auto_vacuum=${this.#pick([0, 0, 0, 1, 2])}`);
    const tables = this.#below(4) + 1;
    for (let i = 0; i < tables; i++) this.#createTable();
    for (const table of this.#tables) this.#fill(table, this.#chance(0.15) ? 1500 : this.#below(120));
    if (this.#chance(0.2)) this.#extras();
    const before = this.#database.export();
    const edits = this.#below(6) + (this.#chance(0.05) ? 0 : 1);
    for (let i = 0; i < edits; i++) this.#edit();
    if (this.#chance(0.15)) this.#try('VACUUM');
    if (this.#chance(0.08)) {
      this.#try(`PRAGMA page_size=${this.#pick(pageSizes)}`);
      this.#try('VACUUM');
    }
    if (this.#chance(0.08)) this.#rewrite(this.#pick(encodings));
    const after = this.#database.export();
    this.#database.close();
    return { before, after, story: this.#story, keys: this.#keys };
  }

  #createTable(): void {
    const name = this.#chance(0.2) ? `T "${this.#next++}" ü` : `t${this.#next++}`;
    const columns = Array.from({ length: this.#below(6) + 1 }, (_, i) => ({
      name: this.#chance(0.1) ? `c ${i}'` : `c${i}`,
      type: this.#pick(types),
    }));
    const kind = this.#pick([
      'alias',
      'alias',
      'text',
      'composite',
      'none',
      'none',
      'unique',
      'without',
      'without',
      'descending',
      'declared',
      'autoincrement',
    ]);
    const definitions = columns.map(
      (column) =>
        `${sqlName(column.name)} ${column.type}${this.#chance(0.2) ? ` DEFAULT ${this.#literalDefault()}` : ''}`,
    );
    let options = '';
    const all = [...columns];
    const first = columns[0] as { name: string; type: string };
    const second = columns[1] ?? first;
    const parts = (): string => {
      const one = `${sqlName(first.name)}${this.#pick(['', '', ' COLLATE NOCASE', ' COLLATE RTRIM'])}${this.#pick(['', '', ' DESC'])}`;
      return second === first ? one : `${one}, ${sqlName(second.name)}${this.#pick(['', ' DESC'])}`;
    };
    if (kind === 'alias' || kind === 'autoincrement') {
      definitions.splice(
        this.#below(definitions.length + 1),
        0,
        `id INTEGER PRIMARY KEY${kind === 'alias' ? '' : ' AUTOINCREMENT'}`,
      );
    } else if (kind === 'descending') {
      definitions.push('id INTEGER PRIMARY KEY DESC');
    } else if (kind === 'text') {
      definitions[0] = `${sqlName(first.name)} ${first.type} PRIMARY KEY`;
    } else if (kind === 'composite') {
      definitions.push(`PRIMARY KEY(${parts()})`);
    } else if (kind === 'unique') {
      definitions[0] = `${sqlName(first.name)} ${first.type} NOT NULL /* a comment, with ) */ UNIQUE`;
    } else if (kind === 'without') {
      definitions.push(`PRIMARY KEY(${parts()})`);
      options = ' WITHOUT ROWID';
    } else if (kind === 'declared') {
      this.#keys[name] = [first.name];
    }
    if (this.#chance(0.2))
      definitions.splice(
        definitions.findIndex((text) => /^(PRIMARY|UNIQUE)/.test(text)) >= 0
          ? definitions.length - 1
          : definitions.length,
        0,
        `g AS (typeof(${sqlName(first.name)})) ${this.#pick(['STORED', 'VIRTUAL'])}`,
      );
    const sql = `CREATE TABLE ${sqlName(name)}(${definitions.join(', ')})${options}`;
    if (!this.#try(sql)) return;
    if (['alias', 'autoincrement', 'descending'].includes(kind)) all.push({ name: 'id', type: 'INTEGER' });
    this.#tables.push({ name, columns: all, withoutRowid: kind === 'without' });
    if (this.#chance(0.3))
      this.#try(
        `CREATE ${this.#pick(['', 'UNIQUE '])}INDEX i${this.#next++} ON ${sqlName(name)}(${sqlName(second.name)})`,
      );
  }

  #fill({ name, columns }: MadeTable, rows: number): void {
    this.#run('BEGIN');
    const wide = this.#chance(0.1);
    for (let i = 0; i < rows; i++) {
      const values = columns.map((column) => (column.name === 'id' ? this.#rowid() : this.#value(wide)));
      const list = columns.map((column) => sqlName(column.name)).join(',');
      try {
        this.#database.exec(`INSERT OR IGNORE INTO ${sqlName(name)}(${list}) VALUES(${values.join(',')})`);
      } catch {
        break; // AUTOINCREMENT behind the largest rowid
      }
    }
    this.#try('COMMIT');
  }

  #extras(): void {
    const table = this.#pick(this.#tables);
    if (table === undefined) return;
    this.#try(`CREATE VIEW v AS SELECT * FROM ${sqlName(table.name)}`);
    this.#try('CREATE VIRTUAL TABLE f USING fts4(body)');
    this.#try("INSERT INTO f VALUES('one two'),('three'),('four five six')");
    this.#try(`CREATE TRIGGER tr AFTER DELETE ON ${sqlName(table.name)} BEGIN SELECT 1; END`);
  }

  #edit(): void {
    const table = this.#pick(this.#tables);
    if (table === undefined) return;
    const name = sqlName(table.name);
    const column = this.#pick(table.columns);
    if (column === undefined) return;
    const target = sqlName(column.name);
    const some = `abs(random() % 100) < ${this.#pick([1, 5, 50])}`;
    // random() differs from run to run: a hash of the row's place is as good and depends on the seed only.
    const where = some.replace(
      'random()',
      `(${this.#below(1000)} + ${table.withoutRowid ? `length(hex(${target}))` : 'rowid'} * ${this.#below(50) * 2 + 1})`,
    );
    switch (this.#below(17)) {
      case 0:
      case 1:
        this.#try(`UPDATE OR IGNORE ${name} SET ${target}=${this.#value(false)} WHERE ${where}`);
        break;
      case 2:
        this.#try(`DELETE FROM ${name} WHERE ${where}`);
        break;
      case 3:
      case 4:
        this.#fill(table, this.#below(40));
        break;
      case 5:
        this.#try(
          `UPDATE OR IGNORE ${name} SET ${target}=CAST(${target} AS ${this.#pick(['TEXT', 'INTEGER', 'REAL', 'BLOB'])}) WHERE ${where}`,
        );
        break;
      case 6:
        if (!table.withoutRowid)
          this.#try(`UPDATE OR IGNORE ${name} SET rowid=rowid+${this.#pick([1, 100000, -5])} WHERE ${where}`);
        break;
      case 7: {
        const added = `a${this.#next++}`;
        const type = this.#pick(types);
        if (this.#try(`ALTER TABLE ${name} ADD COLUMN ${added} ${type} DEFAULT ${this.#literalDefault()}`))
          table.columns.push({ name: added, type });
        if (this.#chance(0.5)) this.#try(`UPDATE OR IGNORE ${name} SET ${added}=${this.#value(false)} WHERE ${where}`);
        break;
      }
      case 8:
        if (this.#try(`ALTER TABLE ${name} DROP COLUMN ${target}`))
          table.columns = table.columns.filter((c) => c !== column);
        break;
      case 9: {
        const renamed = `r${this.#next++}`;
        if (this.#try(`ALTER TABLE ${name} RENAME COLUMN ${target} TO ${renamed}`)) column.name = renamed;
        break;
      }
      case 10:
        this.#rebuild(table);
        break;
      case 11:
        if (this.#try(`DROP TABLE ${name}`)) this.#tables.splice(this.#tables.indexOf(table), 1);
        break;
      case 12:
        this.#createTable();
        this.#fill(this.#tables.at(-1) as MadeTable, this.#below(60));
        break;
      case 13:
        this.#try(
          `CREATE TEMP TABLE moved AS SELECT * FROM ${name}; DELETE FROM ${name}; INSERT OR IGNORE INTO ${name}(${this.#list(table)}) SELECT ${this.#list(table)} FROM moved ORDER BY ${target}; DROP TABLE moved`,
        );
        break;
      case 14:
        this.#try(
          `UPDATE OR IGNORE ${name} SET ${target}=substr(${target},1,length(${target})/2)||'#'||substr(${target},length(${target})/2+2) WHERE typeof(${target})='text' AND length(${target})>3`,
        );
        break;
      case 15:
        this.#try("INSERT INTO f VALUES('seven'); DELETE FROM f WHERE rowid=1");
        break;
      default:
        this.#try(`UPDATE OR IGNORE ${name} SET ${target}=upper(${target}) WHERE ${where}`);
    }
  }

  #list(table: MadeTable): string {
    return table.columns.map((column) => sqlName(column.name)).join(',');
  }

  /** The table anew, its columns in another order and of other types. */
  #rebuild(table: MadeTable): void {
    const order = [...table.columns].sort(() => this.#random() - 0.5);
    const name = sqlName(table.name);
    const definitions = order.map(
      (column) =>
        `${sqlName(column.name)} ${column.name === 'id' ? 'INTEGER PRIMARY KEY' : this.#chance(0.3) ? this.#pick(types) : column.type}`,
    );
    const first = order[0] as { name: string };
    const without = this.#chance(0.3) && !order.some((column) => column.name === 'id');
    if (without) definitions.push(`PRIMARY KEY(${sqlName(first.name)})`);
    const list = order.map((column) => sqlName(column.name)).join(',');
    const done = this.#try(
      `CREATE TEMP TABLE moved AS SELECT * FROM ${name}; DROP TABLE ${name}; CREATE TABLE ${name}(${definitions.join(', ')})${without ? ' WITHOUT ROWID' : ''}; INSERT OR IGNORE INTO ${name}(${list}) SELECT ${list} FROM moved; DROP TABLE moved`,
    );
    const place = this.#tables.indexOf(table);
    if (done) this.#tables.splice(place, 1, { name: table.name, columns: order, withoutRowid: without });
  }

  /** Everything copied row by row into a new database of another encoding and page size. */
  #rewrite(encoding: string): void {
    const target = new this.sqlJs.Database() as Exporting;
    target.exec(`PRAGMA page_size=${this.#pick(pageSizes)}; PRAGMA encoding='${encoding}'`);
    this.#story.push(`-- rewritten as ${encoding}`);
    const source = this.#database;
    const own = String(queryAll(source, 'PRAGMA encoding')[0]?.[0]) as 'UTF-8';
    try {
      for (const [name, sql] of queryAll(
        source,
        "SELECT name, sql FROM sqlite_schema WHERE type='table' AND name NOT LIKE 'sqlite_%' AND sql NOT LIKE '%VIRTUAL TABLE%' AND name NOT LIKE 'f\\_%' ESCAPE '\\'",
      )) {
        target.exec(String(sql));
        const columns = [...queryEach(source, `PRAGMA table_xinfo(${sqlName(String(name))})`)]
          .filter((row) => row[6] === 0n)
          .map((row) => sqlName(String(row[1])));
        target.exec('BEGIN');
        for (const row of readRows(
          source,
          `SELECT ${exactColumns(columns)} FROM ${sqlName(String(name))}`,
          columns.length,
          own,
        )) {
          target.exec(
            `INSERT INTO ${sqlName(String(name))}(${columns.join(',')}) VALUES(${row.map((value) => sqlLiteral(value)).join(',')})`,
          );
        }
        target.exec('COMMIT');
      }
    } catch (error) {
      this.#story.push(`-- not rewritten: ${(error as Error).message}`);
      target.close();
      return;
    }
    source.close();
    this.#database = target;
  }

  #literalDefault(): string {
    return this.#pick([
      'NULL',
      '0',
      '-1',
      '5',
      '1.5',
      "'x'",
      "''",
      "x'00ff'",
      "'12'",
      'TRUE',
      '(7)',
      '9223372036854775807',
      'abc',
      '0x10',
      "'it''s'",
      '+3',
      '1e3',
    ]);
  }

  #rowid(): string {
    return this.#chance(0.8)
      ? 'NULL'
      : this.#pick([`${this.#below(1000)}`, `-${this.#below(1000)}`, '9223372036854775806', '4294967296']);
  }

  #value(wide: boolean): string {
    if (wide && this.#chance(0.3)) return `zeroblob(${this.#below(20000)})`;
    switch (this.#below(16)) {
      case 0:
        return 'NULL';
      case 1:
        return `${this.#below(5)}`;
      case 2:
        return `${this.#below(5)}.0`;
      case 3:
        return `'${this.#below(5)}'`;
      case 4:
        return `${(this.#random() - 0.5) * 10 ** this.#below(20)}`;
      case 5:
        return this.#pick([
          '9223372036854775807',
          '-9223372036854775808',
          '9007199254740993',
          '-1',
          '-0.0',
          '9e999',
          '-9e999',
          '140737488355328',
          '-2147483649',
        ]);
      case 6:
        return `x'${Array.from({ length: this.#below(12) }, () => this.#below(256).toString(16).padStart(2, '0')).join('')}'`;
      case 7:
        return `hex(zeroblob(${this.#below(this.#pick([20, 500, 4000]))}))||'${this.#below(100)}'`;
      case 8:
        return this.#pick([
          "'a'||char(0)||'b'",
          "CAST(x'ff61' AS TEXT)",
          "'ü😀'",
          'char(65533)',
          "''",
          "' '",
          "'A'",
          "'a'",
          "'a '",
          "'B'||char(10)",
        ]);
      case 9:
        return `${this.#below(100000)}`;
      default:
        return `'${this.#pick(['Anna', 'anna', 'Berta', 'ç', 'x'])}${this.#below(300)}'`;
    }
  }

  #run(sql: string): void {
    this.#story.push(sql);
    this.#database.exec(sql);
  }

  /** Runs what may be refused by a constraint; it is then undone as a whole. */
  #try(sql: string): boolean {
    const parts = sql.split('; ');
    try {
      if (parts.length > 1) this.#database.exec('BEGIN');
      this.#database.exec(sql);
      if (parts.length > 1) this.#database.exec('COMMIT');
      this.#story.push(sql);
      return true;
    } catch (error) {
      try {
        this.#database.exec('ROLLBACK');
      } catch {
        // nothing to undo
      }
      this.#story.push(`-- ${sql}: ${(error as Error).message}`);
      return false;
    }
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
