import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** @typedef {ReturnType<typeof startGuarded>} Guarded */

/**
 * Starts a command under the watchdog, so that it can't outlive this process.
 *
 * @param {readonly string[]} command
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, output?: 'inherit' | number, remove?: string }} [options]
 *   output: where stdout and stderr go; remove: a folder to delete when the command has ended
 */
export function startGuarded(command, { env = process.env, cwd, output = 'inherit', remove } = {}) {
  const watchdog = path.join(import.meta.dirname, 'watchdog.mjs');
  const child = spawn(process.execPath, [watchdog, ...(remove ? ['--remove', remove] : []), '--', ...command], {
    env,
    cwd,
    stdio: ['pipe', output, output],
    detached: true, // out of reach of the terminal's Ctrl-C: it ends by stop(), or when this process is gone
  });
  /** @type {Promise<number>} */
  const ended = once(child, 'exit').then(([code]) => code ?? 1);
  child.stdin?.on('error', () => {}); // it ended by itself just before we closed the pipe
  return {
    ended,
    running: () => child.exitCode === null && child.signalCode === null,
    /** Ends the command and waits until it, its process group and its folder are gone. */
    stop() {
      child.stdin?.end();
      return ended;
    },
  };
}
