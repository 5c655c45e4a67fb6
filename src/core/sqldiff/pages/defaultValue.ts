import { DataManagerError } from '../../errors';
import type { SqlValue } from '../model';
import type { SqlToken } from './sqlTokens';

export type Affinity = 'integer' | 'text' | 'blob' | 'real' | 'numeric';

/**
 * The affinity that a declared type gives to its column.
 * Source: https://www.sqlite.org/datatype3.html#determination_of_column_affinity
 *
 * @example
 * affinityOf('VARCHAR(20)'); // 'text'
 */
export function affinityOf(type: string): Affinity {
  if (/int/i.test(type)) return 'integer';
  if (/char|clob|text/i.test(type)) return 'text';
  if (type === '' || /blob/i.test(type)) return 'blob';
  if (/real|floa|doub/i.test(type)) return 'real';
  return 'numeric';
}

/**
 * The affinity of a column: in a STRICT table, ANY keeps values as they are.
 * Source: https://www.sqlite.org/stricttables.html#the_any_datatype
 *
 * @example
 * columnAffinity('ANY', true); // 'blob'
 */
export function columnAffinity(type: string, strict: boolean): Affinity {
  return strict && /^any$/i.test(type) ? 'blob' : affinityOf(type);
}

/**
 * The value that a DEFAULT clause gives to rows written before the column was added: the clause's literal with the
 * column's affinity. `undefined` when it is not a literal (CURRENT_TIMESTAMP, an expression).
 *
 * Throws DIFF_UNSUPPORTED for the few literals whose conversion depends on SQLite's version: more than 15 digits, large exponents.
 *
 * @example
 * defaultValue(tokensOf('-1'), 'integer'); // -1n
 */
export function defaultValue(tokens: readonly SqlToken[] | null, affinity: Affinity): SqlValue | undefined {
  if (tokens === null) return null;
  const literal = literalOf(tokens);
  if (literal === undefined) return undefined;
  if (!(literal instanceof RealLiteral)) return withAffinity(literal, affinity);
  // As TEXT it is not rounded and printed, but stays as it was written (valueFromExpr in vdbemem.c).
  if (affinity === 'text') return literal.text;
  return affinity === 'blob' ? Number(literal.text) : withAffinity(literal.text, affinity);
}

/** A number that is no 64-bit integer, as it was written. */
class RealLiteral {
  constructor(readonly text: string) {}
}

function literalOf(tokens: readonly SqlToken[]): SqlValue | RealLiteral | undefined {
  let inner = tokens;
  let parenthesised = false;
  while (inner.length > 2 && inner[0]?.text === '(' && inner.at(-1)?.text === ')') {
    inner = inner.slice(1, -1);
    parenthesised = true;
  }
  let negative = false;
  while (inner.length > 1 && inner[0]?.kind === 'symbol' && (inner[0].text === '-' || inner[0].text === '+')) {
    if (inner[0].text === '-') negative = !negative;
    inner = inner.slice(1);
  }
  const token = inner[0];
  if (token === undefined || inner.length !== 1) return undefined;
  if (token.kind === 'number') return numberLiteral(token.text, negative);
  if (inner.length !== tokens.length && !parenthesised) return undefined; // a sign before something that is no number
  if (negative) return undefined;
  if (token.kind === 'string') return token.text;
  if (token.kind === 'blob') return new Uint8Array(Buffer.from(token.text.slice(2, -1), 'hex'));
  if (token.keyword === 'NULL') return null;
  if (token.keyword === 'TRUE') return 1n;
  if (token.keyword === 'FALSE') return 0n;
  if (token.keyword.startsWith('CURRENT_') || parenthesised) return undefined;
  return token.text; // a bare identifier stands for its text
}

function numberLiteral(text: string, negative: boolean): SqlValue | RealLiteral {
  if (text.includes('_')) throw unsupported(text);
  if (/^0x/i.test(text)) {
    const value = BigInt.asIntN(64, BigInt(text));
    if (text.length > 18) throw unsupported(text);
    return negative ? BigInt.asIntN(64, -value) : value;
  }
  if (/^\d+$/.test(text)) {
    const value = negative ? -BigInt(text) : BigInt(text);
    if (BigInt.asIntN(64, value) === value) return value;
  }
  return new RealLiteral(negative ? `-${text}` : text);
}

function withAffinity(value: SqlValue, affinity: Affinity): SqlValue {
  if (affinity === 'blob' || value === null || value instanceof Uint8Array) return value;
  if (affinity === 'text') return String(value);
  if (typeof value === 'string') {
    const number = numberOf(value);
    return number === null ? value : withAffinity(number, affinity);
  }
  if (typeof value === 'bigint') return affinity === 'real' ? Number(value) : value;
  if (typeof value === 'number' && affinity !== 'real' && Number.isInteger(value)) {
    if (Math.abs(value) >= 2 ** 51) throw unsupported(String(value));
    return BigInt(value);
  }
  return value;
}

/** The number that a text is from end to end, with white space around it; null when it is none. */
function numberOf(text: string): bigint | number | null {
  const [, whole, exponent] = /^[ \t-\r]*([+-]?(?:\d+\.?\d*|\.\d+))(?:e([+-]?\d+))?[ \t-\r]*$/i.exec(text) ?? [];
  if (whole === undefined) return null;
  // Beyond these, versions of SQLite differ in the last bit.
  if (whole.replace(/\D/g, '').length > 15 || Math.abs(Number(exponent ?? 0)) > 22) throw unsupported(text);
  return exponent === undefined && /^[+-]?\d+$/.test(whole) ? BigInt(whole.replace('+', '')) : Number(text.trim()) + 0; // -0.0 becomes 0.0
}

function unsupported(literal: string): DataManagerError {
  return new DataManagerError('DIFF_UNSUPPORTED', `The default ${literal} of a column needs SQLite to be read.`);
}
