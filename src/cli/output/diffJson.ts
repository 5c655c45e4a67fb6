import type { DiffResult } from '../../core/operations/diffFiles';
import type { TableRows } from '../../core/sqldiff/diffEngine';
import type { Column, DiffSummary, Row, RowChange, RowCounts, SqlValue, TableSummary } from '../../core/sqldiff/model';
import { hex, realLiteral } from '../../core/sqldiff/sqlLiteral';
import { jsonText } from './output';

/** The counts of a comparison, as `diff --summary --json` and the results of a publish hold them. */
export function summaryJson({ identical, schema, tables, ...other }: DiffSummary) {
  return { identical, schema, tables: tables.map((table) => tableJson(table)), ...otherJson(other) };
}

/** What a comparison of other files than SQLite databases came to. */
function otherJson({ lines, files }: Pick<DiffSummary, 'lines' | 'files'>) {
  return { ...(lines ? { lines } : {}), ...(files ? { files } : {}) };
}

function tableJson({ name, key, inserted, updated, deleted, unchanged }: TableSummary) {
  return { name, key, inserted, updated, deleted, ...(unchanged === null ? {} : { unchanged }) };
}

/**
 * The whole result of `diff --json` in pieces, a row each, so that a large change is never one string:
 * `{from, to, identical, schema, lines?, files?, tables: [{name, key, inserted, updated, deleted, unchanged?, omitted?, rows}]}`.
 */
export function* diffJsonPieces({ from, to, summary, rows }: DiffResult): Generator<string> {
  const { identical, schema } = summary;
  const head = JSON.stringify({ from, to, identical, schema, ...otherJson(summary) });
  yield `${head.slice(0, -1)},"tables":[`;
  const tables = rows?.tables ?? [];
  for (const [i, table] of tables.entries()) {
    const about = { ...tableJson(table.counts), ...(table.omitted > 0 ? { omitted: table.omitted } : {}) };
    yield `${i === 0 ? '' : ','}\n${JSON.stringify(about).slice(0, -1)},"rows":[`;
    for (const [j, change] of table.rows.entries()) yield `${j === 0 ? '' : ','}\n${rowJson(table, change)}`;
    yield ']}';
  }
  yield ']}\n';
}

// Written by hand, because JSON.stringify can write neither 1.0 nor a column called __proto__.
function rowJson({ table, counts }: TableRows, { kind, before, after }: RowChange): string {
  const columns = { before: table.before ?? [], after: table.after ?? [] };
  const side = (row: Row | null, of: readonly Column[]): string =>
    row === null ? 'null' : objectText(of.map(({ name }, i) => [name, valueText(row[i] ?? null)]));
  const members: [string, string][] = [['kind', JSON.stringify(kind)]];
  const key = after ? keyText(counts, after, columns.after) : keyText(counts, before ?? [], columns.before);
  if (key !== null) members.push(['key', key]);
  members.push(['before', side(before, columns.before)], ['after', side(after, columns.after)]);
  if (before && after) members.push(...changedMembers(before, after, columns));
  return objectText(members);
}

function keyText({ key }: Pick<TableSummary, 'key'> & RowCounts, row: Row, columns: readonly Column[]): string | null {
  if (key.kind === 'content') return null;
  const places = key.columns.map((name) =>
    columns.findIndex((column) => column.name.toLowerCase() === name.toLowerCase()),
  );
  if (places.length === 0 || places.includes(-1)) return null; // a rowid that no column shows
  return objectText(places.map((place, i) => [key.columns[i] ?? '', valueText(row[place] ?? null)]));
}

function changedMembers(
  before: Row,
  after: Row,
  columns: { readonly before: readonly Column[]; readonly after: readonly Column[] },
): [string, string][] {
  const changed: string[] = [];
  const types: [string, string][] = [];
  columns.after.forEach(({ name }, i) => {
    const place = columns.before.findIndex((column) => column.name === name);
    const [old, now] = [before[place] ?? null, after[i] ?? null];
    if (place !== -1 && valueText(old) === valueText(now)) return;
    changed.push(name);
    if (place !== -1 && typeName(old) !== typeName(now))
      types.push([name, JSON.stringify([typeName(old), typeName(now)])]);
  });
  for (const { name } of columns.before) if (!columns.after.some((column) => column.name === name)) changed.push(name);
  const members: [string, string][] = [['changed', JSON.stringify(changed)]];
  if (types.length > 0) members.push(['types', objectText(types)]);
  return members;
}

/**
 * An SQLite value as JSON that tells every pair of different values apart. INTEGER is a number without a point (beyond 2^53,
 * where JavaScript would round, `{"integer":"9007199254740993"}`); REAL a number with a point or an exponent (`1.0`;
 * `{"real":"Infinity"}`); TEXT a string; BLOB `{"blob":"<hex>"}`; TEXT that is not valid Unicode `{"text":"<hex>"}`.
 */
export function valueText(value: SqlValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') {
    const safe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
    return safe ? value.toString() : `{"integer":"${value}"}`;
  }
  if (typeof value === 'number') return Number.isFinite(value) ? realLiteral(value) : `{"real":"${value}"}`;
  if (typeof value === 'string') return jsonText(value);
  return value instanceof Uint8Array ? `{"blob":"${hex(value)}"}` : `{"text":"${hex(value.malformedText)}"}`;
}

function typeName(value: SqlValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return 'real';
  return value instanceof Uint8Array ? 'blob' : 'text';
}

function objectText(members: readonly (readonly [name: string, json: string])[]): string {
  return `{${members.map(([name, json]) => `${jsonText(name)}:${json}`).join(',')}}`;
}
