import type { Table } from './schema';
import { nameKey } from './schema';
import { sqlName } from './sqlLiteral';

/** What ALTER TABLE ADD COLUMN refuses, or what could fail on rows that are there. */
const NOT_ADDABLE = /\b(?:primary|unique|check|references|generated|as|current_\w+)\b|default\s*\(/i;

const GENERATED = /\bas\s*\(/i;

/**
 * ALTER TABLE statements that lead to exactly the newer CREATE statement; null when the change is more than columns that
 * ALTER TABLE ADD COLUMN appended: it writes `, ` and the definition behind the last column, and changes nothing else.
 *
 * @example
 * addColumnStatements(before, after); // ['ALTER TABLE "t" ADD COLUMN c INT DEFAULT 0;']
 */
export function addColumnStatements(before: Table, after: Table): string[] | null {
  const count = after.columns.length - before.columns.length;
  if (count <= 0 || before.virtual || after.virtual) return null;
  if (before.columns.some((column, place) => after.columns[place]?.name !== column.name)) return null;
  // A generated column may stand behind the new one, where ALTER TABLE would not put it.
  if (GENERATED.test(before.sql)) return null;
  const inserted = insertion(before.sql, after.sql);
  if (inserted === null || !inserted.startsWith(', ') || /--|\/\*|\n/.test(inserted)) return null;
  const definitions = splitList(inserted.slice(2));
  const isColumn = definitions.every((definition, place) => {
    const column = after.columns[before.columns.length + place];
    if (!column) return false;
    const bare = nameKey(definition);
    const name = nameKey(column.name);
    const named = [name, nameKey(sqlName(column.name)), `\`${name}\``, `[${name}]`].some(
      (form) => bare === form || bare.startsWith(`${form} `),
    );
    const fillable = !column.notNull || (column.defaultSql !== null && !/^null$/i.test(column.defaultSql));
    return named && fillable && !NOT_ADDABLE.test(definition);
  });
  // It trims a definition, so that only one without spaces around it comes out as it was.
  const staysSo = inserted === `, ${definitions.join(', ')}`;
  if (definitions.length !== count || !isColumn || !staysSo) return null;
  return definitions.map((definition) => `ALTER TABLE ${sqlName(before.name)} ADD COLUMN ${definition};`);
}

/** The text that was inserted into `before` in one place to make `after`; null when there was more to it. */
function insertion(before: string, after: string): string | null {
  const length = after.length - before.length;
  if (length <= 0) return null;
  let end = before.length;
  while (end > 0 && before[end - 1] === after[end - 1 + length]) end--;
  // What is behind the columns is taken from the end, so that `, a` is not seen as `a, `.
  for (let start = end; start <= before.length; start++) {
    if (before.slice(0, start) !== after.slice(0, start)) return null;
    // ALTER TABLE writes right before the constraints or the closing parenthesis.
    if (after.startsWith(', ', start) && /[,)]/.test(before[start] ?? '')) return after.slice(start, start + length);
  }
  return null;
}

/** Splits at commas outside of parentheses and quotes. */
function splitList(text: string): string[] {
  const parts = [''];
  let depth = 0;
  for (const token of text.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|./gs) ?? []) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (token === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts.map((part) => part.trim());
}
