import assert from 'node:assert/strict';
import { complaint, movedTo } from '../../../src/core/repo/remote/gitComplaint';
import { plainAddress, showable } from '../../../src/core/repo/remote/serverText';

/** What no server on this machine can make this machine's git say: words of other builds of git, curl and ssh, and of hosts. */
const SAID: readonly (readonly [stderr: string, kind: string, trouble: string])[] = [
  [
    "fatal: unable to access 'https://h/': SSL certificate problem: unable to get local issuer certificate",
    'offline',
    'certificate',
  ],
  [
    "fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none CRLfile: none",
    'offline',
    'certificate',
  ],
  [
    "fatal: unable to access 'https://h/': schannel: next InitializeSecurityContext failed: SEC_E_UNTRUSTED_ROOT",
    'offline',
    'certificate',
  ],
  [
    "fatal: unable to access 'https://h/': SSL: no alternative certificate subject name matches target host name 'h'",
    'offline',
    'certificate-host',
  ],
  ["fatal: unable to access 'https://h/': Could not resolve proxy: proxy.example.com", 'offline', 'unreachable'],
  ["fatal: unable to access 'https://h/': Recv failure: Connection reset by peer", 'offline', 'unreachable'],
  [
    "fatal: unable to access 'https://h/': Failed to connect to h port 443 after 21055 ms: Timed out",
    'offline',
    'unreachable',
  ],
  [
    "remote: HTTP Basic: Access denied\nfatal: Authentication failed for 'https://h/x.git/'",
    'auth',
    'wrong-credentials',
  ],
  [
    "remote: Permission to x/y.git denied to ada.\nfatal: unable to access 'https://h/': The requested URL returned error: 403",
    'auth',
    'forbidden',
  ],
  [
    "remote: This repository was archived so it is read-only.\nfatal: unable to access 'https://h/': The requested URL returned error: 403",
    'rejected',
    'read-only',
  ],
  [
    "remote: You have exceeded a secondary rate limit.\nfatal: unable to access 'https://h/': The requested URL returned error: 403",
    'offline',
    'rate-limited',
  ],
  [
    'error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\nfatal: the remote end hung up unexpectedly',
    'rejected',
    'too-large',
  ],
  [
    'error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: the remote end hung up unexpectedly',
    'unclear',
    'interrupted',
  ],
  ['kex_exchange_identification: Connection closed by remote host', 'unclear', 'interrupted'],
  [
    "ERROR: The project you were looking for could not be found or you don't have permission to view it.",
    'auth',
    'not-found',
  ],
  ["fatal: '/mnt/share/x.git' does not appear to be a git repository", 'offline', 'no-such-repository'],
];

describe("what git's complaint about a remote means", () => {
  for (const [stderr, kind, trouble] of SAID) {
    it(`${trouble}: ${stderr.split('\n')[0]}`, () => {
      const found = complaint(stderr);
      assert.deepEqual([found.kind, found.trouble], [kind, trouble]);
    });
  }

  it('finds the new address of a repository in what the server says', () => {
    const github =
      'remote: This repository moved. Please use the new location:        \nremote:   https://github.com/new/name.git        \n';
    assert.equal(movedTo(github), 'https://github.com/new/name.git');
    assert.equal(movedTo('warning: redirecting to https://h/new.git/'), 'https://h/new.git');
    assert.equal(movedTo('remote: all is well'), undefined);
  });
});

describe("a server's words", () => {
  it('are shown without what could do harm, and not at length', () => {
    assert.equal(showable('\x1b]0;title\x07\x1b[1;31mno\x1b[m\r\nreally\x07 \u202eno\u0000'), 'no\nreally no');
    assert.equal(showable('GL-HOOK-ERR: not today\n------\n\nResolving deltas: 100% (1/1)\rdone'), 'not today\ndone');
    assert.equal(showable('use s3cret or Authorization: Basic YWRh', ['s3cret']), 'use *** or Authorization: ***');
    assert.equal(showable(`${'long '.repeat(100)}\n${'line\n'.repeat(20)}`).split('\n').length, 7);
    assert.ok(showable('x'.repeat(5000)).length < 400);
  });

  it('and addresses hold no password', () => {
    assert.equal(plainAddress('https://ada:pw@example.com/x.git'), 'https://example.com/x.git');
    assert.equal(plainAddress('git@example.com:x.git'), 'git@example.com:x.git');
    assert.equal(plainAddress('ssh://git@example.com/x.git'), 'ssh://example.com/x.git');
  });
});
