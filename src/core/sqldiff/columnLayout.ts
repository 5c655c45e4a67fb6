/** Two or more spaces separate columns, which no bare text has. */
export const SEPARATOR = '  ';
/** A longer value does not push the columns behind it to the right; where few are so long, not even a shorter one. */
const MAX_WIDTH = 40;
const MAX_RARE_WIDTH = 20;
const RARE = 0.2;

/**
 * Puts cells below each other: numbers by their decimal points, all else by its start. A number that becomes shorter or longer
 * then keeps its place, and an editor that marks the difference has no blanks to mark.
 */
export class ColumnLayout {
  private readonly widths: readonly number[];
  /** Of numbers: characters from the decimal point on; 0 for a column of other values. */
  private readonly fractions: readonly number[];

  /**
   * `rows` are the names of the columns and all cells.
   *
   * @example
   * const layout = new ColumnLayout([['id', 'cost'], ['1', '1.25'], ['2', '10']], [true, true]);
   * layout.line(['1', '1.25']); // ' 1   1.25'
   */
  constructor(
    rows: readonly (readonly string[])[],
    private readonly isNumeric: readonly boolean[],
  ) {
    this.fractions = isNumeric.map((numeric, place) =>
      numeric ? rows.reduce((longest, row) => Math.max(longest, fractionOf(row[place] ?? '')), 0) : 0,
    );
    this.widths = isNumeric.map((_, place) => {
      const lengths = rows.map((row) => this.placed(row[place] ?? '', place).length);
      const long = lengths.filter((length) => length > MAX_RARE_WIDTH).length;
      const most = long < RARE * lengths.length ? MAX_RARE_WIDTH : MAX_WIDTH;
      return lengths.reduce((widest, length) => Math.max(widest, Math.min(length, most)), 0);
    });
  }

  line(cells: readonly string[]): string {
    return cells
      .map((cell, place) => {
        const width = this.widths[place] ?? 0;
        return this.isNumeric[place] ? this.placed(cell, place).padStart(width) : cell.padEnd(width);
      })
      .join(SEPARATOR)
      .trimEnd();
  }

  private placed(cell: string, place: number): string {
    const isNumber = /^-?(?:\d|Inf)|^NULL$/.test(cell);
    return isNumber ? cell.padEnd(cell.length + (this.fractions[place] ?? 0) - fractionOf(cell)) : cell;
  }
}

function fractionOf(cell: string): number {
  return /^-?\d+([.e].*)$/.exec(cell)?.[1]?.length ?? 0;
}
