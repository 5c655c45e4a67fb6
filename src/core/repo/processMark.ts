import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

/** Which process wrote something, so that later it can be told whether that one still runs. */
export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** Tells two processes with one pid apart, if one of them is ours. */
  readonly process: string;
  /** Clock ticks from the start of the machine to that of the process; null where there is no /proc. */
  readonly started: string | null;
  /** When it was written, milliseconds since 1970. */
  readonly at: number;
}

const THIS_PROCESS = randomUUID();
/** Clocks are set now and then. */
const CLOCK_MS = 60_000;

/**
 * The mark of this process.
 *
 * @example
 * await writeFile(note, JSON.stringify(processMark()));
 */
export function processMark(): ProcessMark {
  const { pid } = process;
  return { pid, host: hostname(), process: THIS_PROCESS, started: startOf(pid), at: Date.now() };
}

/**
 * False when the process that left a mark is certainly gone: no such pid, or it belongs to a younger process by now. True for one on
 * another machine, which nobody here can know about.
 *
 * @example
 * if (!isAlive(note.holder)) await cleanUp();
 */
export function isAlive(mark: ProcessMark): boolean {
  if (mark.host !== hostname()) return true;
  if (mark.pid === process.pid) return mark.process === THIS_PROCESS;
  if (mark.at < Date.now() - uptime() * 1000 - CLOCK_MS) return false; // before the machine was started
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const started = startOf(mark.pid);
  return started === null || mark.started === null || started === mark.started;
}

/** Field 22 of /proc/PID/stat (proc(5)), counted from behind the name, which may hold anything. */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch {
    return null;
  }
}
