import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomName } from '../store/durableFile';
import type { GitProgram, Repository } from './repository';
import { type RunGitOptions, runGit } from './runGit';

/** A file of the commit to build: its bytes, a blob that is here already, or null for none. */
export interface BuiltFile {
  /** From the top of the work tree, with `/`. */
  readonly path: string;
  readonly content: Uint8Array | string | { readonly blob: string } | null;
}

/** Who made a change and when, as Git's `raw` dates say it: `1763697600 +0100`. */
export interface Authorship {
  readonly name: string;
  readonly email: string;
  readonly date: string;
}

export interface BuildCommitOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly parent: string;
  readonly files: readonly BuiltFile[];
  readonly message: string;
  readonly author: Authorship;
  readonly signal?: AbortSignal | undefined;
}

const NO_OID = '0'.repeat(40);
/** The objects reach the disk before a branch names them (git-config(1), core.fsync; ignored by git before 2.36). */
const DURABLE = ['-c', 'core.fsync=added', '-c', 'core.fsyncMethod=fsync'] as const;
const DRAFT = ['-c', 'core.hooksPath=/dev/null', '-c', 'core.splitIndex=false', '-c', 'core.protectNTFS=true'] as const;

/**
 * Builds a commit beside everything: branch, index and work tree stay as they are, and nothing names it yet. Null when the files
 * are in the parent already. As in a rebase, `commit.gpgSign` is honoured and no hook runs.
 *
 * Throws GIT_MISSING, GIT_FAILED, DISK_FULL, CANCELLED.
 *
 * @example
 * const oid = await buildCommit({ repo, git, parent: tip, files: [{ path: 'manifest.json', content }], message, author });
 */
export async function buildCommit(options: BuildCommitOptions): Promise<string | null> {
  const { repo, git, parent, files, message, author, signal } = options;
  const draftDir = join(repo.commonDir, 'datamanager', `build-${randomName()}`);
  const env = { GIT_INDEX_FILE: join(draftDir, 'index') };
  const line = async (args: readonly string[], more: Partial<RunGitOptions> = {}): Promise<string> =>
    (await runGit(git, args, { cwd: repo.root, signal, ...more })).stdout.toString('utf8').trim();
  await mkdir(draftDir, { recursive: true });
  try {
    const entries: string[] = [];
    for (const { path, content } of files) {
      const bytes = typeof content === 'string' || content instanceof Uint8Array ? content : null;
      const blob =
        bytes === null
          ? (content as { readonly blob: string } | null)?.blob
          : await line([...DURABLE, 'hash-object', '-w', '--stdin'], { input: bytes });
      entries.push(blob === undefined ? `0 ${NO_OID}\t${path}\0` : `100644 ${blob}\t${path}\0`);
    }
    await line([...DRAFT, 'read-tree', parent], { env });
    await line([...DRAFT, 'update-index', '-z', '--index-info'], { env, input: entries.join('') });
    const tree = await line([...DRAFT, ...DURABLE, 'write-tree'], { env });
    if (tree === (await line(['rev-parse', `${parent}^{tree}`]))) return null;
    const sign = await line(['config', '--type=bool', '--get', 'commit.gpgSign'], { okCodes: [0, 1] });
    const settings = ['-c', 'user.useConfigOnly=true', '-c', 'i18n.commitEncoding=UTF-8', ...DURABLE];
    return await line([...settings, 'commit-tree', tree, '-p', parent, ...(sign === 'true' ? ['-S'] : [])], {
      input: message.endsWith('\n') ? message : `${message}\n`,
      env: { GIT_AUTHOR_NAME: author.name, GIT_AUTHOR_EMAIL: author.email, GIT_AUTHOR_DATE: author.date },
      timeoutMs: 120_000, // a signature may ask for a passphrase
    });
  } finally {
    await rm(draftDir, { recursive: true, force: true });
  }
}
