import type { Column, Row, SqlValue } from './model';
import { affinityOf } from './pages/defaultValue';
import { type PatchTarget, placesOf } from './patchTarget';
import { nameKey } from './schema';
import { sqlLiteral, sqlName } from './sqlLiteral';

/** SQLite refuses an expression deeper than 1000, and a chain of ANDs is as deep as it is long. */
const TERMS_A_GROUP = 200;

/**
 * The WHERE clause that finds one row of a table before: by its key, or one of those that hold exactly this content.
 *
 * @example
 * `DELETE FROM ${target.name} WHERE ${rowCondition(target, change.before)};`
 */
export function rowCondition(target: PatchTarget, row: Row): string {
  const { header, name } = target;
  if (header.key.kind !== 'content') {
    const collate = keyCollation(target);
    const { key, keyNames } = placesOf(header);
    return allOf(
      keyNames.map((column, i) => {
        const value = row[key[i] ?? -1] ?? null;
        return value === null ? `${column} IS NULL` : `${column}${collate}=${sqlLiteral(value)}`;
      }),
    );
  }
  const known = new Set(target.columns.map(nameKey));
  const terms = (header.before ?? []).flatMap((column, place) =>
    target.rebuilds && !known.has(nameKey(column.name)) ? [] : contentTerms(target, column, row[place] ?? null),
  );
  const rowid = (target.rebuilds ? freeRowidName(target.columns) : target.before?.rowidName) ?? 'rowid';
  return `${rowid}=(SELECT ${rowid} FROM ${name} WHERE ${allOf(terms)} LIMIT 1)`;
}

/**
 * What stands behind a key column that is compared: a declared key is compared by its bytes, whatever collation its column has.
 *
 * @example
 * `${column}${keyCollation(target)}=${sqlLiteral(value)}`
 */
export function keyCollation(target: PatchTarget): string {
  return target.header.key.kind === 'declared' ? binaryCollation(target) : '';
}

function binaryCollation({ before, rebuilds }: PatchTarget): string {
  return !rebuilds && before && /collate/i.test(before.sql) ? ' COLLATE BINARY' : '';
}

/** Terms that hold for exactly this value: `=` alone takes 1 for 1.0, and 0.0 for -0.0. */
function contentTerms(target: PatchTarget, column: Column, value: SqlValue): string[] {
  const reference = sqlName(column.name);
  if (value === null) return [`${reference} IS NULL`];
  const literal = sqlLiteral(value);
  if (typeof value === 'bigint') return [`${reference}=${literal}`, `typeof(${reference})='integer'`];
  if (typeof value !== 'number') return [`${reference}${binaryCollation(target)}=${literal}`];
  const terms = [`${reference}=${literal}`, `typeof(${reference})='real'`];
  // SQLite keeps the sign of zero except in a REAL column, but no operator, printf or cast shows it: only 1/0.0 as pow() computes it.
  const keepsSign = value === 0 && (target.rebuilds || affinityOf(column.type) !== 'real');
  return keepsSign ? [...terms, `pow(${reference},-1)${Object.is(value, -0) ? '<' : '>'}0`] : terms;
}

function allOf(terms: readonly string[]): string {
  if (terms.length === 0) return 'true';
  if (terms.length <= TERMS_A_GROUP) return terms.join(' AND ');
  const groups: string[] = [];
  for (let at = 0; at < terms.length; at += TERMS_A_GROUP) {
    groups.push(`(${terms.slice(at, at + TERMS_A_GROUP).join(' AND ')})`);
  }
  return groups.join(' AND ');
}

function freeRowidName(columns: readonly string[]): string | undefined {
  const taken = new Set(columns.map(nameKey));
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name));
}
