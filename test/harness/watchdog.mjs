// Runs a command that must not outlive whoever started this process, not even if that one is SIGKILLed:
//   node watchdog.mjs [--remove FOLDER] -- COMMAND ARG...
// The starter holds the other end of our stdin. When it closes, on purpose or because the starter died, the command's
// process group gets SIGTERM, after five seconds SIGKILL; then the folder is removed. Exits with the command's code.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';

const separator = process.argv.indexOf('--');
const options = process.argv.slice(2, separator);
const [command = '', ...args] = process.argv.slice(separator + 1);
const folder = options[0] === '--remove' ? options[1] : undefined;

// A terminal's Ctrl-C reaches everybody in the foreground; the order in which things end is ours to keep.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
process.stdin.on('close', end).on('error', end).resume();

const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true });
child.on('error', (error) => {
  console.error(error.message);
  finish(127);
});
child.on('exit', (code, signal) => finish(code ?? 128 + (signal ? constants.signals[signal] : 0)));

let ending = false;
function end() {
  if (ending) return;
  ending = true;
  signalGroup('SIGTERM');
  setTimeout(() => signalGroup('SIGKILL'), 5000);
}

/** @param {number} code */
function finish(code) {
  signalGroup('SIGKILL'); // what the command itself left behind in its group
  if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}

/** @param {NodeJS.Signals} signal */
function signalGroup(signal) {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}
