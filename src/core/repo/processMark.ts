import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { systemCode } from '../errors';

/** Which process wrote something, so that later it can be told whether that one still runs. */
export interface ProcessMark {
  readonly pid: number;
  readonly host: string;
  /** Tells two processes with one pid apart, if one of them is ours. */
  readonly process: string;
  /** When it was started, in the system's own words; null where nobody knows. */
  readonly started: string | null;
  /** When the mark was written, milliseconds since 1970. */
  readonly at: number;
}

/** On the global object, because several of our bundles may be loaded into one process, each with its own copy of this module. */
const shared = globalThis as { [id: symbol]: string | undefined };
const ID = Symbol.for('datamanager.process');
shared[ID] ??= randomUUID();
const THIS_PROCESS = shared[ID];
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
  const start = startOf(pid);
  return { pid, host: hostname(), process: THIS_PROCESS, started: start?.at ?? null, at: Date.now() };
}

/**
 * True for a mark of this very process.
 *
 * @example
 * if (isThisProcess(note.owner)) return isHeldHere(note.id);
 */
export function isThisProcess(mark: ProcessMark): boolean {
  return mark.process === THIS_PROCESS;
}

/**
 * False when the process that left a mark is certainly gone: no such pid, it belongs to a younger process by now, or only its parent
 * has not noticed yet. True for one on another machine, which nobody here can know about.
 *
 * @example
 * if (!isAlive(note.holder)) await cleanUp();
 */
export function isAlive(mark: ProcessMark): boolean {
  if (mark.host !== hostname()) return true;
  if (mark.pid === process.pid) return isThisProcess(mark);
  if (mark.at < Date.now() - uptime() * 1000 - CLOCK_MS) return false; // before the machine was started
  try {
    process.kill(mark.pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
  }
  const start = startOf(mark.pid);
  if (start === null) return true;
  return !start.over && (mark.started === null || start.at === mark.started);
}

interface Start {
  readonly at: string;
  /** A zombie: it does nothing any more. */
  readonly over: boolean;
}

function startOf(pid: number): Start | null {
  try {
    switch (process.platform) {
      case 'linux':
        return startFromProc(pid);
      case 'darwin':
        return startFromPs(pid);
      default:
        return null;
    }
  } catch {
    return null;
  }
}

/** proc(5): behind the name, which may hold anything, come the state (field 3) and the start in ticks since boot (field 22). */
function startFromProc(pid: number): Start | null {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = fields[19];
  return at === undefined ? null : { at, over: /^[ZX]/.test(fields[0] ?? '') };
}

function startFromPs(pid: number): Start | null {
  const env = { LC_ALL: 'C' };
  const stdout = execFileSync('/bin/ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { env, encoding: 'utf8' });
  const [, state = '', at] = /^\s*(\S+)\s+(.+?)\s*$/.exec(stdout) ?? [];
  return at === undefined ? null : { at, over: state.startsWith('Z') };
}
