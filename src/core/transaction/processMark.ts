import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemCode } from '../errors';

/** Which process wrote a note on disk; enough to find out later whether it still runs. Plain JSON. */
export interface ProcessMark {
  readonly pid: number;
  /** When it started, in the system's own words: tells it from a later process of the same pid. Null where nobody knows. */
  readonly start: string | null;
  readonly host: string;
}

let own: Promise<ProcessMark> | null = null;

/**
 * The mark of this process.
 *
 * @example
 * await writeFile(note, JSON.stringify({ owner: await thisProcess() }));
 */
export function thisProcess(): Promise<ProcessMark> {
  own ??= startOf(process.pid).then((state) => {
    return { pid: process.pid, start: typeof state === 'object' ? state.start : null, host: hostname() };
  });
  return own;
}

/**
 * False when the process is certainly over. What runs on another machine (a shared disk) counts as running, because nobody here
 * can know.
 *
 * @example
 * if (!(await isRunning(note.owner))) await takeOver(note);
 */
export async function isRunning(mark: ProcessMark): Promise<boolean> {
  if (mark.host !== hostname()) return true;
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
  }
  const state = await startOf(mark.pid);
  if (state === 'unknown') return true;
  if (state === 'gone') return false;
  return mark.start === null || state.start === mark.start;
}

type StartState = { readonly start: string } | 'gone' | 'unknown';

function startOf(pid: number): Promise<StartState> {
  switch (process.platform) {
    case 'linux':
      return linuxStart(pid);
    case 'darwin':
      return psStart(pid);
    default:
      return Promise.resolve('unknown');
  }
}

/** proc(5): behind the name in parentheses come state (field 3) and start in ticks since boot (22). A zombie does nothing more. */
async function linuxStart(pid: number): Promise<StartState> {
  try {
    const [stat, boot] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'latin1'),
      readFile('/proc/sys/kernel/random/boot_id', 'latin1').catch(() => ''),
    ]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'gone';
    return { start: `${boot.trim()}:${fields[19] ?? ''}` };
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '') && process.pid !== pid ? 'gone' : 'unknown';
  }
}

function psStart(pid: number): Promise<StartState> {
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env: { LC_ALL: 'C' } }, (error, stdout) => {
      const [, state, start] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
      if (state !== undefined && start !== undefined) resolve(state.startsWith('Z') ? 'gone' : { start });
      // ps ends with 1 and says nothing when there is no such process.
      else resolve(error?.code === 1 && stdout.trim() === '' ? 'gone' : 'unknown');
    });
  });
}
