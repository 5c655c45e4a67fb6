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
    const { key } = placesOf(header);
    return allOf(
      target.keyReferences.map((column, i) => {
        const value = row[key[i] ?? -1] ?? null;
        return value === null ? `${column} IS NULL` : `${column}=${sqlLiteral(value, target.encoding)}`;
      }),
    );
  }
  const known = new Set(target.columns.map(nameKey));
  const terms = (header.before ?? []).flatMap((column, place) =>
    target.rebuilds && !known.has(nameKey(column.name)) ? [] : contentTerms(target, column, row[place] ?? null),
  );
  return `${target.rowidName}=(SELECT ${target.rowidName} FROM ${name} WHERE ${allOf(terms)} LIMIT 1)`;
}

/** Terms that hold for exactly this value: `=` alone takes 1 for 1.0, and 0.0 for -0.0. */
function contentTerms(target: PatchTarget, column: Column, value: SqlValue): string[] {
  const reference = sqlName(column.name);
  if (value === null) return [`${reference} IS NULL`];
  const literal = sqlLiteral(value, target.encoding);
  // IS, because behind `c=5` SQLite puts 5 for every c of the condition, so that typeof(c) tells nothing.
  if (typeof value === 'bigint') return [`${reference} IS ${literal}`, `typeof(${reference})='integer'`];
  if (typeof value !== 'number') return [`${reference}${target.binaryCollation}=${literal}`];
  const terms = [`${reference} IS ${literal}`, `typeof(${reference})='real'`];
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
