import type { Column, DiffSummary, FileFacts, RowKey, SchemaChange, TableSummary } from './model';
import type { ColumnChange, DiffOverview, NumberShift, TableColumns } from './overview';
import { nameKey } from './schema';
import { oneLine } from './summaryText';
import { valueText } from './valueText';

/** Where the text names a table whose rows changed, for links; on both sides. Line and characters count from 0. */
export interface TablePlace {
  readonly table: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** An overview for a side-by-side editor. */
export interface OverviewPair {
  readonly before: string;
  readonly after: string;
  readonly places: { readonly before: readonly TablePlace[]; readonly after: readonly TablePlace[] };
}

export interface OverviewTitle {
  /** How the two are called; null for a side that is not there. */
  readonly before: string | null;
  readonly after: string;
}

/** Longer names are cut, in characters. */
const MAX_NAME = 48;

/** A line of the text as the two sides have it; null where a side lacks it. */
interface Line {
  readonly before: string | null;
  readonly after: string | null;
  readonly table?: string;
}

/**
 * What a reviewer reads first, as two texts whose lines correspond, so that the editor's colours mark what differs: the change
 * in a sentence, the schema in words, rows of each changed table, the columns that changed, the greatest shifts of numbers
 * and how rows were paired. The older side tells how it was; what only reports the change is on the newer side alone. Half an
 * editor is some 45 characters wide, so a number stands before a long name, and a name that many lines share above them.
 *
 * @example
 * const { before, after } = overviewText({ before: 'v1', after: 'v2' }, summary, overview);
 */
export function overviewText(title: OverviewTitle, summary: DiffSummary, overview: DiffOverview | null): OverviewPair {
  const lines: Line[] = [
    { before: title.before === null ? null : oneLine(title.before), after: oneLine(title.after) },
    ...headlines(summary).map(both),
  ];
  const section = (heading: string, content: readonly Line[]): void => {
    if (content.length > 0) lines.push(both(''), both(heading), ...content);
  };
  if (summary.files) section('File', fileLines(summary.files));
  if (overview) {
    section('Schema: dropped', entryLines(summary.schema, 'dropped'));
    section('Schema: changed', changedLines(summary.schema, overview.tables));
    section('Schema: new', entryLines(summary.schema, 'new'));
    section('Rows', tableLines(summary.tables));
    section('Changed columns', columnLines(overview));
    const { relative, absolute } = overview.shifts;
    section('Largest shifts by percent', shiftLines(relative, 'percent'));
    const others = absolute.filter((shift) => !relative.some((listed) => isSameCell(listed, shift)));
    section(
      relative.length > 0 ? 'Other large shifts by amount' : 'Largest shifts by amount',
      shiftLines(others, 'amount'),
    );
    section('Rows are paired by', keyLines(summary.tables));
  }
  return {
    before: title.before === null ? '' : side(lines, 'before'),
    after: side(lines, 'after'),
    places: { before: title.before === null ? [] : places(lines, 'before'), after: places(lines, 'after') },
  };
}

function both(text: string): Line {
  return { before: text, after: text };
}

function side(lines: readonly Line[], which: 'before' | 'after'): string {
  return lines.flatMap((line) => line[which] ?? []).join('\n');
}

function places(lines: readonly Line[], which: 'before' | 'after'): TablePlace[] {
  return lines
    .filter((line) => line[which] !== null)
    .flatMap(({ table }, line) =>
      table === undefined ? [] : [{ table, line, start: 2, end: 2 + cut(oneLine(table)).length }],
    );
}

function headlines({ identical, schema, tables, files, lines }: DiffSummary): string[] {
  if (files && identical) return ['No difference: the bytes are the same.'];
  if (lines) return [`${amount(lines.added)} lines added, ${amount(lines.removed)} removed.`];
  if (files) return ['The bytes differ.'];
  if (identical) return ['No difference: schema and rows are the same.'];
  const rows = (['updated', 'inserted', 'deleted'] as const)
    .map((kind) => ({ kind, count: tables.reduce((sum, table) => sum + table[kind], 0) }))
    .filter(({ count }) => count > 0)
    // "1 row updated, 2 inserted": the first says what is counted.
    .map(({ kind, count }, place) => `${place === 0 ? counted(count, 'row') : amount(count)} ${kind}`);
  const parts = [
    rows.length === 0 ? null : rows.join(', '),
    schema.length === 0 ? null : counted(schema.length, 'schema change'),
  ];
  const said = parts.filter((part) => part !== null);
  return said.length > 0 ? said : ['No row differs.'];
}

function counted(count: number, one: string): string {
  return `${amount(count)} ${one}${count === 1 ? '' : 's'}`;
}

function amount(count: number): string {
  return count.toLocaleString('en');
}

function fileLines({ before, after }: { readonly before: FileFacts | null; readonly after: FileFacts }): Line[] {
  const line = (text: (file: FileFacts) => string): Line => ({ before: before && text(before), after: text(after) });
  return [line(({ size }) => `  size    ${amount(size)} bytes`), line(({ sha256 }) => `  sha256  ${sha256}`)];
}

/** What was dropped stands on the older side, what is new on the newer. */
function entryLines(changes: readonly SchemaChange[], which: 'dropped' | 'new'): Line[] {
  return changes.flatMap((change): Line[] => {
    if (which === 'dropped') return change.after === null ? [{ before: `  - ${entryName(change)}`, after: null }] : [];
    return change.before === null ? [{ before: null, after: `  + ${entryName(change)}` }] : [];
  });
}

function changedLines(changes: readonly SchemaChange[], tables: readonly TableColumns[]): Line[] {
  return changes.flatMap((change): Line[] => {
    const { type, name, before, after } = change;
    if (before === null || after === null) return [];
    const table = type === 'table' ? tables.find((candidate) => nameKey(candidate.table) === nameKey(name)) : undefined;
    const columns = table ? columnChanges(table.before ?? [], table.after ?? []) : [];
    const line = `  ~ ${entryName(change)}`;
    if (columns.length > 0) return [both(line), ...columns];
    return [{ before: line, after: `${line}  ${type === 'table' ? 'constraints or wording' : 'definition'}` }];
  });
}

function entryName({ type, name, table }: SchemaChange): string {
  return `${type} ${oneLine(name)}${table === name ? '' : ` on ${oneLine(table)}`}`;
}

function columnChanges(before: readonly Column[], after: readonly Column[]): Line[] {
  const find = (columns: readonly Column[], name: string): Column | undefined =>
    columns.find((column) => nameKey(column.name) === nameKey(name));
  const called = ({ name, type, primaryKey }: Column): string =>
    oneLine(`${name}${type === '' ? '' : ` ${type}`}${primaryKey > 0 ? ' (in the primary key)' : ''}`);
  const lines: Line[] = [];
  for (const column of before)
    if (!find(after, column.name)) lines.push({ before: `      - ${called(column)}`, after: null });
  for (const column of after) {
    const older = find(before, column.name);
    if (!older) lines.push({ before: null, after: `      + ${called(column)}` });
    else if (called(older) !== called(column))
      lines.push({ before: `      ~ ${called(older)}`, after: `      ~ ${called(column)}` });
  }
  const order = (columns: readonly Column[]): string => columns.map(({ name }) => oneLine(name)).join(', ');
  if (lines.length > 0 || order(before) === order(after)) return lines;
  return [{ before: `      order: ${order(before)}`, after: `      order: ${order(after)}` }];
}

function tableLines(tables: readonly TableSummary[]): Line[] {
  const rows = tables.map(({ name, inserted, updated, deleted, unchanged }) => ({
    name,
    // Of a large file nobody counts them.
    before: unchanged === null ? '' : amount(unchanged + updated + deleted),
    after: unchanged === null ? '' : amount(unchanged + updated + inserted),
    change: [
      ['+', amount(inserted)],
      // The same number again would be marked in the wrong place.
      ['~', updated > 0 && unchanged === 0 && inserted === 0 && deleted === 0 ? 'all' : amount(updated)],
      ['-', amount(deleted)],
    ]
      .filter(([, count]) => count !== '0')
      .map(([sign, count]) => `${sign}${count}`)
      .join(' '),
  }));
  const names = width(rows.map(({ name }) => cut(oneLine(name))));
  const counts = width(rows.flatMap(({ before, after }) => [before, after]));
  return rows.map(({ name, before, after, change }) => {
    const line = (...cells: readonly string[]): string =>
      `  ${[cut(oneLine(name)).padEnd(names), ...cells].join('  ')}`.trimEnd();
    const count = (rows: string): string[] => (counts === 0 ? [] : [rows.padStart(counts)]);
    return { table: name, before: line(...count(before)), after: line(...count(after), change) };
  });
}

/** The columns of each table below its name. */
function columnLines({ columns }: DiffOverview): Line[] {
  const nameOf = ({ column }: ColumnChange): string => cut(oneLine(column));
  const [names, cells] = [width(columns.map(nameOf)), width(columns.map((column) => counted(column.cells, 'cell')))];
  return grouped(
    columns,
    ({ table }) => cut(oneLine(table)),
    (column) => {
      const count = counted(column.cells, 'cell').padStart(cells);
      const range = column.relative === null ? '' : percentRange(column.relative);
      return { before: null, after: `    ${nameOf(column).padEnd(names)}  ${count}  ${range}`.trimEnd() };
    },
  );
}

function percentRange({ least, greatest }: NonNullable<ColumnChange['relative']>): string {
  const [from, to] = [percent(least), percent(greatest)];
  return from === to ? from : `${from.replace(' %', '')} to ${to}`;
}

/** The shifts of each column below its name, first the column with the greatest. */
function shiftLines(shifts: readonly NumberShift[], by: 'percent' | 'amount'): Line[] {
  const sizeOf = ({ change, relative }: NumberShift): string =>
    by === 'percent' && relative !== null ? percent(relative) : `${change > 0 ? '+' : ''}${rounded(change)}`;
  const values = width(shifts.flatMap(({ before, after }) => [valueText(before), valueText(after)]));
  const sizes = width(shifts.map(sizeOf));
  return grouped(
    shifts,
    ({ table, column }) => cut(oneLine(`${table}.${column}`)),
    (shift) => {
      // The same on both sides, so that only the value is marked.
      const rest = `${sizeOf(shift).padStart(sizes)}  ${oneLine(shift.row)}`;
      const line = (value: bigint | number): string => `    ${valueText(value).padStart(values)}  ${rest}`;
      return { before: line(shift.before), after: line(shift.after) };
    },
  );
}

/** A line for each item below the name that it shares with others; names in the order of their first items. */
function grouped<T>(items: readonly T[], nameOf: (item: T) => string, lineOf: (item: T) => Line): Line[] {
  const groups = new Map<string, Line[]>();
  for (const item of items) {
    const name = nameOf(item);
    const lines = groups.get(name) ?? [both(`  ${name}`)];
    lines.push(lineOf(item));
    groups.set(name, lines);
  }
  return [...groups.values()].flat();
}

function isSameCell(a: NumberShift, b: NumberShift): boolean {
  return a.table === b.table && a.column === b.column && a.row === b.row;
}

function keyLines(tables: readonly TableSummary[]): Line[] {
  const names = tables.map(({ name }) => cut(oneLine(name)));
  return tables.map(({ key }, place) => both(`  ${(names[place] ?? '').padEnd(width(names))}  ${keyWords(key)}`));
}

/**
 * How rows of a table were paired, in words.
 *
 * @example
 * keyWords({ kind: 'primary-key', columns: ['region', 'tech'] }); // region, tech (primary key)
 */
export function keyWords({ kind, columns }: RowKey): string {
  const words: Record<RowKey['kind'], string> = {
    'primary-key': 'primary key',
    declared: 'declared key',
    'unique-index': 'unique index',
    content: 'their whole content',
    rowid: 'rowid',
  };
  return columns.length === 0 ? words[kind] : oneLine(`${columns.join(', ')} (${words[kind]})`);
}

function percent(share: number): string {
  const value = share * 100;
  // Small shifts must not read as none, and huge ones not as a row of digits.
  const size = Math.abs(value);
  const text =
    size >= 1e6 || (size > 0 && size < 0.01)
      ? value.toExponential(1)
      : value.toFixed(size < 0.1 ? 2 : size < 100 ? 1 : 0);
  return `${value > 0 ? '+' : ''}${text} %`;
}

/** Without the digits that subtraction of decimals leaves behind: 0.1, not 0.09999999999999998. */
function rounded(change: number): string {
  return String(Number(change.toPrecision(10)));
}

function cut(text: string): string {
  return text.length <= MAX_NAME ? text : `${text.slice(0, MAX_NAME - 1)}…`;
}

function width(texts: readonly string[]): number {
  return texts.reduce((widest, text) => Math.max(widest, text.length), 0);
}
