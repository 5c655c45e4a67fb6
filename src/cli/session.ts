import path from 'node:path';
import type { OperationContext } from '../core/operations/context';
import type { Monitor } from '../core/progress';
import type { MergeDriverProgram } from '../core/repo/mergeDriverConfig';
import type { GitProgram, Repository } from '../core/repo/repository';
import type { DiffEngine } from '../core/sqldiff/diffEngine';
import type { Environment } from '../core/store/credentialsFromEnvironment';
import type { GlobalValues } from './options';
import type { Output } from './output/output';
import type { ProgressLine } from './output/progressLine';

/** What a command works with: one run of the program. */
export interface Session {
  /** Relative paths start here, not at `--repo`. */
  readonly cwd: string;
  readonly env: Environment;
  readonly git: GitProgram;
  readonly output: Output;
  /** Cancelled by Ctrl+C, and when nobody reads the output any more. */
  readonly monitor: Monitor & { readonly signal: AbortSignal };
  readonly now: () => Date;
  readonly diffEngine: DiffEngine;
  /** How Git runs this program for merges. */
  readonly mergeDriver: MergeDriverProgram;
  /** Lines on the standard error, beside what the command answers. */
  warn(lines: readonly string[]): void;
  /** Asks for yes or no on the terminal; null when there is nobody to ask. */
  confirm(question: string): Promise<boolean | null>;
  /** The repository of this run; looked for once. */
  repository(): Promise<Repository>;
  context(): Promise<OperationContext>;
  resolve(file: string): string;
  dispose(): Promise<void>;
}

export interface SessionOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly globals: GlobalValues;
  readonly output: Output;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
  /** The bundles that run beside the main thread: comparisons, and hashing of what arrives. */
  readonly workerPath: string;
  readonly followerPath: string;
  /** The bundle that is running. */
  readonly scriptPath: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stderr: NodeJS.WriteStream;
}

export function createSession(options: SessionOptions): Session {
  const { cwd, env, globals, output, progress, signal } = options;
  const diffEngine = lazyDiffEngine(options.workerPath);
  const mergeDriver = { node: process.execPath, script: options.scriptPath };
  let repository: Promise<Repository> | null = null;
  const findRepository = (): Promise<Repository> => {
    repository ??= import('./createContext').then(({ locateRepository }) => locateRepository(cwd, globals.repo));
    return repository;
  };
  return {
    cwd,
    env,
    git: { path: 'git', env },
    output,
    monitor: { signal, onProgress: progress.onProgress },
    now: () => new Date(),
    diffEngine,
    mergeDriver,
    warn: (lines) => {
      progress.clear();
      for (const line of lines) options.stderr.write(`${line}\n`);
    },
    confirm: (question) => confirm(question, options),
    repository: findRepository,
    context: async () => {
      const { createContext } = await import('./createContext');
      return createContext({
        repository: await findRepository(),
        env,
        diffEngine,
        followerPath: options.followerPath,
        mergeDriver,
        confirm: (question) => confirm(question, options),
      });
    },
    resolve: (file) => path.resolve(cwd, file),
    dispose: () => diffEngine.dispose(),
  };
}

function lazyDiffEngine(workerPath: string): DiffEngine {
  let engine: Promise<DiffEngine> | null = null;
  const load = (): Promise<DiffEngine> => {
    engine ??= import('../core/sqldiff/workerDiffEngine').then(({ createWorkerDiffEngine }) =>
      createWorkerDiffEngine({ workerPath }),
    );
    return engine;
  };
  return {
    compare: async (request, monitor) => (await load()).compare(request, monitor),
    contentHash: async (path, monitor) => (await load()).contentHash(path, monitor),
    applyPatch: async (request, monitor) => (await load()).applyPatch(request, monitor),
    dispose: async () => (await engine)?.dispose(),
  };
}

async function confirm(
  question: string,
  { globals, stdin, stderr, progress, signal }: SessionOptions,
): Promise<boolean | null> {
  if (globals.yes) return true;
  if (globals.json || !stdin.isTTY || !stderr.isTTY) return null;
  progress.clear();
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: stdin, output: stderr });
  // In a prompt Ctrl+C comes to readline instead of the process.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `, { signal })).trim());
  } catch {
    return false; // Ctrl+C or the end of the input: not a yes
  } finally {
    terminal.close();
  }
}
