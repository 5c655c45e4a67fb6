import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitPaths } from '../../../src/core/repo/commitPaths';
import { recoverInterruptedCommit } from '../../../src/core/repo/indexLock';
import { repoProgram } from '../../support/commitChecks';
import { emptyRepository, type GitFixture, git } from '../../support/gitFixture';

/** `DATAMANAGER_CRASHES=300` for a long run by hand. */
const CRASHES = Number(process.env.DATAMANAGER_CRASHES ?? 15);

const IMPORTS = `
  import { commitPaths } from './src/core/repo/commitPaths';
  import { recoverInterruptedCommit } from './src/core/repo/indexLock';
  import { moveBranchTo } from './src/core/repo/moveBranch';
  import { appendFileSync } from 'node:fs';`;

/** Dies before the n-th call that changes something on the disk; says how many there were if it lives. */
const DIE_AT_CALL = `
  const files = require('node:fs/promises');
  let left = Number(process.argv[2]);
  let calls = 0;
  for (const name of ['open', 'writeFile', 'rename', 'link', 'rm', 'rmdir', 'mkdir', 'appendFile', 'utimes', 'copyFile']) {
    const real = files[name];
    files[name] = (...args) => {
      if (++calls > left) process.kill(process.pid, 'SIGKILL');
      return real(...args);
    };
  }`;

/** Everything of the user's that a commit of ours must not touch. */
function userFiles(): GitFixture {
  const fixture = emptyRepository();
  fixture.commit({ 'manifest.json': '[]\n', staged: 'one\n', dirty: 'one\n', both: 'one\n', 'deep/er/file': 'x\n' });
  fixture.write('staged', 'two\n');
  fixture.write('both', 'two\n');
  fixture.write('new', 'two\n');
  fixture.run('add', 'staged', 'both', 'new');
  fixture.write('both', 'three\n');
  fixture.write('dirty', 'two\n');
  fixture.write('untracked', 'x\n');
  return fixture;
}

/** What the user sees of their own: also exactly what is staged. */
function userState(fixture: GitFixture): readonly string[] {
  return [fixture.status(), fixture.run('diff', '--cached'), fixture.run('diff')];
}

async function assertMended(fixture: GitFixture, before: readonly string[], what: string): Promise<void> {
  await recoverInterruptedCommit(await fixture.open());
  assert.deepEqual(userState(fixture), before, what);
  assert.doesNotMatch(fixture.run('fsck', '--strict', '--no-dangling'), /error|missing|broken/, what);
  const gitDir = join(fixture.dir, '.git');
  const locks = readdirSync(gitDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.lock'));
  assert.deepEqual(locks, [], what);
  const own = join(gitDir, 'datamanager');
  const notes = (existsSync(own) ? readdirSync(own) : []).filter(
    (name) => !/^(lock|commit\.json)\.[0-9a-f]{12}$/.test(name),
  );
  assert.deepEqual(notes, [], what);
  const content = `[${Math.random()}]\n`;
  const { created } = await commitPaths({
    repo: await fixture.open(),
    git,
    changes: [{ path: 'manifest.json', content }],
    message: 'Next',
    writer: 'locked',
  });
  assert.ok(created, what);
  assert.equal(fixture.run('show', 'HEAD:manifest.json'), content, what);
  assert.deepEqual(userState(fixture), before, what);
}

describe('a process killed while it commits, locked writer', () => {
  it('leaves what the next one mends, whichever step it died at', async () => {
    const fixture = userFiles();
    const before = userState(fixture);
    const program = repoProgram(
      fixture.dir,
      IMPORTS,
      `${DIE_AT_CALL}
      const changes = [
        { path: 'manifest.json', content: '["' + Math.random() + '"]' },
        { path: 'diffs/new/' + process.pid + '.diff', content: 'x' },
      ];
      await commitPaths({ repo, git, changes, message: 'Dies', writer: 'locked' });
      console.log(calls);`,
    );
    const mending = repoProgram(fixture.dir, IMPORTS, `${DIE_AT_CALL} await recoverInterruptedCommit(repo);`);
    const total = Number(spawnSync(process.execPath, [program, '100000'], { encoding: 'utf8' }).stdout);
    assert.ok(total > 20, String(total));
    const stride = Math.max(1, Math.floor(total / CRASHES));
    let moved = 0;
    for (let at = Math.floor(Math.random() * stride); at < total; at += stride) {
      const head = fixture.run('rev-parse', 'HEAD');
      const { signal, stderr } = spawnSync(process.execPath, [program, String(at)], { encoding: 'utf8' });
      // How many calls it takes depends a little on which folders are there.
      if (signal === null) assert.ok(at > total - 10, stderr);
      else assert.equal(signal, 'SIGKILL', stderr);
      if (fixture.run('rev-parse', 'HEAD') !== head) moved++;
      // Whoever mends may die over it too.
      for (let deaths = 0; deaths < at % 3; deaths++) {
        spawnSync(process.execPath, [mending, String(Math.floor(Math.random() * 12))]);
      }
      await assertMended(fixture, before, `killed before call ${at} of ${total}`);
    }
    assert.ok(moved > 0);
  }).timeout(20_000 + CRASHES * 3000);

  it('keeps every commit that it acknowledged when it is killed at any instant', async () => {
    const fixture = userFiles();
    const before = userState(fixture);
    const log = join(fixture.dir, '.git', 'acknowledged');
    const program = repoProgram(
      fixture.dir,
      IMPORTS,
      `console.log('ready');
      for (let i = 0; ; i++) {
        const changes = [{ path: 'manifest.json', content: '[' + Math.random() + ']' }, { path: 'diffs/' + process.pid + '/' + (i % 3), content: '' + i }];
        const { commit, parent } = await commitPaths({ repo, git, changes, message: 'Lives', writer: 'locked' });
        appendFileSync(${JSON.stringify(log)}, commit + '\\n');
        if (i % 4 === 3) {
          appendFileSync(${JSON.stringify(log)}, commit + ' off and on\\n');
          await moveBranchTo({ repo, git, to: parent, expected: commit, writer: 'locked' });
          await moveBranchTo({ repo, git, to: commit, expected: parent, writer: 'locked' });
          appendFileSync(${JSON.stringify(log)}, commit + '\\n');
        }
      }`,
    );
    for (let round = 0; round < CRASHES; round++) {
      const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((ready) => child.stdout.once('data', ready));
      await new Promise((done) => setTimeout(done, Math.random() * 700));
      child.kill('SIGKILL');
      await new Promise((ended) => child.once('close', ended));
      await assertMended(fixture, before, `round ${round}`);
    }
    const history = new Set(fixture.run('rev-list', 'HEAD').split('\n'));
    const acknowledged = new Map<string, string>();
    for (const line of readFileSync(log, 'utf8').trim().split('\n'))
      acknowledged.set(line.slice(0, 40), line.slice(40));
    assert.ok(acknowledged.size > CRASHES / 4);
    // One that was being taken off and put back may be off.
    const lost = [...acknowledged].filter(([commit, state]) => state === '' && !history.has(commit));
    assert.deepEqual(lost, []);
  }).timeout(20_000 + CRASHES * 5000);
});
