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
 * The value that a DEFAULT clause gives to rows written before the column was added: the clause's literal with the
 * column's affinity. `undefined` when it is not a literal (CURRENT_TIMESTAMP, an expression).
 *
 * Throws DIFF_UNSUPPORTED for the few literals whose conversion is better left to SQLite, such as REAL to TEXT.
 *
 * @example
 * defaultValue(tokensOf('-1'), 'integer'); // -1n
 */
export function defaultValue(tokens: readonly SqlToken[] | null, affinity: Affinity): SqlValue | undefined {
  if (tokens === null) return null;
  const literal = literalOf(tokens);
  return literal === undefined ? undefined : withAffinity(literal, affinity);
}

function literalOf(tokens: readonly SqlToken[]): SqlValue | undefined {
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

function numberLiteral(text: string, negative: boolean): SqlValue {
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
  return negative ? -Number(text) : Number(text);
}

function withAffinity(value: SqlValue, affinity: Affinity): SqlValue {
  if (affinity === 'blob' || value === null || value instanceof Uint8Array) return value;
  if (affinity === 'text') {
    if (typeof value === 'number') throw unsupported(String(value));
    return String(value);
  }
  if (typeof value === 'string') {
    if (/^\s*[+-]?\d{1,15}\s*$/.test(value)) return affinity === 'real' ? Number(value) : BigInt(value.trim());
    if (/\d/.test(value)) throw unsupported(value);
    return value;
  }
  if (typeof value === 'bigint') return affinity === 'real' ? Number(value) : value;
  if (typeof value === 'number' && affinity !== 'real' && Number.isInteger(value)) {
    if (Math.abs(value) >= 2 ** 51) throw unsupported(String(value));
    return BigInt(value);
  }
  return value;
}

function unsupported(literal: string): DataManagerError {
  return new DataManagerError('DIFF_UNSUPPORTED', `The default ${literal} of a column needs SQLite to be read.`);
}
