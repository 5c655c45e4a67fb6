import assert from 'node:assert/strict';
import { describePush } from '../../../src/core/operations/pushMessages';
import { type PushOutcome, pushBranch } from '../../../src/core/repo/pushBranch';
import type { Trouble } from '../../../src/core/repo/remote/gitRemote';
import type { RemoteOptions } from '../../../src/core/repo/remoteBranch';
import type { GitProgram } from '../../../src/core/repo/repository';
import { type GitFixture, git, runIn } from '../../support/gitFixture';
import { type Answer, type GitHttpServer, gitHttpServer } from '../../support/gitHttpServer';
import { hook, published } from '../../support/published';

/** A machine with git, and one without. */
const PROGRAMS: Readonly<Record<string, GitProgram>> = {
  'system git': git,
  'https without git': { ...git, path: '/nonexistent/git' },
};

const LOGIN_PAGE = '<html><head><title>Welcome to Free Wifi</title></head><body>Please sign in</body></html>';

interface Scene {
  readonly server: GitHttpServer;
  readonly bare: string;
  readonly fixture: GitFixture;
}

interface Row {
  readonly name: string;
  readonly arrange: (scene: Scene) => void;
  /** How each request is answered. */
  readonly answer?: (request: string) => Answer;
  readonly more?: Partial<RemoteOptions>;
  readonly login?: { readonly user: string; readonly password: string };
  readonly kind: PushOutcome['kind'];
  readonly trouble: Trouble;
  /** The sentence and its hint. */
  readonly says: readonly RegExp[];
}

const always = (answer: Answer) => (): Answer => answer;
const onPost =
  (answer: Answer) =>
  (request: string): Answer => {
    return request.startsWith('POST') && request.endsWith('git-receive-pack') ? answer : { kind: 'serve' };
  };
const nothing = (): void => {};
const status = (code: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer => ({
  ...{ kind: 'status', status: code, body },
  headers: { 'content-type': 'text/plain', ...headers },
});
const page: Readonly<Record<string, string>> = { 'content-type': 'text/html' };

function refuses(name: string, ...lines: readonly string[]) {
  return ({ bare }: Scene): void => {
    const script = lines.map((line) => `printf '%b\\n' '${line}' >&2`).join('\n');
    hook(bare, name, `${script}\nexit 1`);
  };
}

const url =
  (address: string) =>
  ({ fixture }: Scene): void =>
    void fixture.run('remote', 'set-url', 'origin', address);

const ROWS: readonly Row[] = [
  {
    name: 'no login',
    login: { user: 'ada', password: 's3cret' },
    arrange: nothing,
    kind: 'auth',
    trouble: 'no-credentials',
    says: [/127\.0\.0\.1:\d+ asks who you are, and no login is stored/, /Sign in/],
  },
  {
    name: 'wrong login',
    login: { user: 'ada', password: 's3cret' },
    arrange: ({ fixture, server }) => url(server.url.replace('//', '//ada:wr0ng@'))({ fixture } as Scene),
    kind: 'auth',
    trouble: 'wrong-credentials',
    says: [/did not accept your login, which is wrong or has expired/, /Renew the password or access token/],
  },
  {
    name: '403',
    arrange: nothing,
    answer: always(status(403, 'Permission to x/y.git denied to ada.')),
    kind: 'auth',
    trouble: 'forbidden',
    says: [/does not let you write/, /write access/],
  },
  {
    name: '403 of an archived repository',
    arrange: nothing,
    answer: always(status(403, 'This repository was archived so it is read-only.')),
    kind: 'rejected',
    trouble: 'read-only',
    says: [/archived or read-only/, /another remote/],
  },
  {
    name: '404',
    arrange: nothing,
    answer: always(status(404, 'Not Found')),
    kind: 'auth',
    trouble: 'not-found',
    says: [/there is no repository http.*repo\.git, or that it is not for you/, /git remote set-url origin/],
  },
  ...[
    ['GitHub', 'error: GH006: Protected branch update failed for refs/heads/main.', 'pre-receive'],
    ['GitHub rules', 'error: GH013: Repository rule violations found for refs/heads/main.', 'update'],
    ['GitLab', 'GitLab: You are not allowed to push code to protected branches on this project.', 'pre-receive'],
    ['Gitea', 'Gitea: Not allowed to push to protected branch main', 'pre-receive'],
    ['Bitbucket', 'Permission denied to update branch main.', 'pre-receive'],
    ['Bitbucket Server', 'Branch refs/heads/main can only be modified through pull requests.', 'update'],
    ['Azure', 'TF402455: Pushes to this branch are not permitted; you must use a pull request.', 'update'],
  ].map(
    ([name = '', said = '', at = '']): Row => ({
      name: `branch protected (${name})`,
      arrange: refuses(at, said),
      kind: 'rejected',
      trouble: 'protected',
      says: [
        new RegExp(`the branch is protected on 127.*: ".*${said.slice(-20).replace(/[.]/g, '\\.')}`),
        /pull request/,
      ],
    }),
  ),
  {
    name: 'a hook with much to say',
    arrange: refuses(
      'pre-receive',
      ...[
        '\\033[31mpolicy says no\\033[0m',
        '==========',
        'token ghp_abcdefghijklmnopqrstuvwxyz0123456789',
        'see https://ada:pw@example.com/x',
      ],
      ...['line 4', 'line 5', 'line 6', 'line 7', 'line 8\\007'],
    ),
    kind: 'rejected',
    trouble: 'hook',
    says: [
      /a rule of 127.*refused it: "policy says no \/ token \*\*\* \/ see https:\/\/example\.com\/x \/ line 4 \/ line 5 \/ line 6 \/ …"\.$/m,
    ],
  },
  {
    name: 'an update hook',
    arrange: refuses('update', 'not on a Friday'),
    kind: 'rejected',
    trouble: 'hook',
    says: [/: "not on a Friday"/],
  },
  {
    name: 'a push that is too large',
    arrange: ({ bare }) => void runIn(bare, ['config', 'receive.maxInputSize', '10']),
    kind: 'rejected',
    trouble: 'too-large',
    says: [/it is larger than 127/, /large files/],
  },
  {
    name: '413',
    arrange: nothing,
    answer: onPost(status(413, 'Request Entity Too Large')),
    kind: 'rejected',
    trouble: 'too-large',
    says: [/it is larger than 127/],
  },
  {
    name: "the server's full disk",
    arrange: refuses('pre-receive', 'fatal: write error: No space left on device'),
    kind: 'rejected',
    trouble: 'disk-full',
    says: [/the disk of 127.*is full/, /once there is room/],
  },
  {
    name: 'a mirror that is read-only',
    arrange: refuses('pre-receive', 'GitLab: You cannot push code to a read-only GitLab instance.'),
    kind: 'rejected',
    trouble: 'read-only',
    says: [/archived or read-only/],
  },
  {
    name: 'a refused connection',
    arrange: url('http://127.0.0.1:1/repo.git'),
    kind: 'offline',
    trouble: 'unreachable',
    says: [/127\.0\.0\.1:1 can't be reached/, /once you are online/],
  },
  {
    name: 'an unknown name',
    arrange: url('https://name.invalid/repo.git'),
    kind: 'offline',
    trouble: 'unreachable',
    says: [/name\.invalid can't be reached/],
  },
  {
    name: 'a connection that is dropped at once',
    arrange: nothing,
    answer: always({ kind: 'drop' }),
    kind: 'offline',
    trouble: 'unreachable',
    says: [/can't be reached/],
  },
  {
    name: 'silence',
    arrange: nothing,
    answer: always({ kind: 'stall' }),
    more: { timeoutMs: 400 },
    kind: 'timeout',
    trouble: 'timeout',
    says: [/not known whether it arrived.*gave no answer in time/, /safe even if it arrived/],
  },
  {
    name: 'a connection that is dropped while sending',
    arrange: nothing,
    answer: onPost({ kind: 'drop' }),
    kind: 'unknown',
    trouble: 'interrupted',
    says: [/not known whether it arrived.*connection to 127.*broke/],
  },
  {
    name: 'a login page of the network (200)',
    arrange: nothing,
    answer: always(status(200, LOGIN_PAGE, page)),
    kind: 'offline',
    trouble: 'captive-portal',
    says: [/a web page answered in place of 127/, /in a browser/],
  },
  {
    name: 'a login page of the network (511)',
    arrange: nothing,
    answer: always(status(511, LOGIN_PAGE, page)),
    kind: 'offline',
    trouble: 'captive-portal',
    says: [/a web page answered in place of 127/],
  },
  {
    name: 'a redirect to a login page',
    arrange: nothing,
    answer: (request) =>
      request.includes('/login') ? status(200, LOGIN_PAGE, page) : status(302, '', { location: '/login?from=x' }),
    kind: 'offline',
    trouble: 'captive-portal',
    says: [/a web page answered in place of 127.*: "http:\/\/127\.0\.0\.1:\d+\/login/],
  },
  ...[301, 302, 307, 308].map(
    (code): Row => ({
      name: `a repository that has moved, noticed late (${code})`,
      arrange: nothing,
      answer: onPost(status(code, '', { location: 'https://git.example.com/new.git/git-receive-pack' })),
      kind: 'offline',
      trouble: 'moved',
      says: [/the repository has moved/, /git remote set-url origin/],
    }),
  ),
  {
    name: '429',
    arrange: nothing,
    answer: always(status(429, 'Too Many Requests')),
    kind: 'offline',
    trouble: 'rate-limited',
    says: [/asked too often/, /few minutes/],
  },
  {
    name: '503 before anything was sent',
    arrange: nothing,
    answer: always(status(503, 'Down for maintenance')),
    kind: 'offline',
    trouble: 'server-error',
    says: [/is out of order/, /later/],
  },
  {
    name: '502 after it was sent',
    arrange: nothing,
    answer: onPost(status(502, 'Bad Gateway')),
    kind: 'unknown',
    trouble: 'server-error',
    says: [/not known whether it arrived.*is out of order/],
  },
  {
    name: 'somebody who was faster',
    arrange: ({ bare }) => {
      const args = ['-c', 'user.name=B', '-c', 'user.email=b@c', 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'x'];
      runIn(bare, ['update-ref', 'refs/heads/main', runIn(bare, args).trim()]);
    },
    kind: 'rejected',
    trouble: 'non-fast-forward',
    says: [/somebody else has pushed in between/, /git pull --rebase/],
  },
];

for (const [name, program] of Object.entries(PROGRAMS)) {
  describe(`what a push that failed is told as (${name})`, () => {
    let server: GitHttpServer;
    afterEach(() => server.close());

    for (const row of ROWS) {
      it(row.name, async () => {
        const { bare, fixture } = published();
        server = await gitHttpServer(bare, row.login ? { credentials: row.login } : {});
        fixture.run('remote', 'set-url', 'origin', server.url);
        fixture.commit({ 'manifest.json': '[1]\n' });
        row.arrange({ server, bare, fixture });
        server.intercept = row.answer ?? null;
        const before = runIn(bare, ['rev-parse', 'main']);

        const outcome = await pushBranch({ repo: await fixture.open(), git: program, ...row.more });
        const got = JSON.stringify(outcome);
        assert.ok('trouble' in outcome, got);
        assert.deepEqual([outcome.kind, outcome.trouble], [row.kind, row.trouble], got);
        assert.equal(runIn(bare, ['rev-parse', 'main']), before);
        assert.doesNotMatch(got, /wr0ng|ghp_|\\u00/);

        const { sentence, hint, code } = describePush(outcome, { what: 'utopia@v2' });
        for (const words of row.says) assert.match(`${sentence}\n${hint}`, words);
        assert.match(sentence, /^utopia@v2 is uploaded and committed here, nothing is lost; the push is pending/);
        assert.equal(code, row.kind === 'auth' || row.kind === 'rejected' ? 'PUSH_REJECTED' : null);
      });
    }
  });
}
