import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { DataManagerError, type ErrorCode } from '../../src/core/errors';
import { type GitFixture, git } from './gitFixture';
import { tempDir } from './tempDir';

/** For assert.rejects: an error of this code whose message or hint matches. */
export function failsWith(code: ErrorCode, about?: RegExp) {
  return (error: unknown): boolean => {
    if (!DataManagerError.is(error, code)) throw error;
    if (about) assert.match(`${error.message} ${error.hint}`, about);
    return true;
  };
}

/** Everything that must not change when a commit is refused. */
export async function snapshot(fixture: GitFixture) {
  const gitDir = fixture.run('rev-parse', '--absolute-git-dir').trim();
  return {
    head: readFileSync(join(gitDir, 'HEAD'), 'utf8'),
    refs: fixture.run('for-each-ref'),
    index: existsSync(join(gitDir, 'index')) ? readFileSync(join(gitDir, 'index'), 'hex') : null,
    locks: (await readdir(gitDir, { recursive: true })).filter((name) => /\.lock$|commit\.json/.test(name)),
    status: fixture.run('--no-optional-locks', 'status', '--porcelain=v1', '-z', '-uall', '--ignored'),
  };
}

/**
 * Builds a program that calls something of src/core/repo on the work tree at `dir`. `call` may use `repo`, `git` and what it imports.
 */
export function repoProgram(dir: string, imports: string, call: string, program = git.path): string {
  const source = `
    ${imports}
    import { openRepository } from './src/core/repo/openRepository';
    const git = ${JSON.stringify({ ...git, path: program })};
    openRepository(${JSON.stringify(dir)}).then(async (repo) => { ${call} });`;
  const outfile = join(tempDir(), 'program.cjs');
  buildSync({
    stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
    ...{ bundle: true, platform: 'node', format: 'cjs', outfile, logLevel: 'error' },
  });
  return outfile;
}

/** Runs the call in a process of its own, which is killed when it calls git with `step`, or after that. */
export function dieAt(dir: string, step: string, imports: string, call: string): void {
  const program = join(tempDir(), 'git');
  const pattern = step.replace('after ', '');
  const death = step.startsWith('after ') ? 'git "$@"; kill -9 $PPID; exit' : 'kill -9 $PPID; exit';
  writeFileSync(program, `#!/bin/sh\ncase "$*" in *${pattern}*) ${death};; esac\nexec git "$@"\n`, { mode: 0o755 });
  const { signal, stderr } = spawnSync(process.execPath, [repoProgram(dir, imports, call, program)], {
    encoding: 'utf8',
  });
  assert.equal(signal, 'SIGKILL', stderr);
}

/** No object is missing or wrong, and nothing of ours is left. */
export function assertSound(fixture: GitFixture): void {
  assert.doesNotMatch(fixture.run('fsck', '--strict', '--no-dangling'), /error|missing|broken/);
  const gitDir = fixture.run('rev-parse', '--absolute-git-dir').trim();
  assert.equal(existsSync(join(gitDir, 'index.lock')), false);
  const own = join(gitDir, 'datamanager');
  assert.deepEqual(existsSync(own) ? readdirSync(own) : [], []);
}
