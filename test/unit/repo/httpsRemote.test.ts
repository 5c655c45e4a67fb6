import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { describePush } from '../../../src/core/operations/pushMessages';
import { type FetchOutcome, fetchUpstream } from '../../../src/core/repo/fetchUpstream';
import { type PushOutcome, pushBranch } from '../../../src/core/repo/pushBranch';
import { isGitHub, type Login } from '../../../src/core/repo/remote/credentials';
import type { RemoteOptions } from '../../../src/core/repo/remoteBranch';
import { bareRemote, cloneOf, emptyRepository, type GitFixture, git, runIn } from '../../support/gitFixture';
import { type Answer, type GitHttpServer, type GitHttpServerOptions, gitHttpServer } from '../../support/gitHttpServer';
import { hook, type Published, published } from '../../support/published';
import { tempDir } from '../../support/tempDir';

const noGit = { ...git, path: '/nonexistent/git' };

async function push(fixture: GitFixture, more: Partial<RemoteOptions> = {}): Promise<PushOutcome> {
  return pushBranch({ repo: await fixture.open(), git: noGit, ...more });
}

async function fetch(fixture: GitFixture, more: Partial<RemoteOptions> = {}): Promise<FetchOutcome> {
  return fetchUpstream({ repo: await fixture.open(), git: noGit, ...more });
}

const onPost =
  (answer: Answer) =>
  (request: string): Answer =>
    request.startsWith('POST') && request.endsWith('git-receive-pack') ? answer : { kind: 'serve' };

describe('a remote over HTTP(S) without a git program', () => {
  const servers: GitHttpServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });

  async function serve(bare: string, options?: GitHttpServerOptions): Promise<GitHttpServer> {
    const server = await gitHttpServer(bare, options);
    servers.push(server);
    return server;
  }

  /** One commit that the remote lacks, and the remote on a server. */
  async function overHttp(options?: GitHttpServerOptions): Promise<Published & { readonly server: GitHttpServer }> {
    const made = published();
    const server = await serve(made.bare, options);
    made.fixture.run('remote', 'set-url', 'origin', server.url);
    made.fixture.commit({ 'manifest.json': '[1]\n', 'diffs/a/x.diff': 'x' });
    return { ...made, server };
  }

  it('pushes what git would, and notes where the remote is', async () => {
    const { bare, fixture, head, tip } = await overHttp();
    fixture.run('tag', 'v1');
    assert.deepEqual(await push(fixture), { kind: 'ok', remote: 'origin', branch: 'main', text: '' });
    assert.equal(tip(), head());
    assert.equal(fixture.run('rev-parse', 'origin/main').trim(), head());
    assert.equal(runIn(bare, ['tag']), '');
    assert.equal(runIn(bare, ['fsck', '--strict', '--full', '--no-dangling']), '');
    assert.equal((await push(fixture)).kind, 'ok'); // nothing to do is fine
    assert.equal(fixture.status(), '');
  });

  it('pushes a commit that is not the one that is checked out', async () => {
    const { fixture, head, tip } = await overHttp();
    const commit = head();
    fixture.commit({ other: 'later' });
    assert.equal((await pushBranch({ repo: await fixture.open(), git: noGit, commit })).kind, 'ok');
    assert.equal(tip(), commit);
  });

  it('makes a first push, and remembers the upstream', async () => {
    const bare = bareRemote();
    const fixture = emptyRepository();
    const server = await serve(bare);
    fixture.run('remote', 'add', 'origin', server.url);
    const before = readFileSync(join(fixture.dir, '.git/config'), 'utf8');
    const commit = fixture.commit({ 'manifest.json': '[]\n' });
    assert.deepEqual(await fetch(fixture), {
      ...{ kind: 'ok', remote: 'origin', branch: 'main', remoteOid: null },
      ...{ ahead: 1, behind: 0 },
    });
    assert.equal((await push(fixture)).kind, 'ok');
    assert.equal(runIn(bare, ['rev-parse', 'main']).trim(), commit);
    assert.equal(fixture.run('rev-parse', '--abbrev-ref', '@{upstream}'), 'origin/main\n');
    assert.ok(readFileSync(join(fixture.dir, '.git/config'), 'utf8').startsWith(before));
  });

  it('fetches what it lacks only, and counts how far apart the branches are', async () => {
    const { bare, fixture, server, tip } = await overHttp();
    fixture.commit({ mine: 'x' });
    const other = cloneOf(bare);
    for (let i = 0; i < 5; i++)
      other.commit({ 'manifest.json': `[${i}]\n`, [`diffs/${i}`]: 'same words '.repeat(900) });
    other.run('push', '-q');
    fixture.write('readme.txt', 'dirty\n');
    const refs = fixture.run('for-each-ref', 'refs/heads', 'refs/tags');
    const upstream = await fetch(fixture);
    assert.deepEqual(upstream, {
      ...{ kind: 'ok', remote: 'origin', branch: 'main', remoteOid: tip() },
      ...{ ahead: 2, behind: 5 },
    });
    assert.equal(fixture.run('rev-parse', 'origin/main').trim(), tip());
    assert.equal(fixture.run('for-each-ref', 'refs/heads', 'refs/tags'), refs);
    assert.equal(fixture.status(), ' M readme.txt\0');
    assert.equal(fixture.run('fsck', '--strict', '--full', '--no-dangling'), '');
    const packs = readdirSync(join(fixture.dir, '.git/objects/pack')).filter((name) => !name.endsWith('.rev'));
    assert.deepEqual(packs.map((name) => name.replace(/[0-9a-f]{40}/, '')).sort(), ['pack-.idx', 'pack-.pack']);
    const sent = fixture.run('verify-pack', '-v', join('.git/objects/pack', packs[0] ?? '')).match(/ commit /g);
    assert.equal(sent?.length, 5);
    const before = server.requests.length;
    assert.equal((await fetch(fixture)).kind, 'ok');
    assert.equal(server.requests.slice(before).filter((request) => request.startsWith('POST')).length, 1); // ls-refs only
  });

  it('fetches from a server whose HEAD leads nowhere', async () => {
    const { bare, fixture, tip } = await overHttp();
    const other = cloneOf(bare);
    other.commit({ theirs: 'x' });
    other.run('push', '-q');
    runIn(bare, ['symbolic-ref', 'HEAD', 'refs/heads/nowhere']);
    const upstream = await fetch(fixture);
    assert.deepEqual([upstream.kind, 'remoteOid' in upstream && upstream.remoteOid], ['ok', tip()]);
  });

  it('finds out that the server took a push whose answer was lost, even if somebody has built on it', async () => {
    const { bare, fixture, head, tip, server } = await overHttp();
    server.intercept = onPost({ kind: 'dropAnswer' });
    assert.equal((await push(fixture)).kind, 'ok');
    assert.equal(tip(), head());
    assert.equal(fixture.run('rev-parse', 'origin/main').trim(), head());
    fixture.commit({ 'manifest.json': '[2]\n' });
    hook(
      bare,
      'post-receive',
      'unset GIT_QUARANTINE_PATH; new=$(git -c user.name=B -c user.email=b@c commit-tree main^{tree} -p main -m next); git update-ref refs/heads/main $new',
    );
    assert.equal((await push(fixture)).kind, 'ok');
    assert.notEqual(tip(), head());
  });

  it('cancelled halfway, asks whether the commit arrived; cancelled before, says so', async () => {
    const { bare, fixture, head, tip } = await overHttp();
    hook(bare, 'post-receive', 'sleep 1');
    const controller = new AbortController();
    const timer = setInterval(() => tip() === head() && controller.abort(), 50);
    const outcome = await push(fixture, { signal: controller.signal });
    clearInterval(timer);
    assert.equal(controller.signal.aborted, true);
    assert.equal(outcome.kind, 'ok');
    const cancelled = (error: unknown) => DataManagerError.is(error, 'CANCELLED');
    await assert.rejects(push(fixture, { signal: AbortSignal.abort() }), cancelled);
    await assert.rejects(fetch(fixture, { signal: AbortSignal.abort() }), cancelled);
  });

  it('waits for a slow hook, and leaves no socket and no timer behind', async function () {
    this.timeout(30_000);
    const { bare, fixture, head, tip, server } = await overHttp();
    runIn(bare, ['config', 'receive.keepAlive', '60']);
    hook(bare, 'pre-receive', 'sleep 7');
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    assert.equal((await push(fixture)).kind, 'ok');
    assert.equal(tip(), head());
    assert.ok(timers() <= before);
    for (let i = 0; i < 50 && (await server.connections()) > 0; i++) await new Promise((done) => setTimeout(done, 10));
    assert.equal(await server.connections(), 0);
  });

  it('needs git for SSH and folders, and says so', async () => {
    const { fixture } = published();
    for (const url of ['git@github.com:x/y.git', 'ssh://git@example.com/x.git', '/srv/x.git']) {
      fixture.run('remote', 'set-url', 'origin', url);
      await assert.rejects(push(fixture), (error) => {
        assert.ok(DataManagerError.is(error, 'GIT_MISSING'));
        assert.match(`${error.message} ${error.hint}`, /remote origin .* needs Git.*https/);
        return true;
      });
    }
  });

  it('goes where insteadOf and pushurl lead', async () => {
    const { fixture, head, tip, server } = await overHttp();
    fixture.run('remote', 'set-url', 'origin', 'short:repo.git');
    fixture.run('config', `url.${server.url.replace('repo.git', '')}.insteadOf`, 'short:');
    assert.equal((await push(fixture)).kind, 'ok');
    assert.equal(tip(), head());
    fixture.run('config', 'remote.origin.pushurl', 'http://127.0.0.1:1/x.git');
    const outcome = await push(fixture);
    assert.equal('address' in outcome && outcome.address, 'http://127.0.0.1:1/x.git');
    assert.equal((await fetch(fixture)).kind, 'ok');
  });

  describe('signs in', () => {
    const login = { user: 'x-access-token', password: 'tök:en' };
    const given: Login = { username: login.user, password: login.password };

    it('with what it is given, once it is asked', async () => {
      const { fixture, head, tip, server } = await overHttp({ credentials: login });
      const asked: string[] = [];
      const credentials = async (url: string): Promise<Login> => {
        asked.push(url);
        return given;
      };
      assert.equal((await push(fixture, { credentials })).kind, 'ok');
      assert.equal(tip(), head());
      assert.deepEqual(asked, [server.url]);
      assert.equal((await fetch(fixture, { credentials })).kind, 'ok');
    });

    it('with a fetch that brings something', async () => {
      const { bare, fixture, tip } = await overHttp({ credentials: login });
      const other = cloneOf(bare);
      other.commit({ theirs: 'x' });
      other.run('push', '-q');
      const upstream = await fetch(fixture, { credentials: async () => given });
      assert.equal('remoteOid' in upstream && upstream.remoteOid, tip());
    });

    it('with user and password in the address', async () => {
      const { fixture, head, tip, server } = await overHttp({ credentials: login });
      fixture.run('remote', 'set-url', 'origin', server.url.replace('//', `//${login.user}:t%C3%B6k%3Aen@`));
      const outcome = await push(fixture);
      assert.equal(outcome.kind, 'ok', JSON.stringify(outcome));
      assert.equal(tip(), head());
    });

    it('tells a login that is refused from one that is missing, and shows it nowhere', async () => {
      const { fixture } = await overHttp({ credentials: login });
      const missing = await push(fixture, { credentials: async () => null });
      assert.equal('trouble' in missing && missing.trouble, 'no-credentials');
      const wrong = await push(fixture, { credentials: async () => ({ username: 'u', password: 'wr0ng' }) });
      assert.equal('trouble' in wrong && wrong.trouble, 'wrong-credentials');
      assert.doesNotMatch(JSON.stringify(wrong), /wr0ng/);
    });

    it('keeps a login that the server says back out of its words', async () => {
      const { bare, fixture } = await overHttp({ credentials: login });
      hook(bare, 'pre-receive', `echo "hello ${login.password}" >&2; exit 1`);
      const outcome = await push(fixture, { credentials: async () => given });
      assert.equal('text' in outcome && outcome.text, 'hello ***\npre-receive hook declined');
    });

    it('at github.com with a GitHub token, and nowhere that looks like it', () => {
      for (const address of ['https://github.com/x/y.git', 'https://github.com:443/x', 'https://GitHub.com/x']) {
        assert.equal(isGitHub(address), true, address);
      }
      for (const address of [
        ...['http://github.com/x', 'https://github.com:8443/x', 'https://github.com.example.com/x'],
        ...['https://github.com@example.com/x', 'https://api.github.com/x', 'https://example.com/github.com'],
        ...['git@github.com:x/y.git', 'ssh://git@github.com/x', ''],
      ]) {
        assert.equal(isGitHub(address), false, address);
      }
    });

    it('never at another host, nor over a plain connection that leaves the machine', async () => {
      const { fixture, bare, server } = await overHttp({ credentials: login });
      const elsewhere = await serve(bare, { credentials: login });
      const asked: string[] = [];
      const credentials = async (url: string): Promise<Login | null> => {
        asked.push(url);
        return url === server.url ? given : null;
      };
      server.intercept = (request) =>
        request.startsWith('GET')
          ? {
              ...{ kind: 'status', status: 302 },
              headers: { location: `${elsewhere.url}/info/refs?${request.split('?')[1]}` },
            }
          : { kind: 'serve' };
      const outcome = await push(fixture, { credentials });
      assert.equal('trouble' in outcome && outcome.trouble, 'no-credentials');
      assert.deepEqual(asked, [server.url, elsewhere.url]);
      assert.equal('movedTo' in outcome && outcome.movedTo, elsewhere.url);
      assert.ok(server.authorizations.some((header) => header !== ''));
      assert.deepEqual([...new Set(elsewhere.authorizations)], ['']);

      asked.length = 0;
      fixture.run('remote', 'set-url', 'origin', 'http://name.invalid/x.git');
      await push(fixture, { credentials });
      assert.deepEqual(asked, []);
    });
  });
});

for (const [name, program] of Object.entries({ 'system git': git, 'https without git': noGit })) {
  describe(`a remote that has moved, and certificates (${name})`, () => {
    let server: GitHttpServer;
    let keys: { readonly key: string; readonly cert: string; readonly certFile: string };
    afterEach(() => server.close());

    it('follows the redirect of the first request and says the new address', async () => {
      const { bare, fixture, head, tip } = published();
      server = await gitHttpServer(bare);
      fixture.run('remote', 'set-url', 'origin', server.url.replace('repo.git', 'old.git'));
      fixture.commit({ 'manifest.json': '[1]\n' });
      for (const status of [301, 307, 308]) {
        server.intercept = (request) =>
          request.includes('/old.git/')
            ? {
                kind: 'status',
                status,
                headers: { location: (request.split(' ')[1] ?? '').replace('old.git', 'repo.git') },
              }
            : { kind: 'serve' };
        const outcome = await pushBranch({ repo: await fixture.open(), git: program });
        assert.equal(outcome.kind, 'ok', JSON.stringify(outcome));
        assert.equal('movedTo' in outcome && outcome.movedTo, server.url);
        const { hint, code } = describePush(outcome, { what: 'utopia@v2' });
        assert.match(hint ?? '', new RegExp(`git remote set-url origin ${server.url}`));
        assert.equal(code, null);
        assert.equal(tip(), head());
        fixture.commit({ 'manifest.json': `[${status}]\n` });
      }
    });

    function makeKeys(names: string): typeof keys {
      const dir = tempDir();
      const [keyFile, certFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
      const subject = ['-subj', '/CN=test', '-addext', `subjectAltName=${names}`];
      const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
      execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', keyFile, '-out', certFile, ...subject], {
        stdio: 'pipe',
      });
      return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certFile, 'utf8'), certFile };
    }

    for (const [what, names, trusted, trouble, says] of [
      ['trusts a certificate that it is told to trust', 'IP:127.0.0.1', true, null, /is pushed to origin\/main/],
      [
        'does not trust one that nobody vouches for',
        'IP:127.0.0.1',
        false,
        'certificate',
        /does not trust the certificate/,
      ],
      ["does not take somebody else's", 'DNS:other.example', true, 'certificate-host', /somebody else's certificate/],
    ] as const) {
      it(what, async () => {
        const { bare, fixture } = published();
        keys = makeKeys(names);
        server = await gitHttpServer(bare, { tls: keys });
        fixture.run('remote', 'set-url', 'origin', server.url);
        if (trusted) fixture.run('config', 'http.sslCAInfo', keys.certFile);
        fixture.commit({ 'manifest.json': '[1]\n' });
        const outcome = await pushBranch({ repo: await fixture.open(), git: program });
        assert.equal('trouble' in outcome ? outcome.trouble : null, trouble, JSON.stringify(outcome));
        assert.match(describePush(outcome, { what: 'utopia@v2' }).sentence, says);
      });
    }
  });
}
