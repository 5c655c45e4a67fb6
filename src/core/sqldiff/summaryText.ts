import type { TableSummary } from './model';

/**
 * Counts of a table in the words of `sqldiff --summary`.
 *
 * @example
 * summaryLine(table); // capacity: 3 changes, 1 inserts, 0 deletes, 500 unchanged
 */
export function summaryLine({ name, updated, inserted, deleted, unchanged }: TableSummary): string {
  const rest = unchanged === null ? '' : `, ${unchanged} unchanged`;
  return `${oneLine(name)}: ${updated} changes, ${inserted} inserts, ${deleted} deletes${rest}`;
}

/**
 * The counts of all tables as an aligned table for a terminal. Unchanged rows have a column only if somebody counted them: a
 * comparison that skips equal pages does not.
 *
 * @example
 * summaryTable(summary.tables).join('\n');
 */
export function summaryTable(tables: readonly TableSummary[]): string[] {
  const counted = tables.some(({ unchanged }) => unchanged !== null);
  const cells = [
    ['table', 'inserted', 'updated', 'deleted', ...(counted ? ['unchanged'] : [])],
    ...tables.map(({ name, inserted, updated, deleted, unchanged }) => [
      oneLine(name),
      ...[inserted, updated, deleted].map(String),
      ...(counted ? [unchanged === null ? '?' : String(unchanged)] : []),
    ]),
  ];
  const widths = (cells[0] ?? []).map((_, place) => Math.max(...cells.map((row) => row[place]?.length ?? 0)));
  return cells.map((row) =>
    row
      .map((cell, place) => (place === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[place] ?? 0)))
      .join('  '),
  );
}

/**
 * A name without line ends, which would break a line of a report or a SQL comment.
 *
 * @example
 * oneLine('a\nb'); // a b
 */
export function oneLine(name: string): string {
  return name.replace(/\s+/g, ' ');
}
