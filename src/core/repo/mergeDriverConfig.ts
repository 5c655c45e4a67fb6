import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { DataManagerError } from '../errors';
import { parseGitConfig } from './gitConfig';
import { mergeDriverName } from './mergeDriverAttributes';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

/** How a shell has its command line run outside itself. */
export interface MergeDriverProgram {
  /** Absolute path of Node, or of a program that behaves like it with `env`. */
  readonly node: string;
  /** Absolute path of the command line's script. */
  readonly script: string;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/**
 * Makes sure that this clone merges manifests by meaning when its `.gitattributes` ask for that: writes `merge.datamanager.*` to the
 * local configuration, which a clone does not bring along. A driver that is configured already stays, unless it is ours and its
 * script is gone. Costs two file reads when there is nothing to do. True when it wrote something.
 *
 * Attributes of a repository only name a driver; what it runs is decided here, so that a hostile repository decides nothing. A
 * configuration that can't be written (locked, read-only) is left for the next time.
 *
 * @example
 * await ensureMergeDriver(repo, git, { node: process.execPath, script: '/usr/lib/datamanager/dist/cli.js' });
 */
export async function ensureMergeDriver(
  repo: Repository,
  git: GitProgram,
  program: MergeDriverProgram,
): Promise<boolean> {
  const present = parseGitConfig(await readFile(path.join(repo.commonDir, 'config'), 'utf8').catch(() => ''))
    .get(`merge.${mergeDriverName}.driver`)
    ?.at(-1);
  if (present !== undefined && !(await isGone(present))) return false;
  try {
    const { stdout } = await runGit(git, ['check-attr', '-z', 'merge', '--', repo.manifestPath], { cwd: repo.root });
    if (stdout.toString('utf8').split('\0')[2] !== mergeDriverName) return false;
    const set = (key: string, value: string): Promise<unknown> =>
      runGit(git, ['config', '--local', `merge.${mergeDriverName}.${key}`, value], { cwd: repo.root });
    await set('name', 'merge manifests by meaning (Data Manager)');
    // Where two merges cross, their common past is merged first: a conflict there must not put markers into what we are to read.
    await set('recursive', 'binary');
    await set('driver', mergeDriverCommand(program));
    return true;
  } catch (error) {
    if (DataManagerError.is(error, 'GIT_FAILED')) return false;
    throw error;
  }
}

/**
 * The value of `merge.<driver>.driver`: a line for the shell that Git brings along. When the program is gone, or fails
 * without having left markers, the lines are merged as Git would have: a failed driver is a conflict to Git, in a file without any.
 *
 * @example
 * mergeDriverCommand({ node: '/usr/bin/node', script: '/opt/datamanager/dist/cli.js' });
 */
export function mergeDriverCommand({ node, script, env = {} }: MergeDriverProgram): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)} `);
  const run = `${variables.join('')}${quoted(node)} ${quoted(script)} merge-driver -- %O %A %B %P`;
  const fallback = 'git merge-file -L ours -L base -L theirs %A %O %B';
  return `if test -f ${quoted(script)} && test -x ${quoted(node)}; then if ${run}; then exit 0; elif grep -q '^<<<<<<< ' %A; then exit 1; fi; fi; ${fallback}`;
}

/** Only a line that we wrote is ours to replace. */
async function isGone(command: string): Promise<boolean> {
  const script = /^if test -f '((?:[^']|'\\'')*)' && test -x /.exec(command)?.[1];
  if (script === undefined) return false;
  const file = script.replaceAll("'\\''", "'").replaceAll('%%', '%');
  return (await stat(file).catch(() => null)) === null;
}

// For sh; Git expands % itself. The shell of Git for Windows takes slashes in paths.
function quoted(text: string): string {
  const slashes = process.platform === 'win32' ? text.replaceAll('\\', '/') : text;
  return `'${slashes.replaceAll('%', '%%').replaceAll("'", "'\\''")}'`;
}
