import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { repoProgram } from '../../support/commitChecks';
import { type GitFixture, manifestRepository } from '../../support/gitFixture';

/** Commits of each writer; `DATAMANAGER_RACE=100` for a long run by hand. */
const COMMITS = Number(process.env.DATAMANAGER_RACE ?? 8);

const IMPORTS = `
  import { commitPaths } from './src/core/repo/commitPaths';
  import { DataManagerError } from './src/core/errors';
  import { readFileSync } from 'node:fs';`;

/** Adds a line to one file that all change, and writes one of its own; again when somebody was faster, as operations do. */
function ours(fixture: GitFixture, name: string, writer: string): string {
  return repoProgram(
    fixture.dir,
    IMPORTS,
    `for (let i = 0; i < ${COMMITS}; ) {
      const base = readFileSync(repo.root + '/manifest.json', 'utf8');
      const line = '${name}-' + i;
      const changes = [
        { path: 'manifest.json', content: base + line + '\\n', base },
        { path: 'diffs/${name}/' + i + '.diff', content: line },
      ];
      try {
        const { commit } = await commitPaths({ repo, git, changes, message: line, writer: ${writer}, lockTimeoutMs: 60_000 });
        console.log(commit);
        i++;
      } catch (error) {
        if (!['REF_MOVED', 'REPOSITORY_BUSY'].includes(error.code)) throw error;
      }
    }`,
  );
}

/** A person's commits of a file of their own; git does not wait for a lock, so it is told to try again. */
function theirs(fixture: GitFixture): string {
  return repoProgram(
    fixture.dir,
    "import { spawnSync } from 'node:child_process'; import { writeFileSync } from 'node:fs';",
    `for (let i = 0; i < ${COMMITS}; ) {
      writeFileSync(repo.root + '/theirs.txt', 'theirs ' + i);
      const run = (...args) => spawnSync('git', args, { cwd: repo.root, env: git.env, encoding: 'utf8' });
      if (run('add', 'theirs.txt').status === 0 && run('commit', '-qm', 'theirs ' + i).status === 0) {
        console.log(run('log', '-1', '--format=%H', '--grep=^theirs ' + i + '$').stdout.trim());
        i++;
      }
      await new Promise((done) => setTimeout(done, Math.random() * 30));
    }`,
  );
}

/** The commits that a program says it made. */
async function acknowledged(program: string): Promise<readonly string[]> {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  const code = await new Promise((ended) => child.once('close', ended));
  assert.equal(code, 0, err);
  return out.trim().split('\n');
}

describe('several writers on one clone', () => {
  for (const [mix, writers] of Object.entries({
    'two of ours': ["'locked'", "'locked'"],
    'our own and the one through git': ["'locked'", "'git'"],
  })) {
    it(`lose no commit: ${mix}, and a person with git`, async () => {
      const fixture = manifestRepository();
      const programs = [...writers.map((writer, i) => ours(fixture, `w${i}`, writer)), theirs(fixture)];
      const commits = (await Promise.all(programs.map(acknowledged))).flat();
      assert.equal(new Set(commits).size, 3 * COMMITS);
      const history = new Set(fixture.run('rev-list', 'HEAD').trim().split('\n'));
      assert.deepEqual(
        commits.filter((commit) => !history.has(commit)),
        [],
      );
      assert.equal(history.size, 3 * COMMITS + 1);
      const lines = fixture.run('show', 'HEAD:manifest.json').trim().split('\n').slice(1);
      assert.equal(new Set(lines).size, 2 * COMMITS);
      assert.equal(
        fixture.run('ls-tree', '-r', '--name-only', 'HEAD', 'diffs/').trim().split('\n').length,
        2 * COMMITS,
      );
      assert.equal(fixture.status(), '');
      assert.doesNotMatch(fixture.run('fsck', '--strict'), /error|missing|broken/);
      assert.equal(fixture.run('reflog', 'main').trim().split('\n').length, 3 * COMMITS + 1);
    }).timeout(30_000 + COMMITS * 10_000);
  }
});
