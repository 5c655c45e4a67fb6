import { displayWidth } from './displayWidth';
import { visible } from './visible';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Lines of aligned columns under their titles. Cells may hold anything: what would drive the terminal is written out. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): readonly string[] {
  return aligned(
    [columns.map(({ title }) => title), ...rows],
    columns.map(({ align }) => align ?? 'left'),
  );
}

/** Lines of `name  value`, values below each other. */
export function fields(rows: readonly (readonly [name: string, value: string])[], indent = ''): readonly string[] {
  return aligned(rows, ['left', 'left']).map((line) => indent + line);
}

function aligned(rows: readonly (readonly string[])[], aligns: readonly ('left' | 'right')[]): readonly string[] {
  const cells = rows.map((row) => row.map((cell) => visible(cell)));
  const widths = aligns.map((_, i) => Math.max(...cells.map((row) => displayWidth(row[i] ?? ''))));
  return cells.map((row) => {
    const padded = row.map((cell, i) => {
      const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - displayWidth(cell)));
      return aligns[i] === 'right' ? space + cell : cell + space;
    });
    return padded.join('  ').trimEnd();
  });
}
