import type { Command } from './command';
import { createCommand } from './commands/create';
import { diffCommand } from './commands/diff';
import { historyCommand } from './commands/history';
import { infoCommand } from './commands/info';
import { initCommand } from './commands/init';
import { lineageCommand } from './commands/lineage';
import { listCommand } from './commands/list';
import { logCommand } from './commands/log';
import { materializeCommand } from './commands/materialize';
import { mergeDriverCommand } from './commands/mergeDriver';
import { pullCommand } from './commands/pull';
import { pushCommand } from './commands/push';
import { recoverCommand } from './commands/recover';
import { refsCommand } from './commands/refs';
import { updateCommand } from './commands/update';
import { verifyCommand } from './commands/verify';

/** Every command, in the order of the help. */
export const commands: readonly Command[] = [
  initCommand,
  verifyCommand,
  listCommand,
  infoCommand,
  createCommand,
  updateCommand,
  pushCommand,
  pullCommand,
  diffCommand,
  historyCommand,
  logCommand,
  refsCommand,
  lineageCommand,
  materializeCommand,
  recoverCommand,
];

/** Those that Git runs, not people. */
export const commandsForGit: readonly Command[] = [mergeDriverCommand];

/** The command of that name or alias. */
export function findCommand(name: string): Command | null {
  return (
    [...commands, ...commandsForGit].find((command) => command.name === name || command.aliases.includes(name)) ?? null
  );
}
