import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { aheadCommits, isOwnPath } from '../../../src/core/repo/aheadCommits';
import { commitPaths } from '../../../src/core/repo/commitPaths';
import { fastForward } from '../../../src/core/repo/fastForward';
import { fetchUpstream } from '../../../src/core/repo/fetchUpstream';
import { openRepository } from '../../../src/core/repo/openRepository';
import { type PushOutcome, pushBranch } from '../../../src/core/repo/pushBranch';
import type { RemoteOptions } from '../../../src/core/repo/remoteBranch';
import { runGit } from '../../../src/core/repo/runGit';
import {
  bareRemote,
  cloneOf,
  emptyRepository,
  type GitFixture,
  git,
  manifestRepository,
  runIn,
} from '../../support/gitFixture';
import { type GitHttpServer, gitHttpServer } from '../../support/gitHttpServer';
import { hook, type Published, published } from '../../support/published';
import { tempDir } from '../../support/tempDir';

function failsWith(code: ErrorCode, about?: RegExp) {
  return (error: unknown): boolean => {
    if (!DataManagerError.is(error, code)) throw error;
    if (about) assert.match(`${error.message} ${error.hint}`, about);
    return true;
  };
}

async function push(fixture: GitFixture, more: Partial<RemoteOptions> = {}): Promise<PushOutcome> {
  return pushBranch({ repo: await fixture.open(), git, ...more });
}

async function fetch(fixture: GitFixture) {
  return fetchUpstream({ repo: await fixture.open(), git });
}

describe('pushBranch', () => {
  it('pushes to the upstream, whatever its name, and only what HEAD is', async () => {
    const { bare, fixture, head } = published();
    fixture.run('push', '-q', 'origin', 'main:release');
    fixture.run('branch', '-q', '--set-upstream-to=origin/release');
    fixture.run('tag', '-a', 'v1', '-m', 'x');
    fixture.run('config', 'push.followTags', 'true');
    fixture.commit({ 'manifest.json': '[1]\n' });
    assert.deepEqual(await push(fixture), { kind: 'ok', remote: 'origin', branch: 'release', text: '' });
    assert.equal(runIn(bare, ['rev-parse', 'release']).trim(), head());
    assert.equal(runIn(bare, ['tag']), '');
    assert.equal((await push(fixture)).kind, 'ok'); // nothing to do is fine
  });

  it('chooses origin and makes it the upstream when there is none', async () => {
    const bare = bareRemote();
    const fixture = manifestRepository();
    fixture.run('remote', 'add', 'backup', bareRemote());
    fixture.run('remote', 'add', 'origin', bare);
    assert.equal((await push(fixture)).kind, 'ok');
    assert.equal(fixture.run('rev-parse', '--abbrev-ref', '@{upstream}'), 'origin/main\n');
    assert.equal(fixture.status(), '');
  });

  it('says why there is nowhere to push', async () => {
    const fixture = manifestRepository();
    assert.deepEqual(await push(fixture), { kind: 'no-remote', text: 'No remote is configured.' });
    fixture.run('checkout', '-q', '--detach');
    assert.match(JSON.stringify(await push(fixture)), /no-remote.*detached/);
    await assert.rejects(push(withRemote(emptyRepository())), failsWith('COMMIT_NOT_FOUND'));
  });

  it('reports a remote that moved on, and overwrites nothing', async () => {
    const { bare, fixture, tip } = published();
    const other = cloneOf(bare);
    const theirs = other.commit({ other: 'x' });
    other.run('push', '-q');
    fixture.commit({ 'manifest.json': '[1]\n' });
    for (const known of [false, true]) {
      if (known) fixture.run('fetch', '-q');
      const outcome = await push(fixture);
      assert.deepEqual([outcome.kind, 'reason' in outcome && outcome.reason], ['rejected', 'non-fast-forward']);
      assert.equal(tip(), theirs);
    }
  });

  for (const [name, reason, script, said] of [
    ['pre-receive', 'hook', 'echo "policy says no"; echo "ask Bob" >&2; exit 1', /policy says no\nask Bob/],
    ['update', 'hook', 'echo "not on a Friday"; exit 1', /not on a Friday/],
    ['update', 'protected', 'echo "error: GH006: Protected branch update failed"; exit 1', /GH006/],
  ] as const) {
    it(`passes on what a server's ${name} hook says (${reason})`, async () => {
      const { bare, fixture, tip } = published();
      const before = tip();
      hook(bare, name, script);
      fixture.commit({ 'manifest.json': '[1]\n' });
      const outcome = await push(fixture);
      assert.deepEqual([outcome.kind, 'reason' in outcome && outcome.reason], ['rejected', reason]);
      assert.match('text' in outcome ? outcome.text : '', said);
      assert.equal(tip(), before);
    });
  }

  it("runs the user's own pre-push hook, and passes on its refusal", async () => {
    const { fixture, head, tip } = published();
    const before = head();
    fixture.commit({ 'manifest.json': '[1]\n' });
    hook(join(fixture.dir, '.git'), 'pre-push', 'echo "run the tests first" >&2; exit 1');
    const outcome = await push(fixture);
    const { kind, reason, trouble, text } = outcome as Extract<PushOutcome, { kind: 'rejected' }>;
    assert.deepEqual([kind, reason, trouble, text], ['rejected', 'hook', 'local-hook', 'run the tests first']);
    assert.equal(tip(), before);
  });

  it('reports a remote that is not there', async () => {
    const { fixture } = published();
    for (const url of ['/nonexistent/repo.git', 'http://127.0.0.1:1/repo.git', 'http://name.invalid/repo.git']) {
      fixture.run('remote', 'set-url', 'origin', url);
      const outcome = await push(fixture);
      assert.equal(outcome.kind, 'offline', `${url}: ${JSON.stringify(outcome)}`);
      assert.notEqual('text' in outcome && outcome.text, '');
    }
  });

  describe('over HTTP', () => {
    let server: GitHttpServer;
    afterEach(() => server.close());

    async function overHttp(credentials?: { user: string; password: string }): Promise<Published> {
      const made = published();
      server = await gitHttpServer(made.bare, credentials ? { credentials } : {});
      made.fixture.run('remote', 'set-url', 'origin', server.url);
      made.fixture.commit({ 'manifest.json': '[1]\n' });
      return made;
    }

    it('pushes', async () => {
      const { fixture, head, tip } = await overHttp();
      assert.equal((await push(fixture)).kind, 'ok');
      assert.equal(tip(), head());
      assert.equal(fixture.run('rev-parse', 'origin/main').trim(), head());
    });

    it('reports missing credentials without asking, and keeps a password out of its words', async () => {
      const { fixture, head, tip } = await overHttp({ user: 'ada', password: 's3cret' });
      const outcome = await push(fixture);
      assert.equal(outcome.kind, 'auth', JSON.stringify(outcome));
      fixture.run('remote', 'set-url', 'origin', server.url.replace('//', '//ada:wr0ng@'));
      const wrong = await push(fixture);
      assert.equal(wrong.kind, 'auth');
      assert.doesNotMatch(JSON.stringify(wrong), /wr0ng/);
      fixture.run('remote', 'set-url', 'origin', server.url.replace('//', '//ada:s3cret@'));
      assert.equal((await push(fixture)).kind, 'ok');
      assert.equal(tip(), head());
    });

    for (const [status, kind] of [
      [403, 'auth'],
      [404, 'auth'],
      [500, 'offline'], // nothing was sent yet
    ] as const) {
      it(`takes a ${status} for ${kind}`, async () => {
        const { fixture } = await overHttp();
        server.intercept = () => ({ kind: 'status', status, body: 'no' });
        assert.equal((await push(fixture)).kind, kind);
      });
    }

    it('finds out that the server took a push whose answer was lost', async () => {
      const { fixture, head, tip } = await overHttp();
      server.intercept = (request) => ({
        kind: request.startsWith('POST') && request.includes('receive') ? 'dropAnswer' : 'serve',
      });
      const outcome = await push(fixture);
      assert.equal(outcome.kind, 'ok');
      assert.equal('text' in outcome && outcome.text, ''); // nothing went wrong, so no talk of lost connections
      assert.equal(tip(), head());
      assert.equal(fixture.run('rev-parse', 'origin/main').trim(), head()); // else it would go on to count as waiting
    });

    it('finds it even when somebody has built on it since', async () => {
      const { bare, fixture, head, tip } = await overHttp();
      server.intercept = (request) => ({
        kind: request.startsWith('POST') && request.includes('receive') ? 'dropAnswer' : 'serve',
      });
      hook(
        bare,
        'post-receive',
        'unset GIT_QUARANTINE_PATH; new=$(git -c user.name=B -c user.email=b@c commit-tree main^{tree} -p main -m next); git update-ref refs/heads/main $new',
      );
      assert.equal((await push(fixture)).kind, 'ok');
      assert.notEqual(tip(), head());
    });

    it('does not claim a push that never arrived', async () => {
      const { fixture, tip } = await overHttp();
      const before = tip();
      server.intercept = (request) => ({
        kind: request.startsWith('POST') && request.includes('receive') ? 'drop' : 'serve',
      });
      assert.equal((await push(fixture)).kind, 'unknown');
      server.intercept = () => ({ kind: 'drop' });
      assert.equal((await push(fixture)).kind, 'offline'); // dropped before anything was sent
      assert.equal(tip(), before);
    });

    it('gives up after its time, and asks then', async () => {
      const { fixture, head, tip } = await overHttp();
      const before = tip();
      const slow = (request: string) => request.startsWith('POST') && request.includes('receive');
      server.intercept = (request) => (slow(request) ? { kind: 'delay', ms: 60_000 } : { kind: 'serve' });
      assert.equal((await push(fixture, { timeoutMs: 700 })).kind, 'timeout');
      assert.equal(tip(), before);
      server.intercept = null;
      assert.equal((await push(fixture)).kind, 'ok'); // trying again is safe
      assert.equal(tip(), head());
    });

    it('cancelled halfway, asks whether the commit arrived', async () => {
      const { bare, fixture, head, tip } = await overHttp();
      hook(bare, 'post-receive', 'sleep 3');
      const controller = new AbortController();
      const timer = setInterval(() => tip() === head() && controller.abort(), 50);
      const outcome = await push(fixture, { signal: controller.signal });
      clearInterval(timer);
      assert.equal(controller.signal.aborted, true);
      assert.equal(outcome.kind, 'ok');
      await assert.rejects(push(fixture, { signal: AbortSignal.abort() }), failsWith('CANCELLED'));
    });
  });
});

function withRemote(fixture: GitFixture): GitFixture {
  fixture.run('remote', 'add', 'origin', bareRemote());
  return fixture;
}

describe('fetchUpstream and fastForward', () => {
  it('counts how far apart they are, and catches up', async () => {
    const { bare, fixture } = published();
    const other = cloneOf(bare);
    other.commit({ 'manifest.json': '[1]\n' });
    const theirs = other.commit({ 'diffs/x': 'x' });
    other.run('push', '-q');
    fixture.write('readme.txt', 'dirty\n');
    const upstream = await fetch(fixture);
    assert.deepEqual(upstream, {
      kind: 'ok',
      remote: 'origin',
      branch: 'main',
      remoteOid: theirs,
      ahead: 0,
      behind: 2,
    });
    await fastForward({ repo: await fixture.open(), git, to: theirs });
    assert.equal(fixture.run('rev-parse', 'main').trim(), theirs);
    assert.equal(fixture.status(), ' M readme.txt\0');
    await fastForward({ repo: await fixture.open(), git, to: theirs }); // nothing to do
  });

  it('fetches into an unborn branch, and from a remote without the branch', async () => {
    const fixture = withRemote(emptyRepository());
    assert.deepEqual(await fetch(fixture), {
      kind: 'ok',
      remote: 'origin',
      branch: 'main',
      remoteOid: null,
      ahead: 0,
      behind: 0,
    });
    fixture.commit({ 'manifest.json': '[]\n' });
    assert.deepEqual(await fetch(fixture), {
      kind: 'ok',
      remote: 'origin',
      branch: 'main',
      remoteOid: null,
      ahead: 1,
      behind: 0,
    });

    const { bare, tip } = published();
    const late = emptyRepository();
    late.run('remote', 'add', 'origin', bare);
    const upstream = await fetch(late);
    assert.deepEqual(upstream, { kind: 'ok', remote: 'origin', branch: 'main', remoteOid: tip(), ahead: 0, behind: 1 });
    await fastForward({ repo: await late.open(), git, to: tip() });
    assert.equal(late.run('rev-parse', 'main').trim(), tip());
  });

  it('does not overwrite what the user has changed, nor join what has parted', async () => {
    const { bare, fixture, head } = published();
    const other = cloneOf(bare);
    const theirs = other.commit({ 'readme.txt': 'theirs\n' });
    other.run('push', '-q');
    await fetch(fixture);
    fixture.write('readme.txt', 'mine\n');
    const repo = await fixture.open();
    const before = head();
    await assert.rejects(fastForward({ repo, git, to: theirs }), (error) => {
      assert.ok(DataManagerError.is(error, 'PATH_DIRTY'));
      assert.deepEqual(error.data.paths, ['readme.txt']);
      return true;
    });
    assert.deepEqual([head(), fixture.status()], [before, ' M readme.txt\0']);
    fixture.run('checkout', '-q', 'readme.txt');
    fixture.commit({ 'manifest.json': '[1]\n' });
    await assert.rejects(fastForward({ repo, git, to: theirs }), failsWith('BRANCH_DIVERGED', /pull --rebase/));
    writeFileSync(join(fixture.dir, '.git', 'index.lock'), '');
    fixture.run('reset', '-q', '--soft', before);
    await assert.rejects(fastForward({ repo, git, to: theirs }), failsWith('REPOSITORY_BUSY'));
  });

  it('runs no hook of the repository', async () => {
    const { bare, fixture } = published();
    const other = cloneOf(bare);
    const theirs = other.commit({ 'manifest.json': '[1]\n' });
    other.run('push', '-q');
    await fetch(fixture);
    hook(join(fixture.dir, '.git'), 'post-merge', 'touch hooked');
    await fastForward({ repo: await fixture.open(), git, to: theirs });
    assert.equal(fixture.status(), '');
  });

  it('reports an unreachable remote and missing credentials', async () => {
    const { bare, fixture } = published();
    fixture.run('remote', 'set-url', 'origin', 'http://127.0.0.1:1/x.git');
    assert.equal((await fetch(fixture)).kind, 'offline');
    const server = await gitHttpServer(bare, { credentials: { user: 'ada', password: 'x' } });
    try {
      fixture.run('remote', 'set-url', 'origin', server.url);
      assert.equal((await fetch(fixture)).kind, 'auth');
    } finally {
      await server.close();
    }
    assert.equal((await fetch(manifestRepository())).kind, 'no-remote');
  });
});

describe('aheadCommits', () => {
  it('lists what a push would send, and which of it is not ours', async () => {
    const { fixture, head } = published();
    const upstream = head();
    const repo = await fixture.open();
    const publish = (path: string, message: string) =>
      commitPaths({ repo, git, message, changes: [{ path, content: 'x' }] });
    await publish('manifest.json', 'Publish one');
    await publish('diffs/ä 😀/x.diff', 'Publish two');
    fixture.commit({ 'manifest.json': '[2]\n', 'own work.txt': 'x' }, 'My own work');
    fixture.run('commit', '-q', '--allow-empty', '-m', 'Empty');
    fixture.run('checkout', '-q', '-b', 'side', 'HEAD~1');
    fixture.commit({ 'ranges/x': 'x' }, 'Side');
    fixture.run('checkout', '-q', 'main');
    fixture.run('merge', '-q', '--no-ff', '-m', 'Merge', 'side');
    const ahead = await aheadCommits({ repo, git, upstream });
    const withoutGit = await aheadCommits({ repo, git: { ...git, path: '/nonexistent/git' }, upstream });
    const byOid = (a: { oid: string }, b: { oid: string }) => a.oid.localeCompare(b.oid);
    assert.deepEqual([...withoutGit].sort(byOid), [...ahead].sort(byOid)); // one second: the order is open
    assert.equal(withoutGit[0]?.oid, head());
    const ours = Object.fromEntries(ahead.map((commit) => [commit.subject, commit.ours]));
    assert.deepEqual(ours, {
      ...{ Merge: false, Side: true, Empty: false, 'My own work': false },
      ...{ 'Publish two': true, 'Publish one': true },
    });
    assert.equal(ahead[0]?.oid, head());
    assert.deepEqual(await aheadCommits({ repo, git, upstream: head() }), []);
    assert.equal((await aheadCommits({ repo, git, upstream: null })).length, 7);
  });

  it('knows its files beside a manifest in a folder', async () => {
    const repo = await openRepository(manifestRepository().dir, 'data/manifest.json');
    for (const path of ['data/manifest.json', 'data/diffs/x', 'data/ranges/a.json', 'data/.datamanager.json']) {
      assert.equal(isOwnPath(repo, path), true, path);
    }
    for (const path of ['manifest.json', 'diffs/x', 'data/other', 'data/diffs', 'database/diffs/x']) {
      assert.equal(isOwnPath(repo, path), false, path);
    }
  });
});

describe('runGit', () => {
  it("knows a full disk, and another user's repository, from what git says", async () => {
    const program = join(tempDir(), 'git');
    const says = (text: string) => {
      writeFileSync(program, `#!/bin/sh\necho "${text}" >&2\nexit 128\n`, { mode: 0o755 });
      return runGit({ ...git, path: program }, ['write-tree'], { cwd: '/' });
    };
    await assert.rejects(says('error: unable to write file: No space left on device'), failsWith('DISK_FULL'));
    await assert.rejects(
      says("fatal: detected dubious ownership in repository at '/'"),
      (error) => DataManagerError.is(error, 'GIT_FAILED') && /safe\.directory/.test(error.hint ?? ''),
    );
    await assert.rejects(says('remote: fatal: No space left on device'), failsWith('GIT_FAILED'));
    await assert.rejects(says('xcrun: error: invalid active developer path'), failsWith('GIT_MISSING'));
  });

  it('says when there is no git, or no folder', async () => {
    const missing = { ...git, path: '/nonexistent/git' };
    await assert.rejects(runGit(missing, ['--version'], { cwd: '/' }), failsWith('GIT_MISSING'));
    await assert.rejects(
      runGit(git, ['--version'], { cwd: join(tempDir(), 'gone') }),
      failsWith('REPOSITORY_NOT_FOUND'),
    );
  });

  it("gives git's own reason, code and command", async () => {
    const { dir } = manifestRepository();
    await assert.rejects(runGit(git, ['-c', 'a.b=c', 'cat-file', '-p', 'nope'], { cwd: dir }), (error) => {
      assert.ok(DataManagerError.is(error, 'GIT_FAILED'));
      assert.equal(error.message, 'git cat-file failed: Not a valid object name nope');
      assert.deepEqual([error.data.command, error.data.code], ['cat-file', 128]);
      return true;
    });
    assert.equal((await runGit(git, ['config', '--get', 'no.such'], { cwd: dir, okCodes: [0, 1] })).code, 1);
  });

  it('kills git and what git has started, when cancelled or late', async () => {
    const { dir } = manifestRepository();
    const pidFile = join(tempDir(), 'pid');
    const args = ['-c', `alias.hang=!echo $$ > ${pidFile}; sleep 60 & wait`, 'hang'];
    const isAlive = (): boolean => {
      try {
        process.kill(-Number(runIn(dir, ['-c', `alias.c=!cat ${pidFile}`, 'c'])), 0);
        return true;
      } catch {
        return false;
      }
    };
    await assert.rejects(runGit(git, args, { cwd: dir, timeoutMs: 300 }), (error) => {
      assert.ok(DataManagerError.is(error, 'GIT_FAILED'));
      return error.data.timedOut === true;
    });
    assert.equal(isAlive(), false);
    const signal = AbortSignal.timeout(300);
    await assert.rejects(runGit(git, args, { cwd: dir, signal }), failsWith('CANCELLED'));
  });

  it('carries bytes both ways', async () => {
    const { dir } = manifestRepository();
    const input = Buffer.alloc(3_000_000, '\0\xff\r\n');
    const { stdout } = await runGit(git, ['hash-object', '-w', '--stdin'], { cwd: dir, input });
    const oid = stdout.toString('utf8').trim();
    assert.deepEqual((await runGit(git, ['cat-file', 'blob', oid], { cwd: dir })).stdout, input);
  });
});
