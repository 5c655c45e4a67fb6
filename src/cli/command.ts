import type { GlobalValues, Options, OptionValues } from './options';
import type { Session } from './session';

/** A command as the table holds it. */
export interface Command {
  readonly name: string;
  readonly aliases: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** How it is written, without the program's name. */
  readonly usage: readonly string[];
  readonly positionals: Positionals;
  readonly options: Options;
  /** What `--help` says besides: paragraphs. */
  readonly details: string;
  readonly examples: readonly string[];
  /** Returns the exit code. */
  run(session: Session, parsed: ParsedValues): Promise<number>;
}

interface Positionals {
  /** What `... is missing` calls them. */
  readonly names: readonly string[];
  /** How many of the last ones may be left out. */
  readonly optional: number;
}

interface ParsedValues {
  readonly positionals: readonly string[];
  readonly globals: GlobalValues;
  readonly values: Readonly<Record<string, unknown>>;
}

interface CommandDefinition<O extends Options> {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly usage: readonly string[];
  /** Names of the arguments; a `?` behind one says that it may be left out. */
  readonly positionals?: readonly string[];
  readonly options?: O;
  readonly details?: string;
  readonly examples: readonly string[];
  run(session: Session, args: CommandArguments<O>): Promise<number | undefined>;
}

export interface CommandArguments<O extends Options> {
  /** Those that were given; how many there must be has been checked. */
  readonly positionals: readonly string[];
  readonly globals: GlobalValues;
  readonly values: OptionValues<O>;
}

/**
 * A command whose option values are typed by its option table. Keep the module light: what is heavy is imported in `run`,
 * so that `--help` and `--version` answer at once.
 */
export function defineCommand<const O extends Options = Record<never, never>>(
  definition: CommandDefinition<O>,
): Command {
  const names = definition.positionals ?? [];
  return {
    name: definition.name,
    aliases: definition.aliases ?? [],
    summary: definition.summary,
    usage: definition.usage,
    positionals: {
      names: names.map((name) => name.replace(/\?$/, '')),
      optional: names.filter((name) => name.endsWith('?')).length,
    },
    options: definition.options ?? {},
    details: definition.details ?? '',
    examples: definition.examples,
    run: async (session, { positionals, globals, values }) =>
      (await definition.run(session, { positionals, globals, values: values as OptionValues<O> })) ?? 0,
  };
}

/** An argument that the table says must be there. */
export function argument(positionals: readonly string[], index: number): string {
  const value = positionals[index];
  if (value === undefined) throw new RangeError(`argument ${index} was not checked`);
  return value;
}
