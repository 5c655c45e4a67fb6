import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openRepository } from '../../src/core/repo/openRepository';
import type { GitProgram, Repository } from '../../src/core/repo/repository';
import { tempDir } from './tempDir';

/** Git without this machine's configuration or identity. */
export const git: GitProgram = {
  path: 'git',
  env: {
    PATH: process.env.PATH,
    HOME: join(tmpdir(), 'datamanager-test-no-home'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  },
};

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs the real git in `dir`, synchronously; throws with its stderr when it fails. */
export function runIn(dir: string, args: readonly string[], { input, env }: RunOptions = {}): string {
  const options = { cwd: dir, env: { ...git.env, GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C', ...env }, maxBuffer: 2 ** 28 };
  return execFileSync('git', args, { ...options, input: input ?? '', stdio: 'pipe' }).toString('utf8');
}

/** One throw-away work tree and what a test does to it. */
export interface GitFixture {
  readonly dir: string;
  run(...args: readonly string[]): string;
  /** Writes a file of the work tree, with its folders. */
  write(path: string, content: string | Buffer): void;
  /** Writes the files, commits them all, returns the commit. */
  commit(files: Readonly<Record<string, string>>, message?: string): string;
  status(): string;
  open(): Promise<Repository>;
}

/** The fixture for a work tree that is there. */
export function fixtureAt(dir: string): GitFixture {
  const run = (...args: readonly string[]): string => runIn(dir, args);
  const write = (path: string, content: string | Buffer): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), content);
  };
  return {
    dir,
    run,
    write,
    commit(files, message = 'Change files') {
      for (const [path, content] of Object.entries(files)) write(path, content);
      run('add', '-A');
      run('commit', '-q', '-m', message);
      return run('rev-parse', 'HEAD').trim();
    },
    status: () => run('status', '--porcelain=v1', '-z', '--untracked-files=all', '--ignored'),
    open: () => openRepository(dir),
  };
}

/** Gives the work tree an identity of its own. */
export function identify(dir: string, name = 'Ada Lovelace', email = 'ada@example.com'): void {
  runIn(dir, ['config', 'user.name', name]);
  runIn(dir, ['config', 'user.email', email]);
}

/** A new repository on `main` without a commit. */
export function emptyRepository(...initArgs: readonly string[]): GitFixture {
  const dir = tempDir();
  runIn(dir, ['init', '-q', '-b', 'main', ...initArgs]);
  identify(dir);
  return fixtureAt(dir);
}

/** A new repository on `main` with one commit that holds a manifest. */
export function manifestRepository(): GitFixture {
  const fixture = emptyRepository();
  fixture.commit({ 'manifest.json': '[]\n', 'readme.txt': 'Hello\n' }, 'Begin');
  return fixture;
}

/** A new bare repository, as a remote. */
export function bareRemote(): string {
  const dir = tempDir();
  runIn(dir, ['init', '-q', '--bare', '-b', 'main']);
  runIn(dir, ['config', 'http.receivepack', 'true']);
  return dir;
}

/** A clone with an identity. */
export function cloneOf(url: string, ...args: readonly string[]): GitFixture {
  const dir = tempDir();
  runIn(dir, ['clone', '-q', ...args, url, '.']);
  identify(dir);
  return fixtureAt(dir);
}
