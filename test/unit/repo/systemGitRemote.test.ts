import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeFetch, describePush } from '../../../src/core/operations/pushMessages';
import { fetchUpstream } from '../../../src/core/repo/fetchUpstream';
import type { PushOutcome } from '../../../src/core/repo/pushBranch';
import { pushBranch } from '../../../src/core/repo/pushBranch';
import type { Trouble } from '../../../src/core/repo/remote/gitRemote';
import { unaskedEnvironment } from '../../../src/core/repo/remote/unasked';
import type { GitProgram } from '../../../src/core/repo/repository';
import { bareRemote, cloneOf, git } from '../../support/gitFixture';
import { type GitHttpServer, gitHttpServer } from '../../support/gitHttpServer';
import { type Published, published } from '../../support/published';
import { tempDir } from '../../support/tempDir';

const noGit = { ...git, path: '/nonexistent/git' };

function withEnv(env: Readonly<Record<string, string>>): GitProgram {
  return { ...git, env: { ...git.env, ...env } };
}

/** A program that a test stands in for. */
function script(text: string): string {
  const file = join(tempDir(), 'program');
  writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

interface SshRow {
  readonly stderr: string;
  readonly kind: PushOutcome['kind'];
  readonly trouble: Trouble;
  readonly says: RegExp;
}

const SSH_ROWS: readonly SshRow[] = [
  {
    stderr: 'git@git.example.com: Permission denied (publickey,password).',
    ...{ kind: 'auth', trouble: 'ssh-denied', says: /git\.example\.com did not accept your SSH key.*ssh-add/s },
  },
  {
    stderr: 'No ED25519 host key is known for git.example.com\nHost key verification failed.',
    ...{ kind: 'auth', trouble: 'host-key-unknown', says: /does not know the SSH host key.*fingerprint/s },
  },
  {
    stderr: '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.',
    ...{ kind: 'auth', trouble: 'host-key-changed', says: /somebody may be listening in.*only then/s },
  },
  {
    stderr: 'ssh: Could not resolve hostname git.example.com: Name or service not known',
    ...{ kind: 'offline', trouble: 'unreachable', says: /git\.example\.com can't be reached: ".*resolve/ },
  },
  {
    stderr: 'ssh: connect to host git.example.com port 22: Connection refused',
    ...{ kind: 'offline', trouble: 'unreachable', says: /git\.example\.com can't be reached/ },
  },
  {
    stderr: 'ssh: connect to host git.example.com port 22: No route to host',
    ...{ kind: 'offline', trouble: 'unreachable', says: /can't be reached/ },
  },
  {
    stderr: 'ERROR: Repository not found.',
    ...{
      kind: 'auth',
      trouble: 'not-found',
      says: /no repository git@git\.example\.com:x\/y\.git, or that it is not for you/,
    },
  },
  {
    stderr: 'ERROR: This repository was archived so it is read-only.',
    ...{ kind: 'rejected', trouble: 'read-only', says: /archived or read-only on git\.example\.com/ },
  },
  {
    stderr: 'Connection closed by 192.0.2.1 port 22',
    ...{ kind: 'unknown', trouble: 'interrupted', says: /not known whether it arrived/ },
  },
];

function overSsh(): Published {
  const made = published();
  made.fixture.run('remote', 'set-url', 'origin', 'git@git.example.com:x/y.git');
  made.fixture.commit({ 'manifest.json': '[1]\n' });
  return made;
}

describe('a remote over SSH', () => {
  for (const { stderr, kind, trouble, says } of SSH_ROWS) {
    it(`says what is wrong: ${stderr}`, async () => {
      const { fixture } = overSsh();
      const ssh = script(`cat >&2 <<'END'\n${stderr}\nEND\nexit 255`);
      const repo = await fixture.open();
      const program = withEnv({ GIT_SSH_COMMAND: ssh });
      const outcome = await pushBranch({ repo, git: program });
      assert.deepEqual(
        [outcome.kind, 'trouble' in outcome && outcome.trouble],
        [kind, trouble],
        JSON.stringify(outcome),
      );
      const { sentence, hint } = describePush(outcome, { what: 'utopia@v2' });
      assert.match(`${sentence}\n${hint}`, says);
      const fetched = await fetchUpstream({ repo, git: program });
      assert.equal('trouble' in fetched && fetched.trouble, trouble);
      assert.match(describeFetch(fetched).sentence, /^Nothing was published: /);
    });
  }

  it('pushes', async () => {
    const { bare, fixture, head, tip } = overSsh();
    const ssh = script(`for last; do :; done; eval "$(echo "$last" | sed "s#'.*'#'${bare}'#")"`);
    const outcome = await pushBranch({ repo: await fixture.open(), git: withEnv({ GIT_SSH_COMMAND: ssh }) });
    assert.equal(outcome.kind, 'ok', JSON.stringify(outcome));
    assert.equal(tip(), head());
  });
});

describe('a push from a shallow clone', () => {
  for (const [name, program] of Object.entries({ 'system git': git, 'https without git': noGit })) {
    it(`says so when the server takes none (${name})`, async () => {
      const { bare, fixture } = published();
      fixture.commit({ more: 'x' });
      fixture.run('push', '-q');
      const clone = cloneOf(`file://${bare}`, '--depth', '1');
      const server = await gitHttpServer(bareRemote());
      try {
        clone.run('remote', 'set-url', 'origin', server.url);
        const outcome = await pushBranch({ repo: await clone.open(), git: program });
        assert.deepEqual(
          [outcome.kind, 'trouble' in outcome && outcome.trouble],
          ['rejected', 'shallow'],
          JSON.stringify(outcome),
        );
        assert.match(describePush(outcome, { what: 'x@v1' }).hint ?? '', /git fetch --unshallow/);
      } finally {
        await server.close();
      }
    });
  }
});

describe('git in the background', () => {
  let server: GitHttpServer | null = null;
  afterEach(async () => {
    await server?.close();
    server = null;
  });

  /** A remote that wants a login, and programs that would ask for one and note that they did. */
  async function lockedRemote(): Promise<Published & { readonly asked: string; readonly program: GitProgram }> {
    const made = published();
    server = await gitHttpServer(made.bare, { credentials: { user: 'ada', password: 's3cret' } });
    made.fixture.run('remote', 'set-url', 'origin', server.url);
    made.fixture.commit({ 'manifest.json': '[1]\n' });
    const asked = join(tempDir(), 'asked');
    const asks = script(`echo "$1" >> ${asked}; case "$1" in User*) echo ada;; *) echo s3cret;; esac`);
    made.fixture.run('config', 'core.askPass', asks);
    const program = withEnv({ GIT_ASKPASS: asks, SSH_ASKPASS: asks, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':99' });
    return { ...made, asked, program };
  }

  it('asks nobody, but says that a login is missing', async () => {
    const { fixture, asked, program } = await lockedRemote();
    const repo = await fixture.open();
    const fetched = await fetchUpstream({ repo, git: program });
    assert.equal('trouble' in fetched && fetched.trouble, 'no-credentials');
    const outcome = await pushBranch({ repo, git: program });
    assert.equal('trouble' in outcome && outcome.trouble, 'no-credentials');
    assert.equal(existsSync(asked), false);
  });

  it('asks through the windows that the user has set up when a person waits', async () => {
    const { fixture, asked, head, tip, program } = await lockedRemote();
    const outcome = await pushBranch({ repo: await fixture.open(), git: program, interactive: true });
    assert.equal(outcome.kind, 'ok', JSON.stringify(outcome));
    assert.equal(tip(), head());
    assert.match(readFileSync(asked, 'utf8'), /Username[\s\S]*Password/);
  });

  it('signs in with what it is given where the helpers of the user have nothing, who are not told', async () => {
    const { fixture, asked, head, tip, program } = await lockedRemote();
    const told = join(tempDir(), 'told');
    fixture.run('config', 'credential.helper', script(`echo "$1" >> ${told}; cat >> ${told}`));
    const repo = await fixture.open();
    const urls: string[] = [];
    const credentials = async (url: string) => {
      urls.push(url);
      return { username: 'ada', password: 's3cret' };
    };
    const outcome = await pushBranch({ repo, git: program, credentials });
    assert.equal(outcome.kind, 'ok', JSON.stringify(outcome));
    assert.equal(tip(), head());
    assert.equal((await fetchUpstream({ repo, git: program, credentials })).kind, 'ok');
    assert.deepEqual([...new Set(urls)], [server?.url]);
    assert.equal(existsSync(asked), false);
    assert.doesNotMatch(readFileSync(told, 'utf8'), /s3cret|store/);
    assert.doesNotMatch(readFileSync(join(fixture.dir, '.git/config'), 'utf8'), /s3cret/);
    const wrong = async () => ({ username: 'ada', password: 'wr0ng' });
    fixture.commit({ 'manifest.json': '[2]\n' });
    const refused = await pushBranch({ repo, git: program, credentials: wrong });
    assert.equal('trouble' in refused && refused.trouble, 'wrong-credentials');
    assert.doesNotMatch(JSON.stringify(refused), /wr0ng/);
  });

  it('has no terminal to ask on, and tells credential managers to keep quiet', async () => {
    const { fixture, program } = await lockedRemote();
    const seen = join(tempDir(), 'seen');
    const helper = script(
      `cat >/dev/null; { (: </dev/tty) 2>/dev/null && echo terminal || echo none; echo "$GCM_INTERACTIVE"; } > ${seen}`,
    );
    fixture.run('config', 'credential.helper', helper);
    await pushBranch({ repo: await fixture.open(), git: program });
    assert.equal(readFileSync(seen, 'utf8'), 'none\nnever\n');
  });

  it('gives up on a credential helper that never answers, and leaves nothing running', async () => {
    const { fixture, tip } = await lockedRemote();
    const before = tip();
    const pid = join(tempDir(), 'pid');
    fixture.run('config', 'credential.helper', script(`echo $$ >> ${pid}; cat >/dev/null; sleep 60`));
    const repo = await fixture.open();
    const outcome = await pushBranch({ repo, git, timeoutMs: 600 });
    assert.equal(outcome.kind, 'timeout');
    assert.equal((await fetchUpstream({ repo, git, timeoutMs: 600 })).kind, 'timeout');
    assert.equal(tip(), before);
    const alive = () =>
      readFileSync(pid, 'utf8')
        .trim()
        .split('\n')
        .filter((id) => isAlive(Number(id)));
    // What has died is there until the system has noticed.
    for (let i = 0; i < 100 && alive().length > 0; i++) await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual(alive(), []);
  });

  it('tells ssh not to ask, whichever way it is configured', async () => {
    const { fixture } = overSsh();
    const seen = join(tempDir(), 'seen');
    const ssh = script(`echo "$@" "[$SSH_ASKPASS_REQUIRE]" >> ${seen}; exit 255`);
    const repo = await fixture.open();
    await pushBranch({ repo, git: withEnv({ GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh' }) });
    assert.match(readFileSync(seen, 'utf8'), /-o BatchMode=yes .*git@git\.example\.com.*\[never\]/);
  });

  for (const [env, config, expected] of [
    [{}, undefined, 'ssh -o BatchMode=yes'],
    [{}, 'ssh -i ~/.ssh/work', 'ssh -i ~/.ssh/work -o BatchMode=yes'],
    [{ GIT_SSH_COMMAND: '/usr/bin/ssh -v' }, 'ssh -i x', '/usr/bin/ssh -v -o BatchMode=yes'],
    [{ GIT_SSH: '/opt/open ssh/ssh' }, undefined, "'/opt/open ssh/ssh' -o BatchMode=yes"],
    [
      { GIT_SSH: 'C:\\Program Files\\PuTTY\\TortoisePlink.exe' },
      undefined,
      "'C:\\Program Files\\PuTTY\\TortoisePlink.exe' -batch",
    ],
    [
      { GIT_SSH_COMMAND: '"C:\\Windows\\System32\\OpenSSH\\ssh.exe"' },
      undefined,
      '"C:\\Windows\\System32\\OpenSSH\\ssh.exe" -o BatchMode=yes',
    ],
    [{ GIT_SSH_COMMAND: 'my-wrapper' }, undefined, undefined],
    [{ GIT_SSH_COMMAND: 'my-wrapper', GIT_SSH_VARIANT: 'ssh' }, undefined, 'my-wrapper -o BatchMode=yes'],
  ] as const) {
    it(`with ${JSON.stringify(env)} and core.sshCommand ${config}: ${expected}`, () => {
      assert.equal(unaskedEnvironment({ path: 'git', env }, config).GIT_SSH_COMMAND, expected);
    });
  }
});

describe('the keys of buckets in the environment', () => {
  const keys = {
    R2_SECRET_ACCESS_KEY: 'a',
    AWS_ACCESS_KEY_ID: 'b',
    AWS_SECRET_ACCESS_KEY: 'c',
    AWS_SESSION_TOKEN: 'd',
  };

  /** The variables of ours that git's helper for an address is given. */
  async function givenTo(helper: string, address: string): Promise<readonly string[]> {
    const seen = join(tempDir(), 'seen');
    const folder = tempDir();
    writeFileSync(join(folder, helper), `#!/bin/sh\nenv >> ${seen}\nexit 1\n`, { mode: 0o755 });
    const { fixture } = published();
    fixture.run('remote', 'set-url', 'origin', address);
    fixture.run('config', 'credential.helper', join(folder, helper));
    const program = withEnv({ ...keys, PATH: `${folder}:${git.env.PATH}` });
    await pushBranch({ repo: await fixture.open(), git: program });
    const variables = readFileSync(seen, 'utf8').split('\n');
    return [...new Set(variables.filter((line) => /^(R2|AWS)_/.test(line)))].sort();
  }

  it('go to remotes that are opened with the keys of Amazon, as far as they are these', async () => {
    const amazon = ['AWS_ACCESS_KEY_ID=b', 'AWS_SECRET_ACCESS_KEY=c', 'AWS_SESSION_TOKEN=d'];
    assert.deepEqual(await givenTo('git-remote-s3', 's3://bucket/x'), amazon);
    assert.deepEqual(await givenTo('git-remote-codecommit', 'codecommit::eu-west-1://x'), amazon);
  });

  it('go to no other', async () => {
    assert.deepEqual(await givenTo('git-remote-other', 'other://bucket/x'), []);
    const server = await gitHttpServer(bareRemote(), { credentials: { user: 'ada', password: 'pw' } });
    try {
      assert.deepEqual(await givenTo('helper', server.url), []);
    } finally {
      await server.close();
    }
  });
});
