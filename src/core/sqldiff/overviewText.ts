import type { Column, DiffSummary, FileFacts, RowKey, SchemaChange } from './model';
import type { DiffOverview, NumberShift, TableColumns } from './overview';
import { nameKey } from './schema';
import { oneLine } from './summaryText';
import { valueText } from './valueText';

/** Where the text names a table whose rows changed, for links. Line and characters count from 0. */
export interface TablePlace {
  readonly table: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** An overview as text. */
export interface OverviewText {
  readonly text: string;
  readonly places: readonly TablePlace[];
}

/** Longer names of rows and tables are cut, in characters. */
const MAX_NAME = 60;

/**
 * What a reviewer reads first: the change in a sentence, the schema in words, counts of each table and how its rows were
 * paired, the columns that changed and the greatest shifts of numbers.
 *
 * @example
 * overviewText('utopia.sqlite v1 -> v2', summary, overview).text;
 */
export function overviewText(title: string, summary: DiffSummary, overview: DiffOverview | null): OverviewText {
  const lines = [oneLine(title), headline(summary)];
  if (!overview) return { text: `${[...lines, ...fileLines(summary)].join('\n')}\n`, places: [] };
  const schema = schemaWords(summary.schema, overview.tables);
  if (schema.length > 0) lines.push('', 'Schema', ...schema.map((line) => `  ${line}`));
  const places: TablePlace[] = [];
  if (summary.tables.length > 0) {
    lines.push('');
    summary.tables.forEach(({ name }, place) => {
      places.push({ table: name, line: lines.length + 1 + place, start: 2, end: 2 + cut(oneLine(name)).length });
    });
    lines.push(...tableLines(summary));
  }
  if (overview.columns.length > 0) lines.push('', ...columnLines(overview));
  const { relative, absolute } = overview.shifts;
  if (relative.length > 0) lines.push('', ...shiftLines('Largest shifts by percent', relative));
  if (absolute.length > 0) lines.push('', ...shiftLines('Largest shifts by amount', absolute));
  return { text: `${lines.join('\n')}\n`, places };
}

function headline({ identical, schema, tables, files, lines }: DiffSummary): string {
  if (files) {
    if (identical) return 'No difference: the bytes are the same.';
    if (lines) return `${lines.added.toLocaleString('en')} lines added, ${lines.removed.toLocaleString('en')} removed.`;
    return 'The bytes differ. They are no SQLite database and no text of at most 10 MB, so this is all that can be said.';
  }
  if (identical) return 'No difference: the schema and all rows are the same.';
  const sum = (count: (table: (typeof tables)[number]) => number): number =>
    tables.reduce((total, table) => total + count(table), 0);
  const parts = [
    counted(
      sum((table) => table.updated),
      'row updated',
      'rows updated',
    ),
    counted(
      sum((table) => table.inserted),
      'row inserted',
      'rows inserted',
    ),
    counted(
      sum((table) => table.deleted),
      'row deleted',
      'rows deleted',
    ),
  ].filter((part) => part !== null);
  const rows =
    parts.length > 0
      ? `${parts.join(', ')} in ${tables.length === 1 ? '1 table' : `${tables.length} tables`}`
      : 'no row differs';
  const schemaPart = counted(schema.length, 'schema change', 'schema changes');
  return schemaPart === null ? `${rows}.` : `${schemaPart}; ${rows}.`;
}

function fileLines({ files }: DiffSummary): string[] {
  const line = (name: string, file: FileFacts | null): string[] =>
    file ? [`  ${name}  ${file.size.toLocaleString('en').padStart(15)} bytes  sha256 ${file.sha256}`] : [];
  return files ? ['', ...line('before', files.before), ...line('after ', files.after)] : [];
}

function counted(count: number, one: string, many: string): string | null {
  return count === 0 ? null : `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/**
 * Schema changes, a line each, in words: what came, went or changed, and for a table which columns.
 *
 * @example
 * schemaWords(summary.schema, overview.tables); // ['table tech: column rate REAL added']
 */
export function schemaWords(changes: readonly SchemaChange[], tables: readonly TableColumns[]): string[] {
  return changes.flatMap((change) => {
    const { type, before, after } = change;
    const called = `${type} ${oneLine(change.name)}${change.table === change.name ? '' : ` on ${oneLine(change.table)}`}`;
    if (before === null) return [`+ ${called} is new`];
    if (after === null) return [`- ${called} was dropped`];
    const table =
      type === 'table' ? tables.find(({ table: name }) => nameKey(name) === nameKey(change.name)) : undefined;
    const columns = table ? columnWords(table.before ?? [], table.after ?? []) : [];
    return columns.length > 0
      ? columns.map((words) => `~ ${called}: ${words}`)
      : [`~ ${called}: its definition changed${type === 'table' ? ', its columns did not' : ''}`];
  });
}

function columnWords(before: readonly Column[], after: readonly Column[]): string[] {
  const find = (columns: readonly Column[], name: string): Column | undefined =>
    columns.find((column) => nameKey(column.name) === nameKey(name));
  const called = ({ name, type }: Column): string => oneLine(`column ${name}${type === '' ? '' : ` ${type}`}`);
  const dropped = before.filter(({ name }) => !find(after, name)).map((column) => `${called(column)} was dropped`);
  const newer = after.flatMap((column) => {
    const old = find(before, column.name);
    if (!old) return [`${called(column)} is new`];
    const words: string[] = [];
    if (old.type !== column.type)
      words.push(oneLine(`column ${column.name} is ${column.type || 'untyped'}, was ${old.type || 'untyped'}`));
    if (old.primaryKey === 0 && column.primaryKey > 0)
      words.push(oneLine(`column ${column.name} is in the primary key now`));
    if (old.primaryKey > 0 && column.primaryKey === 0)
      words.push(oneLine(`column ${column.name} left the primary key`));
    return words;
  });
  if (dropped.length > 0 || newer.length > 0) return [...newer, ...dropped];
  const order = (columns: readonly Column[]): string => JSON.stringify(columns.map(({ name }) => nameKey(name)));
  return order(before) === order(after) ? [] : ['the order of its columns changed'];
}

function tableLines({ tables }: DiffSummary): string[] {
  const count = (value: number | null): string =>
    value === null ? '?' : value === 0 ? '.' : value.toLocaleString('en');
  return aligned(
    [
      ['Tables', 'inserted', 'updated', 'deleted', 'unchanged', 'rows paired by'],
      ...tables.map(({ name, key, inserted, updated, deleted, unchanged }) => [
        `  ${cut(oneLine(name))}`,
        ...[inserted, updated, deleted, unchanged].map(count),
        keyWords(key),
      ]),
    ],
    new Set([1, 2, 3, 4]),
  );
}

/**
 * How rows of a table were paired, in words.
 *
 * @example
 * keyWords({ kind: 'primary-key', columns: ['region', 'tech'] }); // primary key (region, tech)
 */
export function keyWords({ kind, columns }: RowKey): string {
  const words: Record<RowKey['kind'], string> = {
    'primary-key': 'primary key',
    declared: 'declared key',
    'unique-index': 'unique index',
    content: 'content, as it has no key',
    rowid: 'rowid, as it has no key',
  };
  return columns.length === 0 ? words[kind] : oneLine(`${words[kind]} (${columns.join(', ')})`);
}

function columnLines({ columns }: DiffOverview): string[] {
  return aligned(
    [
      ['Changed columns', '', 'cells', 'change'],
      ...columns.map(({ table, column, cells, relative }) => [
        `  ${cut(oneLine(table))}`,
        cut(oneLine(column)),
        cells.toLocaleString('en'),
        relative === null ? '' : range(relative.least, relative.greatest),
      ]),
    ],
    new Set([2]),
  );
}

function range(least: number, greatest: number): string {
  const [from, to] = [percent(least), percent(greatest)];
  return from === to ? from : `${from} to ${to}`;
}

function shiftLines(heading: string, shifts: readonly NumberShift[]): string[] {
  return aligned(
    [
      [heading, '', 'row', 'before', 'after', 'change', ''],
      ...shifts.map(({ table, row, column, before, after, change, relative }) => [
        `  ${cut(oneLine(table))}`,
        cut(oneLine(column)),
        cut(oneLine(row)),
        valueText(before),
        valueText(after),
        `${change > 0 ? '+' : ''}${rounded(change)}`,
        relative === null ? '' : percent(relative),
      ]),
    ],
    new Set([3, 4, 5, 6]),
  );
}

function percent(share: number): string {
  const value = share * 100;
  // Small shifts must not read as none, and huge ones not as a row of digits.
  const size = Math.abs(value);
  const text = size >= 1e6 || (size > 0 && size < 0.01) ? value.toExponential(1) : value.toFixed(size < 0.1 ? 2 : 1);
  return `${value > 0 ? '+' : ''}${text} %`;
}

/** Without the digits that subtraction of decimals leaves behind: 0.1, not 0.09999999999999998. */
function rounded(change: number): string {
  return String(Number(change.toPrecision(10)));
}

function cut(text: string): string {
  return text.length <= MAX_NAME ? text : `${text.slice(0, MAX_NAME - 1)}…`;
}

function aligned(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string[] {
  const widths = (rows[0] ?? []).map((_, place) => Math.max(...rows.map((row) => row[place]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, place) => (right.has(place) ? cell.padStart(widths[place] ?? 0) : cell.padEnd(widths[place] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
