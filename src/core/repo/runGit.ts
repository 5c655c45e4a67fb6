import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { DataManagerError, systemCode, throwIfCancelled } from '../errors';
import { isKeyVariable } from '../store/credentialsFromEnvironment';
import type { GitProgram } from './repository';

export interface RunGitOptions {
  /** Folder to run in: git finds its repository from here. */
  readonly cwd: string;
  /** Standard input; none when absent. */
  readonly input?: Uint8Array | string | undefined;
  /** Added to the program's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which git is killed. Default 60 000. */
  readonly timeoutMs?: number | undefined;
  /** Exit codes that are an answer rather than a failure. Default `[0]`. */
  readonly okCodes?: readonly number[];
}

export interface GitResult {
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly code: number;
}

const MAX_STDOUT = 256 * 1024 * 1024;
const MAX_STDERR = 256 * 1024;
const KILL_GRACE_MS = 2000;

/** Variables that VS Code terminals, hooks and `git -c` aliases leave behind, and that would aim git at another repository. */
const FOREIGN_VARIABLES =
  /^(GIT_(DIR|WORK_TREE|INDEX_FILE|COMMON_DIR|PREFIX|NAMESPACE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|QUARANTINE_PATH|SHALLOW_FILE|GRAFT_FILE|REPLACE_REF_BASE|NO_REPLACE_OBJECTS|IMPLICIT_WORK_TREE|INTERNAL_SUPER_PREFIX|CONFIG|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|(LITERAL|GLOB|NOGLOB|ICASE)_PATHSPECS|TRACE.*|CURL_VERBOSE|REFLOG_ACTION)|LANGUAGE)$/i;

/** Without the keys of buckets: git has no use for them, and a hook that shows its environment must not show ours. */
function environment(git: GitProgram, extra: Readonly<Record<string, string>>): Record<string, string | undefined> {
  const own = Object.entries(git.env).filter(([name]) => !FOREIGN_VARIABLES.test(name) && !isKeyVariable(name));
  return { ...Object.fromEntries(own), GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...extra };
}

/** On POSIX the whole group dies, so that git's own children (ssh, git-remote-https, hooks) don't live on. */
function killTree(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}

/** The line of stderr that says what is wrong: git's own `fatal:` or `error:` first, hints and warnings last. */
function meaningfulLine(stderr: string): string {
  const lines = stderr.split(/\r?\n|\r/).filter((line) => line.trim() !== '');
  const chosen =
    lines.find((line) => /^(fatal|error):/.test(line)) ?? lines.find((line) => !/^(hint|warning):/.test(line));
  return (chosen ?? lines[0] ?? '').replace(/^(fatal|error): /, '').trim();
}

/** On macOS /usr/bin/git is there before Git is: it only offers to install the developer tools. */
const NO_REAL_GIT = /^(xcrun: error|xcode-select: (note|error)): /;

function missing(git: GitProgram, cause?: Error): DataManagerError {
  return new DataManagerError('GIT_MISSING', `Git could not be started (${git.path}).`, {
    hint: 'Install Git, or say where it is.',
    data: { path: git.path },
    cause,
  });
}

function foreignRepository(root: string): string {
  return `It belongs to another user. If you trust it: git config --global --add safe.directory "${root}"`;
}

/**
 * Runs the system's git: no shell, no prompt, English messages, no inherited repository variables, no keys of buckets, bounded output.
 *
 * Throws GIT_MISSING when there is no such program, CANCELLED after an abort, DISK_FULL, GIT_FAILED for any exit code not in
 * `okCodes` or a timeout; its `data` is `{ command, code, stderr, timedOut }`.
 *
 * @example
 * const { stdout } = await runGit(git, ['rev-parse', 'HEAD'], { cwd: repo.root });
 */
export async function runGit(git: GitProgram, args: readonly string[], options: RunGitOptions): Promise<GitResult> {
  throwIfCancelled(options.signal);
  const { timeoutMs = 60_000, okCodes = [0] } = options;
  const command = args.find((arg, i) => !arg.startsWith('-') && args[i - 1] !== '-c') ?? '';

  return new Promise((resolve, reject) => {
    const child = spawn(git.path, args, {
      cwd: options.cwd,
      env: environment(git, options.env ?? {}),
      // A session of its own: ssh then has no terminal to ask on, and the group can be killed as one.
      detached: process.platform !== 'win32',
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    let stdoutBytes = 0;
    let stderr = Buffer.alloc(0);
    let stopped: 'cancelled' | 'timeout' | 'flood' | null = null;
    let killTimer: NodeJS.Timeout | undefined;

    const stop = (why: NonNullable<typeof stopped>): void => {
      if (stopped) return;
      stopped = why;
      killTree(child, 'SIGTERM'); // git removes its lock files on SIGTERM
      killTimer = setTimeout(() => killTree(child, 'SIGKILL'), KILL_GRACE_MS);
    };
    const deadline = setTimeout(() => stop('timeout'), timeoutMs);
    const onAbort = (): void => stop('cancelled');
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const release = (): void => {
      clearTimeout(deadline);
      clearTimeout(killTimer);
      options.signal?.removeEventListener('abort', onAbort);
    };

    child.stdout.on('data', (chunk: Buffer) => {
      stdoutBytes += chunk.length;
      if (stdoutBytes > MAX_STDOUT) stop('flood');
      else stdout.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (stderr.length < MAX_STDERR) stderr = Buffer.concat([stderr, chunk.subarray(0, MAX_STDERR - stderr.length)]);
    });
    child.stdin.on('error', () => {}); // git may exit without reading it all; the exit code tells the story
    child.stdin.end(options.input ?? '');

    child.on('error', (error) => {
      release();
      const noFolder = systemCode(error) === 'ENOENT' && !existsSync(options.cwd);
      reject(
        noFolder
          ? new DataManagerError('REPOSITORY_NOT_FOUND', `The folder ${options.cwd} does not exist.`, { cause: error })
          : missing(git, error),
      );
    });
    child.on('close', (exitCode) => {
      release();
      const code = exitCode ?? -1;
      const text = stderr.toString('utf8');
      if (stopped === 'cancelled') return reject(new DataManagerError('CANCELLED', 'Cancelled.'));
      if (code !== 0 && NO_REAL_GIT.test(text)) return reject(missing(git));
      if (stopped === null && okCodes.includes(code)) {
        return resolve({ stdout: Buffer.concat(stdout), stderr: text, code });
      }
      // What the remote says is about the remote's disk.
      if (/^(?!remote:).*(No space left on device|Out of diskspace|Disk quota exceeded)/m.test(text)) {
        return reject(
          new DataManagerError('DISK_FULL', `git ${command} failed: the disk that holds ${options.cwd} is full.`, {
            hint: 'Make room on the disk, then try again.',
            data: { command, path: options.cwd },
          }),
        );
      }
      const timedOut = stopped === 'timeout';
      const reason = timedOut
        ? `gave no answer within ${Math.round(timeoutMs / 1000)} s`
        : stopped === 'flood'
          ? 'wrote more output than expected'
          : `failed: ${meaningfulLine(text) || `exit code ${code}`}`;
      return reject(
        new DataManagerError('GIT_FAILED', `git ${command} ${reason}`, {
          ...(/dubious ownership/.test(text) ? { hint: foreignRepository(options.cwd) } : {}),
          data: { command, code, stderr: text, timedOut },
        }),
      );
    });
  });
}

/**
 * What git wrote to stderr before a GIT_FAILED, '' for any other error.
 *
 * @example
 * if (/index\.lock/.test(gitStderr(error))) retry();
 */
export function gitStderr(error: unknown): string {
  return DataManagerError.is(error, 'GIT_FAILED') && typeof error.data.stderr === 'string' ? error.data.stderr : '';
}
