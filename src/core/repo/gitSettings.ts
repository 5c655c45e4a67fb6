import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError, systemCode } from '../errors';
import { parseGitConfig } from './gitConfig';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

/** Every value of a Git setting, weakest first, by `section.key` in lower case. */
export type GitSettings = ReadonlyMap<string, readonly string[]>;

/**
 * Git's configuration as it counts in this work tree: the machine's, the user's, the repository's, and includes. Asked of git, which
 * alone knows where all of it is. Without a git program, the usual files are read; then an include is GIT_MISSING.
 *
 * Throws GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const name = setting(await readGitSettings(repo, git), 'user.name');
 */
export async function readGitSettings(repo: Repository, git: GitProgram, signal?: AbortSignal): Promise<GitSettings> {
  try {
    const { stdout } = await runGit(git, ['config', '--list', '-z'], { cwd: repo.root, signal });
    const settings = new Map<string, string[]>();
    for (const record of stdout.toString('utf8').split('\0').slice(0, -1)) {
      const end = record.indexOf('\n');
      const key = end < 0 ? record : record.slice(0, end);
      settings.set(key, [...(settings.get(key) ?? []), end < 0 ? 'true' : record.slice(end + 1)]);
    }
    return settings;
  } catch (error) {
    if (!DataManagerError.is(error, 'GIT_MISSING')) throw error;
    return settingsFromFiles(repo, git, error);
  }
}

async function settingsFromFiles(repo: Repository, { env }: GitProgram, missing: unknown): Promise<GitSettings> {
  const home = env.HOME ?? env.USERPROFILE;
  const xdg = env.XDG_CONFIG_HOME || (home && join(home, '.config'));
  const files = [
    env.GIT_CONFIG_NOSYSTEM ? undefined : (env.GIT_CONFIG_SYSTEM ?? '/etc/gitconfig'),
    ...(env.GIT_CONFIG_GLOBAL === undefined
      ? [xdg && join(xdg, 'git', 'config'), home && join(home, '.gitconfig')]
      : [env.GIT_CONFIG_GLOBAL]),
    join(repo.commonDir, 'config'),
    join(repo.gitDir, 'config.worktree'),
  ];
  const settings = new Map<string, readonly string[]>();
  for (const file of files) {
    if (!file) continue;
    for (const [key, values] of parseGitConfig(await textOf(file))) {
      if (/^include(if)?\./.test(key)) throw missing;
      settings.set(key, [...(settings.get(key) ?? []), ...values]);
    }
  }
  return settings;
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error) ?? '')) return '';
    throw error;
  }
}

/** The value that counts. */
export function setting(settings: GitSettings, key: string): string | undefined {
  return settings.get(key)?.at(-1);
}

/** A setting as git reads a bool (git-config(1), "Values"). */
export function isOn(settings: GitSettings, key: string, otherwise = false): boolean {
  const value = setting(settings, key)?.toLowerCase();
  if (value === undefined) return otherwise;
  return !['false', 'no', 'off', '0', ''].includes(value);
}
