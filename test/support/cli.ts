import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { git } from './gitFixture';
import { tempDir } from './tempDir';

const bundle = join(process.cwd(), 'dist', 'cli.js');

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

let home: string | undefined;

/** An environment without this machine's configuration, credentials or cache. */
export function cliEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string | undefined> {
  home ??= tempDir();
  return {
    ...git.env,
    HOME: home,
    DATAMANAGER_CACHE: join(home, 'cache'),
    GIT_AUTHOR_NAME: 'Ada Lovelace',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada Lovelace',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    ...extra,
  };
}

/** Starts the built command line as users do: as a process of its own. */
export function startCli(args: readonly string[], { cwd, env }: CliOptions): ChildProcess {
  if (!existsSync(bundle)) throw new Error(`${bundle} is missing: build it with "node esbuild.mjs"`);
  return spawn(process.execPath, [bundle, ...args], {
    cwd,
    env: cliEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs the built command line to its end. Asynchronous, so that servers of the test can answer it. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const child = startCli(args, options);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (piece: Buffer) => stdout.push(piece));
  child.stderr?.on('data', (piece: Buffer) => stderr.push(piece));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
}

/** A repository made by `datamanager init`, with a folder store. */
export interface CatalogFolder {
  readonly dir: string;
  readonly store: string;
  /** Runs a command in the repository. */
  run(...args: readonly string[]): Promise<CliResult>;
  /** Runs a command that must succeed, with --json, and gives its result. */
  json<T>(...args: readonly string[]): Promise<T>;
}

export async function newCatalog(): Promise<CatalogFolder> {
  const top = tempDir();
  const dir = join(top, 'catalog');
  const store = join(top, 'objects');
  mkdirSync(dir);
  const run = (...args: readonly string[]) => runCli(args, { cwd: dir });
  const made = await run('init', '--store', `folder:${store}`);
  if (made.code !== 0) throw new Error(made.stderr);
  return {
    dir,
    store,
    run,
    json: async (...args) => {
      const { code, stdout, stderr } = await run(...args, '--json');
      if (code !== 0) throw new Error(`exit ${code}: ${stderr}${stdout}`);
      return JSON.parse(stdout);
    },
  };
}

/** Every file below a folder, `.git` included, with a hash of what it holds: equal snapshots mean that nothing was written. */
export function snapshot(folder: string): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile()) files[file] = createHash('sha256').update(readFileSync(file)).digest('hex');
    else files[file] = entry.isSymbolicLink() ? readlinkSync(file) : 'folder';
  }
  return files;
}
