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
 * The counts of all tables as an aligned table for a terminal.
 *
 * @example
 * summaryTable(summary.tables).join('\n');
 */
export function summaryTable(tables: readonly TableSummary[]): string[] {
  const cells = [
    ['table', 'inserted', 'updated', 'deleted', 'unchanged'],
    ...tables.map((table) => [
      oneLine(table.name),
      ...[table.inserted, table.updated, table.deleted, table.unchanged].map((count) =>
        count === null ? '?' : String(count),
      ),
    ]),
  ];
  const widths = [0, 1, 2, 3, 4].map((place) => Math.max(...cells.map((row) => row[place]?.length ?? 0)));
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
