import { parseArgs } from 'node:util';
import type { Command } from './command';
import { type GlobalValues, globalOptions, type Options } from './options';
import { UsageError } from './usageError';

export type ParsedArguments =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly command: Command | null }
  | { readonly kind: 'nothing' }
  | {
      readonly kind: 'run';
      readonly command: Command;
      readonly positionals: readonly string[];
      readonly globals: GlobalValues;
      readonly values: Readonly<Record<string, unknown>>;
    };

const seeHelp = 'See: datamanager --help';

/**
 * Reads a command line. Global options may stand before or after the command's name; behind `--` nothing is an option.
 *
 * Throws UsageError.
 */
export function parseArguments(
  argv: readonly string[],
  findCommand: (name: string) => Command | null,
): ParsedArguments {
  const { tokens } = parseArgs({ args: [...argv], options: globalOptions, strict: false, tokens: true });
  const first = tokens.find((token) => token.kind === 'positional');
  const before = tokens.filter((token) => token.kind === 'option' && token.index < (first?.index ?? Infinity));
  const given = (name: string): boolean => before.some((token) => token.kind === 'option' && token.name === name);
  if (given('version')) return { kind: 'version' };
  if (!first) {
    if (given('help')) return { kind: 'help', command: null };
    strictParse(argv, globalOptions, seeHelp);
    return { kind: 'nothing' };
  }
  const rest = argv.filter((_, i) => i !== first.index);
  if (first.value === 'help') return parseHelp(rest, findCommand);
  const command = findCommand(first.value);
  if (!command) throw new UsageError(`There is no command ${JSON.stringify(first.value)}.`, seeHelp);
  // A command's own option wins over a global one of the same name: pull --version v2.
  const { values, positionals } = strictParse(rest, { ...globalOptions, ...command.options }, usageHint(command));
  const globals = values as GlobalValues;
  if (globals.help) return { kind: 'help', command };
  if (globals.version && !Object.hasOwn(command.options, 'version')) return { kind: 'version' };
  return { kind: 'run', command, positionals: checkCount(command, positionals), globals, values };
}

/**
 * True when the result, or the error, is to be written as JSON: known even if the rest of the line can't be understood.
 */
export function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json');
}

/** How a command is written, as the hint of a UsageError. */
export function usageHint(command: Command): string {
  return `Usage: ${command.usage.map((line) => `datamanager ${line}`).join(' | ')}`;
}

function parseHelp(argv: readonly string[], findCommand: (name: string) => Command | null): ParsedArguments {
  const { positionals } = strictParse(argv, globalOptions, seeHelp);
  const [name] = positionals;
  if (name === undefined) return { kind: 'help', command: null };
  const command = findCommand(name);
  if (!command) throw new UsageError(`There is no command ${JSON.stringify(name)}.`, seeHelp);
  return { kind: 'help', command };
}

function strictParse(
  argv: readonly string[],
  options: Options,
  hint: string,
): { values: Readonly<Record<string, unknown>>; positionals: readonly string[] } {
  try {
    return parseArgs({ args: [...argv], options, strict: true, allowPositionals: true });
  } catch (error) {
    if (!(error instanceof Error) || !/^ERR_PARSE_ARGS/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
    // Node's first sentence says what is wrong; the others are advice that our usage line gives better.
    const problem = error.message.split(/\.\s/)[0]?.replace(/\.$/, '') ?? error.message;
    throw new UsageError(`${problem}.`, hint);
  }
}

function checkCount(command: Command, positionals: readonly string[]): readonly string[] {
  const { names, optional } = command.positionals;
  const missing = names[positionals.length];
  if (missing !== undefined && positionals.length < names.length - optional) {
    throw new UsageError(`${missing} is missing.`, usageHint(command));
  }
  const surplus = positionals[names.length];
  if (surplus !== undefined)
    throw new UsageError(`Too many arguments: ${JSON.stringify(surplus)}.`, usageHint(command));
  return positionals;
}
