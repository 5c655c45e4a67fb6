import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import { systemCode } from '../errors';
import type { Repository } from './repository';
import { syncToDisk, writeSynced } from './syncedFile';

const compress = promisify(deflate);
const decompress = promisify(inflate);

export interface GitObject {
  readonly oid: string;
  /** As it is hashed: type, length, NUL, content. */
  readonly bytes: Buffer;
}

/** An object of Git, which is named by the SHA-1 of its bytes. */
export function gitObject(type: 'blob' | 'tree' | 'commit', content: Uint8Array): GitObject {
  const bytes = Buffer.concat([Buffer.from(`${type} ${content.length}\0`), content]);
  return { oid: createHash('sha1').update(bytes).digest('hex'), bytes };
}

/**
 * Writes objects as loose files and brings them to the disk. One that is there already is kept if it is sound, and made young, so
 * that a `git gc` at the same moment does not take it for garbage; a torn one, left by a crash, is replaced. Copies in packs are not
 * looked for: a second copy does no harm and goes with the next `git gc`.
 *
 * @example
 * await writeLooseObjects(repo, [gitObject('blob', bytes)]);
 */
export async function writeLooseObjects(repo: Repository, objects: readonly GitObject[]): Promise<void> {
  const top = join(repo.commonDir, 'objects');
  const folders = new Set<string>();
  for (const { oid, bytes } of objects) {
    const file = join(top, oid.slice(0, 2), oid.slice(2));
    folders.add(dirname(file));
    if (await isSound(file, bytes)) {
      await syncToDisk(file); // git doesn't, by default before 2.36
      const now = new Date();
      await utimes(file, now, now).catch(() => {}); // somebody else's file
      continue;
    }
    // Git's own name for a draft: `git gc` clears away what a crash leaves.
    const draft = join(dirname(file), `tmp_obj_${randomBytes(6).toString('hex')}`);
    if ((await mkdir(dirname(file), { recursive: true })) !== undefined) folders.add(top);
    if (process.platform === 'win32') await rm(file, { force: true }); // a read-only file can't be replaced there
    await writeSynced(file, draft, await compress(bytes, { level: 1 }), 0o444);
  }
  for (const folder of folders) await syncToDisk(folder);
}

/**
 * Removes the loose file of an object if a crash left it torn: nobody can read it, and git would take it for written.
 *
 * @example
 * await dropTornObject(repo, gitObject('blob', bytes));
 */
export async function dropTornObject({ commonDir }: Repository, { oid, bytes }: GitObject): Promise<void> {
  const file = join(commonDir, 'objects', oid.slice(0, 2), oid.slice(2));
  if (!(await isSound(file, bytes))) await rm(file, { force: true });
}

async function isSound(file: string, bytes: Buffer): Promise<boolean> {
  try {
    return (await decompress(await readFile(file))).equals(bytes);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error)?.startsWith('Z_')) return false;
    throw error;
  }
}
