import { DataManagerError } from '../../errors';
import { type SqlToken, sqlTokens } from './sqlTokens';

export interface ParsedColumn {
  readonly name: string;
  /** As written; '' when there is none. */
  readonly type: string;
  readonly notNull: boolean;
  /** As written; BINARY when none is declared. */
  readonly collation: string;
  /** Tokens of the DEFAULT clause; null when there is none. */
  readonly defaultTokens: readonly SqlToken[] | null;
  /** The clause as PRAGMA table_info gives it: as written, a parenthesised expression without its parentheses. */
  readonly defaultSql: string | null;
  readonly generated: 'virtual' | 'stored' | null;
}

/** A column of a PRIMARY KEY, UNIQUE constraint or index. */
export interface KeyPart {
  readonly column: string;
  /** As written; null when the column's own collation holds. */
  readonly collation: string | null;
  readonly descending: boolean;
}

export interface ParsedTable {
  readonly columns: readonly ParsedColumn[];
  readonly primaryKey: readonly KeyPart[];
  /** True for `x INTEGER PRIMARY KEY DESC`, which by an old quirk is not the rowid. */
  readonly descendingColumnKey: boolean;
  /** UNIQUE constraints, in the order of the text. */
  readonly uniques: readonly (readonly KeyPart[])[];
  readonly withoutRowid: boolean;
  readonly strict: boolean;
}

const endsType = new Set(
  'CONSTRAINT PRIMARY NOT NULL UNIQUE CHECK DEFAULT COLLATE REFERENCES AS DEFERRABLE ON'.split(' '),
);
/** SQLite keeps these as numbers and gives them back in this form. */
const standardTypes = new Set(['ANY', 'BLOB', 'INT', 'INTEGER', 'REAL', 'TEXT']);
const startsTableConstraint = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN']);

/**
 * Reads a CREATE TABLE statement as sqlite_schema stores it.
 *
 * Throws DIFF_UNSUPPORTED for a statement that this parser does not understand.
 * Source: https://www.sqlite.org/lang_createtable.html
 *
 * @example
 * parseCreateTable('CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT)').columns.length; // 2
 */
export function parseCreateTable(sql: string): ParsedTable {
  return new TableParser(sql).parse();
}

/**
 * The columns of a UNIQUE index without WHERE clause and without expressions; null for any other index.
 *
 * @example
 * parseUniqueIndex('CREATE UNIQUE INDEX i ON t(a, b)'); // parts a and b
 */
export function parseUniqueIndex(sql: string): readonly KeyPart[] | null {
  try {
    return new TableParser(sql).parseUniqueIndex();
  } catch (error) {
    if (DataManagerError.is(error, 'DIFF_UNSUPPORTED')) return null;
    throw error;
  }
}

class TableParser {
  readonly #tokens: SqlToken[];
  #at = 0;
  #primaryKey: readonly KeyPart[] = [];
  #descendingColumnKey = false;
  readonly #uniques: (readonly KeyPart[])[] = [];

  constructor(private readonly sql: string) {
    this.#tokens = sqlTokens(sql);
  }

  parse(): ParsedTable {
    this.#expect('CREATE');
    if (this.#is('TEMP') || this.#is('TEMPORARY')) this.#at++;
    this.#expect('TABLE');
    if (this.#take('IF')) this.#at += 2;
    this.#name();
    if (this.#takeSymbol('.')) this.#name();
    this.#expectSymbol('(');
    const columns: ParsedColumn[] = [];
    do {
      if (startsTableConstraint.has(this.#keyword())) break;
      columns.push(this.#column());
    } while (this.#takeSymbol(','));
    while (!this.#isSymbol(')')) this.#tableConstraint();
    this.#at++;
    const options = this.#tokens.slice(this.#at).map((token) => token.keyword);
    return {
      columns,
      primaryKey: this.#primaryKey,
      descendingColumnKey: this.#descendingColumnKey,
      uniques: this.#uniques,
      withoutRowid: options.includes('WITHOUT'),
      strict: options.includes('STRICT'),
    };
  }

  parseUniqueIndex(): readonly KeyPart[] | null {
    this.#expect('CREATE');
    if (!this.#take('UNIQUE')) return null;
    while (!this.#isSymbol('(')) this.#next();
    const parts = this.#keyParts();
    return this.#at < this.#tokens.length ? null : parts;
  }

  #column(): ParsedColumn {
    const name = this.#name();
    const typeTokens: SqlToken[] = [];
    while (!this.#endsType()) {
      if (this.#isSymbol('(')) typeTokens.push(...this.#parenthesised());
      else typeTokens.push(this.#next());
    }
    const count = typeTokens.length;
    if (typeTokens[count - 1]?.keyword === 'ALWAYS' && typeTokens[count - 2]?.keyword === 'GENERATED') {
      typeTokens.length = count - 2;
    }
    let notNull = false;
    let collation = 'BINARY';
    let defaultTokens: readonly SqlToken[] | null = null;
    let generated: ParsedColumn['generated'] = null;
    while (!this.#isSymbol(',') && !this.#isSymbol(')')) {
      const keyword = this.#next().keyword;
      if (keyword === 'PRIMARY') {
        this.#expect('KEY');
        const descending = this.#direction();
        this.#descendingColumnKey = descending;
        this.#primaryKey = [{ column: name, collation: null, descending }];
      } else if (keyword === 'UNIQUE') {
        this.#uniques.push([{ column: name, collation: null, descending: false }]);
      } else if (keyword === 'NOT') {
        if (this.#take('NULL')) notNull = true;
      } else if (keyword === 'COLLATE') {
        collation = this.#name();
      } else if (keyword === 'DEFAULT') {
        defaultTokens = this.#defaultTokens();
      } else if (keyword === 'CONSTRAINT') {
        this.#name();
      } else if (keyword === 'CHECK') {
        this.#parenthesised();
      } else if (keyword === 'AS') {
        this.#parenthesised();
        generated = this.#take('STORED') ? 'stored' : 'virtual';
      } else if (keyword === 'SET') {
        this.#at++; // ON DELETE SET NULL: not a constraint of its own
      } else if (keyword === 'REFERENCES') {
        this.#name();
        if (this.#isSymbol('(')) this.#parenthesised();
      }
    }
    const type = typeTokens.length === 0 ? '' : this.#typeText(typeTokens);
    return { name, type, notNull, collation, defaultTokens, defaultSql: this.#defaultSql(defaultTokens), generated };
  }

  #endsType(): boolean {
    if (this.#isSymbol(',') || this.#isSymbol(')')) return true;
    return endsType.has(this.#keyword());
  }

  #defaultTokens(): readonly SqlToken[] {
    if (this.#isSymbol('(')) return this.#parenthesised();
    const tokens: SqlToken[] = [];
    if (this.#isSymbol('+') || this.#isSymbol('-')) tokens.push(this.#next());
    tokens.push(this.#next());
    return tokens;
  }

  #tableConstraint(): void {
    const keyword = this.#next().keyword;
    if (keyword === 'PRIMARY') {
      this.#expect('KEY');
      this.#primaryKey = this.#keyParts();
    } else if (keyword === 'UNIQUE') {
      this.#uniques.push(this.#keyParts());
    } else if (keyword === 'CONSTRAINT') {
      this.#name();
    } else if (this.#isSymbol('(')) {
      this.#parenthesised();
    }
  }

  /** `(a, b COLLATE NOCASE DESC)`; an expression makes the statement unsupported. */
  #keyParts(): KeyPart[] {
    this.#expectSymbol('(');
    const parts: KeyPart[] = [];
    do {
      const column = this.#name();
      const collation = this.#take('COLLATE') ? this.#name() : null;
      parts.push({ column, collation, descending: this.#direction() });
      if (this.#take('AUTOINCREMENT')) break;
    } while (this.#takeSymbol(','));
    this.#expectSymbol(')');
    return parts;
  }

  #direction(): boolean {
    if (this.#take('DESC')) return true;
    this.#take('ASC');
    return false;
  }

  /** A parenthesised group with its outer parentheses. */
  #parenthesised(): SqlToken[] {
    const start = this.#at;
    this.#expectSymbol('(');
    for (let depth = 1; depth > 0; ) {
      const token = this.#next();
      if (token.kind !== 'symbol') continue;
      if (token.text === '(') depth++;
      if (token.text === ')') depth--;
    }
    return this.#tokens.slice(start, this.#at);
  }

  #defaultSql(tokens: readonly SqlToken[] | null): string | null {
    const first = tokens?.[0];
    const last = tokens?.at(-1);
    if (first === undefined || last === undefined) return null;
    return first.text === '(' ? this.sql.slice(first.end, last.start).trim() : this.sql.slice(first.start, last.end);
  }

  #typeText(tokens: readonly SqlToken[]): string {
    const first = tokens[0] as SqlToken;
    const quoted = first.kind === 'name' || first.kind === 'string'; // SQLite loses what follows
    const text = quoted ? first.text : this.sql.slice(first.start, (tokens.at(-1) as SqlToken).end);
    return standardTypes.has(text.toUpperCase()) ? text.toUpperCase() : text;
  }

  #name(): string {
    const token = this.#next();
    if (token.kind !== 'word' && token.kind !== 'name' && token.kind !== 'string') throw this.#unsupported();
    return token.text;
  }

  #next(): SqlToken {
    const token = this.#tokens[this.#at++];
    if (token === undefined) throw this.#unsupported();
    return token;
  }

  #keyword(): string {
    return this.#tokens[this.#at]?.keyword ?? '';
  }

  #is(keyword: string): boolean {
    return this.#keyword() === keyword;
  }

  #take(keyword: string): boolean {
    if (!this.#is(keyword)) return false;
    this.#at++;
    return true;
  }

  #expect(keyword: string): void {
    if (!this.#take(keyword)) throw this.#unsupported();
  }

  #isSymbol(symbol: string): boolean {
    const token = this.#tokens[this.#at];
    return token?.kind === 'symbol' && token.text === symbol;
  }

  #takeSymbol(symbol: string): boolean {
    if (!this.#isSymbol(symbol)) return false;
    this.#at++;
    return true;
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#unsupported();
  }

  #unsupported(): DataManagerError {
    return new DataManagerError('DIFF_UNSUPPORTED', 'A CREATE statement of the database could not be read.', {
      data: { sql: this.sql },
    });
  }
}
