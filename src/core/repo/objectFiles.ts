import fs from 'node:fs';
import type { Repository } from './repository';

/** What isomorphic-git asks of a file system; its type wants all of these. */
type ObjectFileSystem = { readonly promises: typeof fs.promises };

interface ObjectFiles {
  readonly fs: ObjectFileSystem;
  /** Makes the next read look at the disk again. */
  forget(): void;
}

const LOOSE = /[\\/]objects[\\/][0-9a-f]{2}[\\/][0-9a-f]{38}$/;
/** One for all: most objects are in packs, so it is thrown for nearly every read, and a new Error costs more than the look. */
const NO_SUCH_FILE = Object.freeze(Object.assign(new Error('no such file'), { code: 'ENOENT' }));

const filesOf = new WeakMap<object, ObjectFiles>();

/**
 * The file system through which isomorphic-git reads objects. For each object it first tries the loose file, then lists the packs;
 * through `fs.promises` that is most of the time of a walk (10 000 commits and their root trees: 4.5 s; this way 1.9 s). Here the try is one cheap call, and
 * the list is kept until the folder's time changes.
 */
export function objectFiles(repo: Repository): ObjectFiles {
  const existing = filesOf.get(repo.objectCache);
  if (existing) return existing;
  const packs = new Map<string, { readonly time: number; readonly names: readonly string[] }>();
  const readFile = async (path: string, options?: object): Promise<Buffer | string> => {
    if (LOOSE.test(path) && !fs.existsSync(path)) throw NO_SUCH_FILE;
    return fs.promises.readFile(path, options);
  };
  const readdir = async (path: string): Promise<readonly string[]> => {
    const time = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    const known = packs.get(path);
    if (known && known.time === time) return known.names;
    const names = await fs.promises.readdir(path);
    if (time !== undefined) packs.set(path, { time, names });
    return names;
  };
  const created: ObjectFiles = {
    fs: { promises: { ...fs.promises, readFile, readdir } as unknown as typeof fs.promises },
    forget: () => packs.clear(),
  };
  filesOf.set(repo.objectCache, created);
  return created;
}
