import { posix, win32 } from 'node:path';
import type { GitProgram } from '../repository';

/** What keeps git, its credential helpers and ssh from asking anybody. */
const SILENT = {
  GIT_TERMINAL_PROMPT: '0',
  // Set but empty: git then asks neither core.askPass nor SSH_ASKPASS.
  GIT_ASKPASS: '',
  SSH_ASKPASS: '',
  SSH_ASKPASS_REQUIRE: 'never',
  // Git Credential Manager would open a window.
  GCM_INTERACTIVE: 'never',
} as const;

/**
 * Environment in which git works with the keys, agents and stored credentials that the user has, but fails where it would have to
 * ask: for work in the background, where a window would come from nowhere.
 *
 * @param sshCommand `core.sshCommand`, if set
 *
 * @example
 * await runGit(git, ['fetch'], { cwd, env: unaskedEnvironment(git, undefined) });
 */
export function unaskedEnvironment(git: GitProgram, sshCommand: string | undefined): Readonly<Record<string, string>> {
  const { GIT_SSH_COMMAND: command, GIT_SSH: program } = git.env;
  // The order of git(1), "GIT_SSH".
  const ssh = command || sshCommand || (program ? `'${program.replaceAll("'", "'\\''")}'` : 'ssh');
  const option = batchOption(ssh, git.env.GIT_SSH_VARIANT);
  return { ...SILENT, ...(option === null ? {} : { GIT_SSH_COMMAND: `${ssh} ${option}` }) };
}

/** How this ssh is told not to ask; null for a program that may not know either option. */
function batchOption(command: string, variant: string | undefined): string | null {
  const first = /^\s*(?:'([^']+)'|"([^"]+)"|(\S+))/.exec(command);
  const path = first?.[1] ?? first?.[2] ?? first?.[3] ?? '';
  const name = win32
    .basename(posix.basename(path))
    .toLowerCase()
    .replace(/\.exe$/, '');
  if (name === 'ssh' || variant === 'ssh') return '-o BatchMode=yes';
  return ['plink', 'tortoiseplink', 'putty'].includes(name) ? '-batch' : null;
}
