import type { Authorship } from './buildCommit';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

/** A path that a commit changed against its parent. Blob ids; null for no file. */
export interface ChangedFile {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** A commit with one parent (or none), and all that is needed to make it again elsewhere. */
export interface CommitToRebuild {
  readonly oid: string;
  readonly parent: string | null;
  readonly author: Authorship;
  readonly message: string;
  readonly files: readonly ChangedFile[];
}

interface GitOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads commits so that they can be made again on another parent, in the order given.
 *
 * Throws GIT_MISSING, GIT_FAILED when one is not here, CANCELLED.
 *
 * @example
 * const commits = await commitsToRebuild({ repo, git }, oids.reverse());
 */
export async function commitsToRebuild(
  { repo, git, signal }: GitOptions,
  oids: readonly string[],
): Promise<readonly CommitToRebuild[]> {
  const run = async (args: readonly string[]): Promise<string> =>
    (await runGit(git, args, { cwd: repo.root, signal })).stdout.toString('utf8');
  const commits: CommitToRebuild[] = [];
  for (const oid of oids) {
    const format = '--format=%P%x00%an%x00%ae%x00%ad%x00%B';
    const about = await run(['-c', 'log.showSignature=false', 'show', '-s', '--date=raw', format, oid, '--']);
    const [parents = '', name = '', email = '', date = '', ...message] = about.split('\0');
    const raw = await run(['diff-tree', '-r', '-z', '--root', '--no-renames', '--no-commit-id', oid]);
    commits.push({
      oid,
      parent: parents.split(' ')[0] || null,
      author: { name, email, date },
      message: message.join('\0').trim(),
      files: changedFiles(raw),
    });
  }
  return commits;
}

/** `:mode mode oid oid status NUL path NUL`, git-diff-tree(1), "RAW OUTPUT FORMAT". */
function changedFiles(raw: string): readonly ChangedFile[] {
  const fields = raw.split('\0');
  const files: ChangedFile[] = [];
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const [, , before = '', after = ''] = (fields[i] ?? '').split(' ');
    files.push({ path: fields[i + 1] ?? '', before: blobOrNull(before), after: blobOrNull(after) });
  }
  return files;
}

function blobOrNull(oid: string): string | null {
  return /^0*$/.test(oid) ? null : oid;
}

/**
 * The commit where two histories part; null when they have nothing in common.
 *
 * Throws GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const base = await mergeBase({ repo, git }, head, tip);
 */
export async function mergeBase({ repo, git, signal }: GitOptions, a: string, b: string): Promise<string | null> {
  const { stdout } = await runGit(git, ['merge-base', a, b], { cwd: repo.root, signal, okCodes: [0, 1] });
  return stdout.toString('utf8').split('\n')[0] || null;
}

/**
 * True when `ancestor` is `commit` or one of its ancestors; false also when this clone doesn't have it.
 *
 * Throws GIT_MISSING, CANCELLED.
 *
 * @example
 * if (await isAncestor({ repo, git }, commit, remoteTip)) return 'pushed';
 */
export async function isAncestor(
  { repo, git, signal }: GitOptions,
  ancestor: string,
  commit: string,
): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', ancestor, commit];
  // 128: one of them is not here.
  return (await runGit(git, args, { cwd: repo.root, signal, okCodes: [0, 1, 128] })).code === 0;
}
