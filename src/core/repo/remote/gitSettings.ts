import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError, systemCode } from '../../errors';
import { parseGitConfig } from '../gitConfig';
import type { GitProgram, Repository } from '../repository';
import { runGit } from '../runGit';

export interface GitSettings {
  /** Values by `section.subsection.key`, section and key in lower case. */
  readonly values: ReadonlyMap<string, readonly string[]>;
  /** False when there is no git on this machine: then these are the repository's own settings only. */
  readonly hasGit: boolean;
}

const WANTED = '^(remote|branch|url|http|core)\\.';

/**
 * The settings that say where a branch is published and how, as git sees them; without a git on this machine, those of the
 * repository's own file.
 *
 * Throws GIT_FAILED, CANCELLED.
 *
 * @example
 * const { values, hasGit } = await readGitSettings({ repo, git });
 */
export async function readGitSettings(options: {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly signal?: AbortSignal | undefined;
}): Promise<GitSettings> {
  const { repo, git, signal } = options;
  try {
    const args = ['config', '-z', '--get-regexp', WANTED];
    const { stdout } = await runGit(git, args, { cwd: repo.root, signal, okCodes: [0, 1] });
    const values = new Map<string, string[]>();
    for (const setting of stdout.toString('utf8').split('\0').slice(0, -1)) {
      const end = setting.indexOf('\n');
      const key = end < 0 ? setting : setting.slice(0, end); // a key alone means true
      values.set(key, [...(values.get(key) ?? []), end < 0 ? 'true' : setting.slice(end + 1)]);
    }
    return { values, hasGit: true };
  } catch (error) {
    if (!DataManagerError.is(error, 'GIT_MISSING')) throw error;
  }
  const text = await readFile(join(repo.commonDir, 'config'), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  });
  return { values: parseGitConfig(text), hasGit: false };
}

/**
 * Names of the remotes that have an address.
 *
 * @example
 * if (remoteNames(settings).includes('origin')) use('origin');
 */
export function remoteNames({ values }: GitSettings): readonly string[] {
  const names = [...values.keys()].flatMap((key) => /^remote\.(.+)\.(?:push)?url$/.exec(key)?.[1] ?? []);
  return [...new Set(names)];
}

/**
 * Address of a remote, `url.<base>.insteadOf` applied (git-config(1): the longest match wins; pushInsteadOf not beside a pushurl).
 *
 * @example
 * remoteAddress(settings, 'origin', 'push'); // 'https://github.com/x/y.git'
 */
export function remoteAddress({ values }: GitSettings, remote: string, use: 'fetch' | 'push'): string {
  const url = values.get(`remote.${remote}.url`)?.[0];
  const pushUrl = use === 'push' ? values.get(`remote.${remote}.pushurl`)?.[0] : undefined;
  const plain = pushUrl ?? url ?? remote;
  const forPush = use === 'push' && pushUrl === undefined ? rewritten(values, plain, 'pushinsteadof') : null;
  return forPush ?? rewritten(values, plain, 'insteadof') ?? plain;
}

function rewritten(values: GitSettings['values'], url: string, key: string): string | null {
  let longest = '';
  let result: string | null = null;
  for (const [name, prefixes] of values) {
    if (!name.startsWith('url.') || !name.endsWith(`.${key}`)) continue;
    const base = name.slice('url.'.length, -(key.length + 1));
    for (const prefix of prefixes) {
      if (prefix.length <= longest.length || !url.startsWith(prefix)) continue;
      longest = prefix;
      result = base + url.slice(prefix.length);
    }
  }
  return result;
}
