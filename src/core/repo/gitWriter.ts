import { copyFile, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError, systemCode } from '../errors';
import { requireCleanPaths } from './cleanPaths';
import { dropTornObject, gitObject } from './looseObjects';
import { blobOidInTree } from './readObjects';
import type { GitProgram, Repository } from './repository';
import type { EntryChange, RepositoryWriter } from './repositoryWriter';
import { gitStderr, type RunGitOptions, runGit } from './runGit';

const NO_OID = '0'.repeat(40);
/** Objects and refs reach the disk before we say "committed" (git-config(1), core.fsync; ignored by git before 2.36). */
const DURABLE = ['-c', 'core.fsync=added', '-c', 'core.fsyncMethod=fsync'] as const;
/** Drafts of an index are nobody's business: no hook, no shared index; and no path that another system takes for `.git`. */
const DRAFT = [
  ...['-c', 'core.hooksPath=/dev/null', '-c', 'core.splitIndex=false'],
  ...['-c', 'core.protectNTFS=true', '-c', 'core.protectHFS=true'],
] as const;

interface GitWriterOptions {
  /** Sign commits, as `commit.gpgSign` asks for. */
  readonly sign: boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes through plumbing commands of the system's git, which knows every layout of a repository. Its methods throw GIT_MISSING,
 * GIT_FAILED, DISK_FULL and CANCELLED beside what `RepositoryWriter` says.
 *
 * @example
 * const blob = await gitWriter(repo, git, { sign: false }).writeBlob(bytes);
 */
export function gitWriter(repo: Repository, git: GitProgram, { sign, signal }: GitWriterOptions): RepositoryWriter {
  const run = (args: readonly string[], options: Partial<RunGitOptions> = {}): Promise<Buffer> =>
    runGit(git, args, { cwd: repo.root, signal, ...options }).then(({ stdout }) => stdout);
  const line = async (args: readonly string[], options?: Partial<RunGitOptions>): Promise<string> =>
    (await run(args, options)).toString('utf8').trim();

  return {
    requireCleanPaths: (head, files) => requireCleanPaths({ repo, git, head, files, signal }),

    async writeBlob(bytes) {
      await dropTornObject(repo, gitObject('blob', bytes)); // git would take it for written
      return line([...DURABLE, 'hash-object', '-w', '--stdin'], { input: bytes });
    },

    // Through an index that nobody else sees.
    async treeWith({ draftDir }, head, changes) {
      const env = { GIT_INDEX_FILE: draftIndex(draftDir) };
      await run([...DRAFT, 'read-tree', head.oid ?? '--empty'], { env });
      await run([...DRAFT, 'update-index', '-z', '--index-info'], { env, input: indexInfo(changes) });
      const tree = await line([...DRAFT, ...DURABLE, 'write-tree'], { env });
      for (const { path } of changes) await blobOidInTree(repo, tree, path); // git leaves torn trees as they are: none may be on the way
      return tree;
    },

    async writeCommit({ tree, parent, message }) {
      const settings = ['-c', 'user.useConfigOnly=true', '-c', 'i18n.commitEncoding=UTF-8', ...DURABLE];
      const args = [...settings, 'commit-tree', tree];
      if (parent !== null) args.push('-p', parent);
      if (sign) args.push('-S');
      const input = message.endsWith('\n') ? message : `${message}\n`;
      // Two minutes: a signature may ask for a passphrase.
      return line(args, { input, timeoutMs: 120_000 });
    },

    async indexWith({ draftDir }, changes) {
      const copy = join(draftDir, 'index');
      const index = join(repo.gitDir, 'index');
      try {
        const { mtimeMs } = await stat(index);
        await copyFile(index, copy);
        // Git takes an entry that is not older than its index for possibly stale ("racy git", Documentation/technical/racy-git).
        // A copy with a newer time would lose that, and hide a change of the user's; an older time only costs a comparison.
        const seconds = Math.floor(mtimeMs / 1000);
        await utimes(copy, seconds, seconds);
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error; // none yet: a new repository
      }
      const args = ['-c', 'core.hooksPath=/dev/null', 'update-index', '-z', '--index-info'];
      await run(args, { env: { GIT_INDEX_FILE: copy }, input: indexInfo(changes) });
      return readFile(copy);
    },

    async prepareMove(_lock, { from, to, reason }) {
      const args = [...DURABLE, 'update-ref', '-m', reason, 'HEAD', to, from.oid ?? NO_OID];
      const perform = async (): Promise<void> => {
        try {
          // No signal: a kill here would leave open whether it happened. git itself waits for a lock on the ref.
          await run(['-c', 'core.filesRefLockTimeout=2000', ...args], { signal: undefined, timeoutMs: 30_000 });
        } catch (error) {
          throw refError(error, repo);
        }
      };
      return { locks: [], perform };
    },
  };
}

/** The index in which `gitWriter` makes the tree of a commit: HEAD and what is committed. */
export function draftIndex(draftDir: string): string {
  return join(draftDir, 'tree');
}

/** Input of `git update-index -z --index-info`: paths travel on stdin, so no name can be taken for an option. */
function indexInfo(changes: readonly EntryChange[]): string {
  const entries = changes.map(({ path, mode, oid }) =>
    oid === null ? `0 ${NO_OID}\t${path}\0` : `${mode} ${oid}\t${path}\0`,
  );
  return entries.join('');
}

function refError(error: unknown, repo: Repository): unknown {
  const stderr = gitStderr(error);
  if (/is at [0-9a-f]+ but expected|reference already exists|unable to resolve reference/.test(stderr)) {
    return new DataManagerError('REF_MOVED', 'Somebody else committed at the same moment.', {
      hint: 'Try again.',
      cause: error,
    });
  }
  if (/Unable to create .*\.lock/.test(stderr)) {
    return new DataManagerError('REPOSITORY_BUSY', `Another program is changing a branch of ${repo.root}.`, {
      hint: 'Try again in a moment.',
      cause: error,
    });
  }
  return error;
}
