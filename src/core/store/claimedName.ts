import { systemCode } from '../errors';
import { randomName } from './durableFile';

/** On the global object, because several of our bundles may be loaded into one process, each with its own copy of this module. */
const shared = globalThis as { [id: symbol]: string | undefined };
const ID = Symbol.for('datamanager.claims');
shared[ID] ??= randomName();
const THIS_PROCESS = shared[ID];

/**
 * A name for a file that only this process works on. It begins with `stem`, the name of such a file when nobody does, so that a file
 * is claimed by one rename, and the file of a process that died is recognised.
 *
 * @example
 * await rename(join(folder, found), join(folder, claimedName('3f5a.jsonl'))); // 3f5a.jsonl.4711.0123456789ab.ba9876543210
 */
export function claimedName(stem: string): string {
  return `${stem}.${process.pid}.${THIS_PROCESS}.${randomName()}`;
}

/**
 * True for the name of a file of this stem that nobody works on: it was put back, or its process is gone.
 *
 * @example
 * const found = (await readdir(folder)).find((name) => isUnclaimed(name, '3f5a.jsonl'));
 */
export function isUnclaimed(name: string, stem: string): boolean {
  if (name === stem) return true;
  if (!name.startsWith(`${stem}.`)) return false;
  const [, pid, owner] = /^\.(\d+)\.(\w+)/.exec(name.slice(stem.length)) ?? [];
  if (pid === undefined) return false;
  // In a container, every run of a program may have the same number.
  return Number(pid) === process.pid ? owner !== THIS_PROCESS : !isRunning(Number(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}
