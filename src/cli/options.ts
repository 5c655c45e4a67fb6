/** An option of a command, with what `--help` says about it. */
export type OptionSpec =
  | { readonly type: 'boolean'; readonly short?: string; readonly help: string }
  | {
      readonly type: 'string';
      readonly short?: string;
      readonly multiple?: boolean;
      /** What stands for the value in the help, such as `DIR`. */
      readonly value: string;
      readonly help: string;
    };

export type Options = Readonly<Record<string, OptionSpec>>;

/** The values that options come out with; those that were not given are undefined. */
export type OptionValues<O extends Options> = {
  readonly [K in keyof O]:
    | (O[K] extends { type: 'boolean' } ? boolean : O[K] extends { multiple: true } ? readonly string[] : string)
    | undefined;
};

/** Understood by every command, before its name or after it. */
export const globalOptions = {
  repo: { type: 'string', value: 'DIR', help: 'the repository (default: the nearest parent with a manifest)' },
  json: { type: 'boolean', help: 'write exactly one JSON value to the standard output' },
  yes: { type: 'boolean', help: 'answer every question with yes' },
  quiet: { type: 'boolean', help: 'no progress' },
  'no-push': { type: 'boolean', help: 'commit here, push later' },
  message: { type: 'string', short: 'm', value: 'TEXT', help: 'the commit message' },
  help: { type: 'boolean', short: 'h', help: 'explain a command' },
  version: { type: 'boolean', help: 'the version of this program' },
} as const satisfies Options;

export type GlobalValues = OptionValues<typeof globalOptions>;
