import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Repository } from './repository';

/** A file on this machine that held a version's bytes when it was recorded. */
export interface LocalCopy {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  /** Bytes and modification time (milliseconds) of the file then: as long as both are the same, so are the bytes. */
  readonly size: number;
  readonly mtimeMs: number;
}

/** `present`: as recorded. `modified`: the file has changed since. A file that is gone is not a copy any more. */
export interface LocalState extends LocalCopy {
  readonly state: 'present' | 'modified';
}

/**
 * Where the local copies of a clone are recorded: in its Git directory, because they are this machine's business.
 *
 * @example
 * watch(localCopiesFile(repository));
 */
export function localCopiesFile(repository: Repository): string {
  return path.join(repository.commonDir, 'datamanager', 'local-copies.json');
}

/**
 * The local copies that still exist, newest record first, each with its state. Never throws: a record that can't be read
 * counts as empty.
 *
 * @example
 * const copy = (await readLocalCopies(repository)).find(({ name }) => name === 'utopia.sqlite');
 */
export async function readLocalCopies(repository: Repository): Promise<readonly LocalState[]> {
  const copies = await readRecords(repository);
  const states = await Promise.all(
    copies.map(async (copy): Promise<LocalState | null> => {
      const now = await stat(copy.path).catch(() => null);
      if (!now?.isFile()) return null;
      const same = now.size === copy.size && now.mtimeMs === copy.mtimeMs;
      return { ...copy, state: same ? 'present' : 'modified' };
    }),
  );
  return states.filter((state) => state !== null);
}

/**
 * Records that the file at `copy.path` holds a version; an older record of the same path is replaced. Best effort: a
 * read-only Git directory is not an error.
 *
 * @example
 * await recordLocalCopy(repository, { path, name, version, sha256 });
 */
export async function recordLocalCopy(
  repository: Repository,
  copy: Pick<LocalCopy, 'path' | 'name' | 'version' | 'sha256'>,
): Promise<void> {
  try {
    const file = localCopiesFile(repository);
    const { size, mtimeMs } = await stat(copy.path);
    const others = (await readRecords(repository)).filter((other) => other.path !== copy.path);
    await mkdir(path.dirname(file), { recursive: true });
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, `${JSON.stringify([{ ...copy, size, mtimeMs }, ...others], null, 2)}\n`);
    await rename(temporary, file);
  } catch {
    // The record only saves a look-up; the copy itself is there.
  }
}

async function readRecords(repository: Repository): Promise<readonly LocalCopy[]> {
  try {
    const records: unknown = JSON.parse(await readFile(localCopiesFile(repository), 'utf8'));
    return Array.isArray(records) ? records.filter(isLocalCopy) : [];
  } catch {
    return [];
  }
}

function isLocalCopy(value: unknown): value is LocalCopy {
  const copy = value as Partial<LocalCopy> | null;
  return (
    [copy?.path, copy?.name, copy?.version, copy?.sha256].every((member) => typeof member === 'string') &&
    typeof copy?.size === 'number' &&
    typeof copy.mtimeMs === 'number'
  );
}
