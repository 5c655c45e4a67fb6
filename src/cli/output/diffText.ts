import type { DiffSummary, FileFacts, SchemaChange } from '../../core/sqldiff/model';
import { summaryLine } from '../../core/sqldiff/summaryText';
import type { Colours } from './colours';
import type { Output } from './output';
import { visible, visibleLines } from './visible';

/** A line a schema change and a line a table, in the words of `sqldiff --summary`; of other files their lines or sizes. */
export function summaryLines({ schema, tables, lines, files }: DiffSummary): readonly string[] {
  return [
    ...(lines ? [`lines: ${lines.added} added, ${lines.removed} removed`] : []),
    ...(files && !lines ? [files.before, files.after].flatMap((file) => (file ? [fileLine(file)] : [])) : []),
    ...schema.map((change) => visible(schemaLine(change))),
    ...tables.map((table) => visible(summaryLine(table))),
  ];
}

function fileLine({ size, sha256 }: FileFacts): string {
  return `file: ${size} bytes, sha256 ${sha256}`;
}

function schemaLine({ type, name, before, after }: SchemaChange): string {
  const what = before === null ? 'added' : after === null ? 'dropped' : 'changed';
  return `schema: ${type} ${name} ${what}`;
}

export interface TextSink {
  readonly onText: (piece: string) => void;
  /** Writes what is left. */
  end(): Promise<void>;
}

/** Passes a comparison's text on: as it is to a file or pipe, made safe and coloured line by line to a terminal. */
export function textSink(output: Output): TextSink {
  let rest = '';
  let written: Promise<void> = Promise.resolve();
  const put = (text: string): void => {
    written = output.write(text);
  };
  return {
    onText: (piece) => {
      if (!output.isTerminal) return put(piece);
      const lines = (rest + piece).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) put(lines.map((line) => `${coloured(visibleLines(line), output.colours)}\n`).join(''));
    },
    end: async () => {
      if (rest !== '') put(coloured(visibleLines(rest), output.colours));
      await written;
    },
  };
}

function coloured(line: string, { red, green, dim }: Colours): string {
  const sign = /^ *([+~-])/.exec(line)?.[1];
  if (sign === '+') return green(line);
  if (sign === '-') return red(line);
  return /^ *\.\.\. /.test(line) ? dim(line) : line;
}
