import { lstat, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../errors';
import { findHook } from './commitHooks';
import { type GitSettings, isOn, readGitSettings, setting } from './gitSettings';
import { gitWriter } from './gitWriter';
import { type Identities, identitiesFrom } from './identity';
import { parseIndex } from './indexFile';
import { lockedWriter } from './lockedWriter';
import { requireReadable } from './openRepository';
import { convertsPaths } from './pathAttributes';
import type { GitProgram, Repository } from './repository';
import type { RepositoryWriter } from './repositoryWriter';

export interface ChosenWriter {
  readonly writer: RepositoryWriter;
  readonly kind: 'locked' | 'git';
  /** Why it has to be the system's git; null for our own writer. */
  readonly reason: string | null;
  readonly settings: GitSettings;
  readonly identities: Identities;
  /** True when the repository has hooks that a commit runs. */
  readonly hooked: boolean;
}

export interface ChooseWriterOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  /** What is to be written, from the top of the work tree. */
  readonly paths: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** For tests: this one, whatever the repository is like. */
  readonly force?: 'locked' | 'git' | undefined;
}

/**
 * The writer for a repository as it is laid out: our own for an ordinary one, the system's git for whatever our own would get wrong.
 * Layouts that can't even be read without mistakes are refused.
 *
 * Throws GIT_IDENTITY_MISSING, REPOSITORY_UNSUPPORTED (also when a filter would rewrite a path), GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const { writer } = await chooseWriter({ repo, git, paths: ['manifest.json'] });
 */
export async function chooseWriter(options: ChooseWriterOptions): Promise<ChosenWriter> {
  const { repo, git, paths, signal, force } = options;
  await requireReadable(repo);
  const [settings, converts] = await Promise.all([
    readGitSettings(repo, git, signal),
    convertsPaths(repo, git, paths, signal),
  ]);
  const identities = identitiesFrom(settings, git);
  const hook = await findHook(repo, git, settings);
  const found = hook === null ? await reasonForGit(options, settings, converts) : `it has the hook ${hook}`;
  const reason = force === 'locked' ? null : force === 'git' ? (found ?? 'a test wants it') : found;
  const sign = isOn(settings, 'commit.gpgsign');
  const writer = reason === null ? lockedWriter(repo, settings, identities) : gitWriter(repo, git, { sign, signal });
  return { writer, kind: reason === null ? 'locked' : 'git', reason, settings, identities, hooked: hook !== null };
}

async function reasonForGit(
  { repo, git, paths }: ChooseWriterOptions,
  settings: GitSettings,
  converts: boolean,
): Promise<string | null> {
  if (isOn(settings, 'commit.gpgsign')) return 'its commits are signed (commit.gpgSign)';
  if (converts || isOn(settings, 'core.autocrlf')) return 'line ends are converted (core.autocrlf or .gitattributes)';
  if (!['umask', 'false', '0', undefined].includes(setting(settings, 'core.sharedrepository')?.toLowerCase())) {
    return 'its files are shared with other users (core.sharedRepository)';
  }
  if (git.env.GIT_AUTHOR_DATE || git.env.GIT_COMMITTER_DATE) return 'a date is given for its commits';
  if (isOn(settings, 'core.precomposeunicode') && paths.some((path) => /[^\0-\x7f]/.test(path))) {
    return 'this disk writes names in another form than Git (core.precomposeUnicode)';
  }
  const watcher = await findHook(repo, git, settings, ['reference-transaction', 'post-index-change']);
  if (watcher !== null) return `it has the hook ${watcher}`;
  if (await hasReplacements(repo)) return 'some of its objects are replaced (git replace)';
  return (await unusualHead(repo)) ?? unusualIndex(repo);
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

async function hasReplacements({ commonDir }: Repository): Promise<boolean> {
  const loose = await readdir(join(commonDir, 'refs', 'replace')).catch(() => []);
  return loose.length > 0 || / refs\/replace\//.test(await textOf(join(commonDir, 'packed-refs')));
}

async function unusualHead({ gitDir, commonDir }: Repository): Promise<string | null> {
  // As git made HEAD long ago, and with core.preferSymlinkRefs.
  if ((await lstat(join(gitDir, 'HEAD'))).isSymbolicLink()) return 'its HEAD is a symbolic link';
  const head = (await textOf(join(gitDir, 'HEAD'))).trim();
  if (/^[0-9a-f]{40}$/.test(head)) return null;
  const branch = /^ref:\s*(refs\/heads\/.+)$/.exec(head)?.[1];
  if (branch === undefined) return 'its HEAD is no branch';
  return (await textOf(join(commonDir, branch))).startsWith('ref:') ? 'its branch stands for another one' : null;
}

async function unusualIndex({ gitDir }: Repository): Promise<string | null> {
  try {
    const index = parseIndex(await readFile(join(gitDir, 'index')));
    return 'unsupported' in index ? index.unsupported : null;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null; // a new repository
    throw error;
  }
}
