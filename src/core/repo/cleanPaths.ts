import { DataManagerError } from '../errors';
import type { Head } from './readRefs';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';
import type { FileReplacement } from './workTreeFiles';

/** A file as HEAD has it. */
export interface TrackedFile {
  readonly mode: string;
  readonly oid: string;
}

interface CleanPathsOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  readonly head: Head;
  readonly files: readonly FileReplacement[];
  readonly signal?: AbortSignal | undefined;
}

/** Windows allows some 32 000 characters on a command line. */
const MAX_ARGUMENT_CHARS = 20_000;

/** Every folder on the way to the files. A name with a line end can't be asked for in one line: left out. */
function foldersOf(files: readonly FileReplacement[]): readonly string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) folders.add(path.slice(0, at));
  }
  return [...folders].filter((folder) => !folder.includes('\n'));
}

function* batches(paths: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let chars = 0;
  for (const path of paths) {
    if (batch.length > 0 && chars + path.length > MAX_ARGUMENT_CHARS) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(path);
    chars += path.length + 3;
  }
  if (batch.length > 0) yield batch;
}

export function dirtyPath(
  path: string,
  what: string,
  hint = 'Commit or undo that change, then try again.',
): DataManagerError {
  return new DataManagerError('PATH_DIRTY', `${path} ${what}.`, { hint, data: { path } });
}

/**
 * Makes sure that nothing of the user's would be lost or swept into a commit of these files: each is the same in HEAD, index and
 * work tree, or in none of them. Returns those that HEAD has. Throws PATH_DIRTY naming the first that isn't so, FILE_NOT_REGULAR
 * when HEAD has a symbolic link, submodule or folder there.
 */
export async function requireCleanPaths(options: CleanPathsOptions): Promise<ReadonlyMap<string, TrackedFile>> {
  const { repo, git, head, files, signal } = options;
  const tracked = new Map<string, TrackedFile>();
  const run = { cwd: repo.root, signal, env: { GIT_LITERAL_PATHSPECS: '1', GIT_OPTIONAL_LOCKS: '0' } };
  const records = async (args: readonly string[], paths: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await runGit(git, [...args, '--', ...paths], run);
    return stdout.toString('utf8').split('\0').slice(0, -1);
  };

  for (const paths of batches(files.map(({ path }) => path))) {
    for (const record of head.oid === null ? [] : await records(['ls-tree', '-z', '--full-tree', head.oid], paths)) {
      const [, mode = '', oid = '', path = ''] = /^(\d+) \w+ ([0-9a-f]+)\t([\s\S]*)$/.exec(record) ?? [];
      if (!mode.startsWith('100')) {
        throw new DataManagerError('FILE_NOT_REGULAR', `${path} is not a regular file in the last commit.`, {
          data: { path },
        });
      }
      tracked.set(path, { mode, oid });
    }
    // Entries under these flags look clean whatever is in the work tree.
    for (const record of await records(['ls-files', '-z', '-v'], paths)) {
      const path = record.slice(2);
      if (record.startsWith('S'))
        throw dirtyPath(path, 'is left out by sparse-checkout', 'Take it in: git sparse-checkout add');
      if (/^[a-z]/.test(record)) {
        throw dirtyPath(path, 'is marked "assume unchanged"', `Run: git update-index --no-assume-unchanged "${path}"`);
      }
    }
    const status = [
      '-c',
      'status.renames=false',
      'status',
      '--porcelain=v1',
      '-z',
      '--untracked-files=no',
      '--ignore-submodules',
    ];
    for (const record of await records(status, paths)) {
      throw dirtyPath(record.slice(3), `has changes that are not committed (${record.slice(0, 2).trim()})`);
    }
  }
  const above = foldersOf(files);
  const asked = await runGit(git, ['cat-file', '--batch-check'], {
    ...run,
    input: above.map((at) => `:0:${at}\n`).join(''),
  });
  for (const [i, answer] of asked.stdout.toString('utf8').split('\n').entries()) {
    if (/^[0-9a-f]{40} blob \d+$/.test(answer)) throw dirtyPath(above[i] ?? '', 'is staged, where a folder is to be');
  }
  for (const { path, before } of files) {
    if (!tracked.has(path) && before !== null) {
      throw dirtyPath(path, 'exists, but Git does not track it', 'Move it out of the way, or commit it.');
    }
  }
  return tracked;
}
