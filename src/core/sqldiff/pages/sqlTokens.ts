import { DataManagerError } from '../../errors';

export interface SqlToken {
  /** `word`: a bare identifier or keyword. `name`: a quoted identifier. Otherwise what the name says. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'blob' | 'symbol';
  /** Without quotes; as written for all others. */
  readonly text: string;
  /** Upper-case text of a `word`, '' for all others, so that keywords are found by one comparison. */
  readonly keyword: string;
  readonly start: number;
  readonly end: number;
}

const spaces = /(?:[ \t\r\n\f]+|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))+/y;
const patterns: readonly (readonly [SqlToken['kind'], RegExp])[] = [
  ['blob', /[xX]'[0-9a-fA-F]*'/y],
  ['string', /'(?:[^']|'')*'/y],
  ['name', /"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]/y],
  ['number', /0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?/y],
  ['word', /[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*/y],
  ['symbol', /\|\||<<|>>|<=|>=|==|!=|<>|->>?|[^\s]/y],
];

/**
 * Splits a statement of sqlite_schema into tokens; white space and comments are left out.
 *
 * Throws DIFF_UNSUPPORTED for text that no rule covers.
 *
 * @example
 * sqlTokens('CREATE TABLE t(a)').map((token) => token.text); // ['CREATE', 'TABLE', 't', '(', 'a', ')']
 */
export function sqlTokens(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let at = 0;
  for (;;) {
    spaces.lastIndex = at;
    if (spaces.test(sql)) at = spaces.lastIndex;
    if (at >= sql.length) return tokens;
    const token = tokenAt(sql, at);
    tokens.push(token);
    at = token.end;
  }
}

function tokenAt(sql: string, start: number): SqlToken {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = start;
    const raw = pattern.exec(sql)?.[0];
    if (raw === undefined) continue;
    const text = kind === 'string' || kind === 'name' ? unquoted(raw) : raw;
    return { kind, text, keyword: kind === 'word' ? raw.toUpperCase() : '', start, end: start + raw.length };
  }
  throw new DataManagerError('DIFF_UNSUPPORTED', 'A CREATE statement of the database could not be read.', {
    data: { sql, at: start },
  });
}

function unquoted(raw: string): string {
  const quote = raw[0] as string;
  const inner = raw.slice(1, -1);
  return quote === '[' ? inner : inner.replaceAll(quote + quote, quote);
}
