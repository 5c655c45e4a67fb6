import { type Colours, colours, wantsColour } from './colours';

/** Where results go. A reader that has seen enough (`| head`) is not an error. */
export interface Output {
  readonly json: boolean;
  /** True when a person reads along. */
  readonly isTerminal: boolean;
  readonly colours: Colours;
  /** Aborted when nothing more can be written: the reader went away, or (then it is the reason) a disk is full. */
  readonly closed: AbortSignal;
  /** Writes a piece of text; the promise waits for a reader that is slower than we are. */
  write(text: string): Promise<void>;
  /** Writes lines. */
  lines(lines: readonly string[]): Promise<void>;
  /** Writes the one JSON value that `--json` promises. */
  value(value: unknown): Promise<void>;
}

export function createOutput(
  stream: NodeJS.WriteStream,
  { json, env }: { readonly json: boolean; readonly env: Readonly<Record<string, string | undefined>> },
): Output {
  const closed = new AbortController();
  stream.on('error', (error: NodeJS.ErrnoException) => {
    const readerLeft = error.code === 'EPIPE' || error.code === 'EOF';
    closed.abort(readerLeft ? undefined : error);
  });
  const write = async (text: string): Promise<void> => {
    if (closed.signal.aborted || text === '') return;
    if (stream.write(text)) return;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        stream.off('drain', go);
        closed.signal.removeEventListener('abort', go);
        resolve();
      };
      stream.on('drain', go);
      closed.signal.addEventListener('abort', go);
    });
  };
  return {
    json,
    isTerminal: stream.isTTY === true && !json,
    colours: colours(!json && wantsColour(stream, env)),
    closed: closed.signal,
    write,
    lines: (lines) => write(lines.map((line) => `${line}\n`).join('')),
    value: (value) => write(`${jsonText(value)}\n`),
  };
}

/** JSON that is safe to show: what a terminal would obey is escaped, which changes no value. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}
