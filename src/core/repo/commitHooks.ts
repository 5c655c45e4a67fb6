import { access, constants, readFile, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DataManagerError } from '../errors';
import { type GitSettings, setting } from './gitSettings';
import type { GitProgram, Repository } from './repository';
import { gitStderr, type RunGitOptions, runGit } from './runGit';

/** Hooks that `git commit` runs (githooks(5)). */
const COMMIT_HOOKS = ['pre-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit'] as const;
type CommitHook = (typeof COMMIT_HOOKS)[number];
/** A linter or a test suite may take its time. */
const HOOK_MS = 600_000;

export interface CommitHooks {
  /** Throws HOOK_REFUSED. */
  preCommit(): Promise<void>;
  /** The message as the hooks leave it. Throws HOOK_REFUSED. */
  editMessage(message: string): Promise<string>;
  /** Its failure is nobody's: the commit is made. */
  postCommit(): Promise<void>;
}

/**
 * The first hook that this repository would run for one of `names`, null when there is none. Hooks may come from a folder or, in
 * newer versions of git, from the configuration.
 *
 * @example
 * const hook = await findHook(repo, git, settings, ['pre-commit']);
 */
export async function findHook(
  repo: Repository,
  git: GitProgram,
  settings: GitSettings,
  names: readonly string[] = COMMIT_HOOKS,
): Promise<string | null> {
  for (const key of settings.keys()) if (/^hook\..*\.(command|event)$/.test(key)) return key;
  const folder = hooksFolder(repo, git, settings);
  for (const name of names) {
    const file = join(folder, name);
    const runs = await access(file, constants.X_OK).then(
      async () => (await stat(file)).isFile(),
      () => false,
    );
    if (runs) return file;
  }
  return null;
}

function hooksFolder({ root, commonDir }: Repository, { env }: GitProgram, settings: GitSettings): string {
  const configured = setting(settings, 'core.hookspath');
  if (!configured) return join(commonDir, 'hooks');
  return resolve(root, configured.replace(/^~(?=\/|$)/, env.HOME ?? env.USERPROFILE ?? '~'));
}

/**
 * Runs the hooks as `git commit --only` does: in the top folder, with an index that holds HEAD and what is committed.
 *
 * @example
 * await commitHooks({ repo, git, settings, index, signal }).preCommit();
 */
export function commitHooks({
  repo,
  git,
  settings,
  index,
  signal,
}: {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly settings: GitSettings;
  /** The index that the hooks see; absolute. */
  readonly index: string;
  readonly signal?: AbortSignal | undefined;
}): CommitHooks {
  const before = { cwd: repo.root, env: { GIT_INDEX_FILE: index, GIT_EDITOR: ':' }, signal, timeoutMs: HOOK_MS };
  // The index is the real one again, and nothing can be cancelled any more.
  const afterwards = { ...before, env: { GIT_EDITOR: ':' }, signal: undefined };
  const run = async (hook: CommitHook, args: readonly string[], options: RunGitOptions = before): Promise<void> => {
    try {
      await runGit(git, ['hook', 'run', '--ignore-missing', hook, '--', ...args], options);
    } catch (error) {
      if (!/'hook' is not a git command/.test(gitStderr(error))) throw refusal(hook, error);
      // Git before 2.36 has no such command. On Windows only git can start a hook, and is newer than that.
      const file = join(hooksFolder(repo, git, settings), hook);
      const exists = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (!exists) return;
      await runGit({ ...git, path: file }, args, options).catch((failure) => {
        throw refusal(hook, failure);
      });
    }
  };
  return {
    preCommit: () => run('pre-commit', []),
    async editMessage(message) {
      const file = join(repo.gitDir, 'COMMIT_EDITMSG'); // where git has it, and some hooks look for it
      await writeFile(file, message.endsWith('\n') ? message : `${message}\n`);
      await run('prepare-commit-msg', [file, 'message']);
      await run('commit-msg', [file]);
      const edited = `${(await readFile(file, 'utf8')).trim()}\n`;
      if (edited !== '\n') return edited;
      throw new DataManagerError('HOOK_REFUSED', 'A hook of this repository leaves no message for the commit.');
    },
    postCommit: () => run('post-commit', [], afterwards).catch(() => {}),
  };
}

function refusal(hook: CommitHook, error: unknown): unknown {
  if (!DataManagerError.is(error, 'GIT_FAILED') || error.data.timedOut === true) return error;
  const text = gitStderr(error).trim();
  return new DataManagerError('HOOK_REFUSED', `The ${hook} hook of this repository refused the commit.`, {
    hint: text === '' ? `See the ${hook} hook for its reasons.` : `It says: ${text.slice(-2000)}`,
    data: { hook, output: text },
    cause: error,
  });
}
