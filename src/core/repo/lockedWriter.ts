import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError, systemCode } from '../errors';
import { requireCleanIndexPaths } from './cleanIndexPaths';
import { type GitSettings, isOn } from './gitSettings';
import { prepareHeadMove } from './headMove';
import type { Identities } from './identity';
import { EMPTY_INDEX, formatIndex, type IndexFile, parseIndex } from './indexFile';
import { unwritable } from './indexLock';
import { gitObject, writeLooseObjects } from './looseObjects';
import { type Person, readCommit } from './readObjects';
import type { Repository } from './repository';
import type { RepositoryWriter } from './repositoryWriter';
import { treeWithChanges } from './treeWithChanges';

/** The index of a work tree, and when it was written, in seconds. */
interface CurrentIndex {
  readonly index: IndexFile;
  readonly writtenAt: number;
}

/**
 * Writes ordinary repositories by itself, with git's own locks and formats and no git program: what `chooseWriter` lets through.
 *
 * @example
 * const blob = await lockedWriter(repo, settings, identities).writeBlob(bytes);
 */
export function lockedWriter(
  repo: Repository,
  settings: GitSettings,
  { author, committer }: Identities,
): RepositoryWriter {
  const currentIndex = async (): Promise<CurrentIndex> => {
    const file = join(repo.gitDir, 'index');
    try {
      const index = parseIndex(await readFile(file));
      if (!('unsupported' in index)) return { index, writtenAt: (await stat(file)).mtimeMs / 1000 };
      // It was another one when the writer was chosen.
      throw new DataManagerError('REPOSITORY_BUSY', `Another program is changing ${repo.root}: ${index.unsupported}.`, {
        hint: 'Try again.',
      });
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return { index: EMPTY_INDEX, writtenAt: 0 };
      throw error;
    }
  };
  const writer: RepositoryWriter = {
    async requireCleanPaths(head, files) {
      const fileMode = process.platform !== 'win32' && isOn(settings, 'core.filemode', true);
      return requireCleanIndexPaths({ repo, head, files, fileMode, index: (await currentIndex()).index });
    },

    async writeBlob(bytes) {
      const blob = gitObject('blob', bytes);
      await writeLooseObjects(repo, [blob]);
      return blob.oid;
    },

    async treeWith(_lock, head, changes) {
      const from = head.oid === null ? null : (await readCommit(repo, head.oid)).tree;
      const { oid, objects } = await treeWithChanges(repo, from, changes);
      await writeLooseObjects(repo, objects);
      return oid;
    },

    async writeCommit({ tree, parent, message }) {
      if (message.includes('\0'))
        throw new DataManagerError('GIT_FAILED', 'A commit message cannot hold a NUL character.');
      const now = new Date();
      const lines = [
        `tree ${tree}`,
        ...(parent === null ? [] : [`parent ${parent}`]),
        `author ${signature(author, now)}`,
        `committer ${signature(committer, now)}`,
        '',
        message.endsWith('\n') ? message : `${message}\n`,
      ];
      const commit = gitObject('commit', Buffer.from(lines.join('\n')));
      await writeLooseObjects(repo, [commit]);
      return commit.oid;
    },

    async indexWith(_lock, changes) {
      const { index, writtenAt } = await currentIndex();
      return formatIndex(index, changes, writtenAt);
    },

    async prepareMove(lock, move) {
      const when = signature(committer, new Date());
      const { locks, perform } = await prepareHeadMove(repo, lock, settings, when, move);
      return { locks, perform: () => inWords(perform()) };
    },
  };
  const inWords = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw unwritable(repo, error);
    });
  return {
    requireCleanPaths: (head, files) => inWords(writer.requireCleanPaths(head, files)),
    writeBlob: (bytes) => inWords(writer.writeBlob(bytes)),
    treeWith: (lock, head, changes) => inWords(writer.treeWith(lock, head, changes)),
    writeCommit: (commit) => inWords(writer.writeCommit(commit)),
    indexWith: (lock, changes) => inWords(writer.indexWith(lock, changes)),
    prepareMove: (lock, move) => inWords(writer.prepareMove(lock, move)),
  };
}

/** `Name <email> seconds +hhmm`. */
function signature({ name, email }: Person, when: Date): string {
  const minutes = -when.getTimezoneOffset();
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, '0');
  const zone = `${minutes < 0 ? '-' : '+'}${two(minutes / 60)}${two(minutes % 60)}`;
  return `${name} <${email}> ${Math.floor(when.getTime() / 1000)} ${zone}`;
}
