import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { claimedName, isUnclaimed } from './claimedName';

/** Characters of the target's name, of up to four bytes each: a name has 255 bytes at most. */
const NAME_LENGTH = 30;
/** Milliseconds. Another machine's file is left alone for so long: whether its process lives can't be seen from here. */
const ABANDONED_AFTER = 24 * 60 * 60 * 1000;
/** A shared folder is written by machines that give out the same process ids. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
/** What follows the target's name: machine, process, run, file. */
const OURS = /^[0-9a-f]{8}\.\d+\.[0-9a-f]{12}\.[0-9a-f]{12}\.part$/;

/**
 * The path under which a file is written before it takes its place: beside it, hidden, ignored by Git (`*.part`).
 *
 * @example
 * await rename(unfinishedPath('/data/utopia.sqlite'), '/data/utopia.sqlite');
 */
export function unfinishedPath(target: string): string {
  return join(dirname(target), `${claimedName(stemOf(target) + HOST)}.part`);
}

/**
 * Removes what processes that were killed have left of a target. Quiet: what can't be removed stays.
 *
 * @example
 * await removeAbandoned('/data/utopia.sqlite');
 */
export async function removeAbandoned(target: string): Promise<void> {
  const folder = dirname(target);
  const stem = stemOf(target);
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names
      .filter((name) => name.startsWith(stem) && OURS.test(name.slice(stem.length)))
      .map(async (name) => {
        const path = join(folder, name);
        if (isUnclaimed(name, stem + HOST) || (await isOld(path))) await rm(path, { force: true });
      })
      .map((removed) => removed.catch(() => {})),
  );
}

function stemOf(target: string): string {
  return `.${[...basename(target)].slice(0, NAME_LENGTH).join('')}.`;
}

async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > ABANDONED_AFTER;
}
