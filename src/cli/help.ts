import { version } from '../../package.json';
import type { Command } from './command';
import { commands, commandsForGit } from './commandTable';
import { globalOptions, type Options } from './options';
import { fields } from './output/table';

export function versionText(): string {
  return version;
}

/** What the program is, and its commands. */
export function overviewText(): string {
  return [
    'Data Manager versions large data files: Git keeps the metadata, your bucket or folder the bytes.',
    '',
    'Usage: datamanager COMMAND [ARGUMENTS] [OPTIONS]',
    '',
    'Commands:',
    ...fields(
      commands.map(({ name, aliases, summary }) => [
        name,
        aliases.length === 0 ? summary : `${summary} (also ${aliases.join(', ')})`,
      ]),
      '  ',
    ),
    '',
    'Run by Git:',
    ...fields(
      commandsForGit.map(({ name, summary }) => [name, summary]),
      '  ',
    ),
    '',
    'Options of every command:',
    ...optionLines(globalOptions),
    '',
    'REF is NAME, NAME@v3, NAME@latest or sha256:<8 or more hex digits>.',
    'Exit codes: 0 fine, 1 something you can mend, 2 wrong usage, 70 a bug, 130 cancelled.',
    '',
    'More about a command: datamanager COMMAND --help',
    '',
  ].join('\n');
}

/** How one command is used. */
export function helpText(command: Command): string {
  const own = optionLines(command.options);
  // An option of the command hides the global one of the same name.
  const others = Object.entries(globalOptions).filter(([name]) => !Object.hasOwn(command.options, name));
  return [
    `datamanager ${command.name}: ${command.summary}`,
    ...(command.aliases.length > 0 ? [`Also: ${command.aliases.join(', ')}`] : []),
    '',
    'Usage:',
    ...command.usage.map((line) => `  datamanager ${line}`),
    ...(command.details === '' ? [] : ['', command.details]),
    ...(own.length === 0 ? [] : ['', 'Options:', ...own]),
    '',
    'Options of every command:',
    ...optionLines(Object.fromEntries(others)),
    '',
    'Examples:',
    ...command.examples.map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function optionLines(options: Options): readonly string[] {
  return fields(
    Object.entries(options).map(([name, option]) => {
      const value = option.type === 'string' ? ` ${option.value}` : '';
      return [`${option.short ? `-${option.short}, ` : ''}--${name}${value}`, option.help];
    }),
    '  ',
  );
}
