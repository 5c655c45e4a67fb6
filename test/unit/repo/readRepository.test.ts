import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { commitsTouchingManifest } from '../../../src/core/repo/commitsTouchingManifest';
import { parseGitConfig } from '../../../src/core/repo/gitConfig';
import { initGitRepository } from '../../../src/core/repo/initGitRepository';
import { findRepository, isGitRepository, openRepository } from '../../../src/core/repo/openRepository';
import { readLog } from '../../../src/core/repo/readLog';
import { blobOidAt, readCommit, readFileAt } from '../../../src/core/repo/readObjects';
import { listRefs, readHead, resolveCommit } from '../../../src/core/repo/readRefs';
import type { Repository } from '../../../src/core/repo/repository';
import {
  cloneOf,
  emptyRepository,
  fixtureAt,
  type GitFixture,
  git,
  manifestRepository,
  runIn,
} from '../../support/gitFixture';
import { asOrdinaryUser } from '../../support/ordinaryUser';
import { tempDir } from '../../support/tempDir';

function failsWith(code: ErrorCode, about?: RegExp) {
  return (error: unknown): boolean => {
    if (!DataManagerError.is(error, code)) throw error;
    if (about) assert.match(`${error.message} ${error.hint}`, about);
    return true;
  };
}

async function text(repo: Repository, oid: string, path: string): Promise<string | null> {
  const bytes = await readFileAt(repo, oid, path);
  return bytes && Buffer.from(bytes).toString('utf8');
}

async function touching(
  repo: Repository,
  from: string,
  more: { limit?: number; after?: string } = {},
): Promise<string[]> {
  const found: string[] = [];
  for await (const { commit } of commitsTouchingManifest(repo, { from, ...more })) found.push(commit.oid);
  return found;
}

/** A history with merges, many commits in one second, and skewed clocks. */
function tangledHistory(): GitFixture {
  const fixture = emptyRepository();
  const commit = (files: Record<string, string>, seconds: number, message: string): void => {
    for (const [path, content] of Object.entries(files)) fixture.write(path, content);
    fixture.run('add', '-A');
    const date = `${1_700_000_000 + seconds} +0200`;
    runIn(fixture.dir, ['commit', '-qm', message], { env: { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date } });
  };
  const merge = (branch: string, seconds: number, ...args: string[]): void => {
    const date = `${1_700_000_000 + seconds} +0000`;
    const env = { GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    runIn(fixture.dir, ['merge', '-q', '--no-ff', '-m', `Merge ${branch}`, ...args, branch], { env });
  };
  commit({ 'manifest.json': '[]\n' }, 0, 'Add the manifest');
  commit({ other: '1' }, 10, 'Unrelated\n\nWith a body.');
  fixture.run('checkout', '-qb', 'side');
  commit({ 'manifest.json': '["side"]\n' }, 20, 'Side changes the manifest');
  commit({ side: '1' }, 500, 'Side with a fast clock');
  fixture.run('checkout', '-q', 'main');
  commit({ other: '2' }, 20, 'Main at the same second');
  merge('side', 30);
  fixture.run('checkout', '-qb', 'conflict', 'HEAD~1');
  commit({ 'manifest.json': '["conflict"]\n' }, 31, 'Conflicting');
  fixture.run('checkout', '-q', 'main');
  assert.throws(() => merge('conflict', 40));
  commit({ 'manifest.json': '["both"]\n' }, 40, 'Merge conflict, resolved by hand');
  rmSync(join(fixture.dir, 'manifest.json'));
  commit({}, 50, 'Remove the manifest');
  commit({ 'manifest.json': '["again"]\n' }, 5, 'Bring it back, with a slow clock');
  return fixture;
}

describe('opening a repository', () => {
  it('finds the nearest manifest from below, and from the top', async () => {
    const fixture = manifestRepository();
    mkdirSync(join(fixture.dir, 'a/b'), { recursive: true });
    for (const start of ['.', 'a', 'a/b']) {
      const repo = await findRepository(join(fixture.dir, start));
      assert.deepEqual([repo.root, repo.manifestPath], [fixture.dir, 'manifest.json']);
    }
    fixture.write('a/manifest.json', '[]');
    assert.equal((await findRepository(join(fixture.dir, 'a/b'))).manifestPath, 'a/manifest.json');
    fixture.write('a/manifest.json', '{ "name": "a web app" }');
    assert.equal((await findRepository(join(fixture.dir, 'a/b'))).manifestPath, 'manifest.json');
  });

  it('says so when there is none', async () => {
    const plain = tempDir();
    writeFileSync(join(plain, 'manifest.json'), '[]');
    await assert.rejects(findRepository(plain), failsWith('REPOSITORY_NOT_FOUND', /datamanager init/));
    await assert.rejects(openRepository(plain), failsWith('REPOSITORY_NOT_FOUND'));
    assert.equal(await isGitRepository(plain), false);
    await assert.rejects(findRepository(emptyRepository().dir), failsWith('REPOSITORY_NOT_FOUND'));
  });

  it('is made where there is none, and left alone where there is one', async () => {
    const dir = join(tempDir(), 'new', 'catalog');
    const repo = await initGitRepository({ dir, git });
    assert.deepEqual(await readHead(repo), { branch: 'main', oid: null });
    runIn(dir, ['symbolic-ref', 'HEAD', 'refs/heads/trunk']);
    const inside = await initGitRepository({ dir: join(dir, 'sub'), git });
    assert.deepEqual([inside.root, inside.manifestPath], [dir, 'sub/manifest.json']);
    assert.equal((await readHead(inside)).branch, 'trunk');
  });

  it('resolves linked worktrees and submodules', async () => {
    const main = manifestRepository();
    const dir = join(tempDir(), 'linked');
    main.run('worktree', 'add', '-q', '-b', 'side', dir);
    const head = fixtureAt(dir).commit({ 'manifest.json': '["side"]\n' });
    const linked = await findRepository(dir);
    assert.equal(linked.commonDir, join(main.dir, '.git'));
    assert.deepEqual(await readHead(linked), { branch: 'side', oid: head });
    assert.equal(await text(linked, head, 'manifest.json'), '["side"]\n');
    assert.equal((await listRefs(linked)).branches.length, 2);

    const outer = manifestRepository();
    outer.run('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', main.dir, 'inner');
    const inner = await findRepository(join(outer.dir, 'inner'));
    assert.equal(inner.gitDir, join(outer.dir, '.git', 'modules', 'inner'));
    assert.equal((await readHead(inner)).oid, main.run('rev-parse', 'main').trim());
    outer.run('commit', '-qm', 'Add the submodule');
    assert.equal(await blobOidAt(await outer.open(), 'HEAD', 'inner').catch(() => 'refused'), 'refused');
    assert.equal(await text(await outer.open(), outer.run('rev-parse', 'HEAD').trim(), 'inner'), null);
  });

  for (const [layout, make] of Object.entries({
    'SHA-256': () => emptyRepository('--object-format=sha256').dir,
    'borrowed objects': () => cloneOf(manifestRepository().dir, '--shared').dir,
    'a partial clone': () => {
      const source = manifestRepository();
      source.run('config', 'uploadpack.allowFilter', 'true');
      return cloneOf(`file://${source.dir}`, '--filter=blob:none').dir;
    },
    reftable: () => {
      const { dir, run } = emptyRepository();
      run('config', 'core.repositoryformatversion', '1');
      run('config', 'extensions.refStorage', 'reftable');
      return dir;
    },
    'a future format': () => {
      const { dir, run } = emptyRepository();
      run('config', 'core.repositoryformatversion', '99');
      return dir;
    },
  })) {
    it(`refuses ${layout}`, async () => {
      await assert.rejects(openRepository(make()), failsWith('REPOSITORY_UNSUPPORTED'));
    });
  }

  it('reads configuration as git does', () => {
    const { dir, run } = emptyRepository();
    const lines = [
      '[A "b.C"] Key = "x # y" ; comment',
      '\tother = a\\',
      'b',
      '[d]',
      'flag',
      '# no = no',
      'q = "\\"\\t\\\\"',
    ];
    const file = join(dir, 'config');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const expected = run('config', '--file', file, '--null', '--list').split('\0').slice(0, -1);
    const got = [...parseGitConfig(readFileSync(file, 'utf8'))].flatMap(([key, values]) =>
      values.map((v) => `${key}\n${v}`),
    );
    assert.deepEqual(
      got,
      expected.map((entry) => (entry.includes('\n') ? entry : `${entry}\ntrue`)),
    );
  });
});

describe('reading refs', () => {
  it('lists branches, remote branches and tags, loose or packed, as git does', async () => {
    const source = manifestRepository();
    source.run('branch', 'feature/a-b');
    source.run('tag', 'light');
    source.run('tag', '-a', 'v1.0', '-m', 'Annotated');
    source.run('tag', '-a', 'v1.0-again', '-m', 'A tag of a tag', 'v1.0');
    source.run('tag', 'of-a-blob', 'HEAD:manifest.json');
    const clone = cloneOf(source.dir);
    for (const pack of [false, true]) {
      if (pack) clone.run('pack-refs', '--all');
      const moved = clone.commit({ 'readme.txt': `${pack}\n` });
      const refs = await listRefs(await clone.open());
      assert.deepEqual(refs.branches, [{ name: 'main', oid: moved }]);
      assert.deepEqual(
        refs.remoteBranches.map(({ name }) => name),
        ['origin/feature/a-b', 'origin/main'],
      );
      assert.deepEqual(
        refs.tags.map(({ name }) => name),
        ['light', 'v1.0', 'v1.0-again'],
      );
      for (const { oid } of refs.tags) assert.equal(oid, clone.run('rev-parse', 'v1.0^{commit}').trim());
    }
  });

  it('knows an unborn branch and a detached HEAD', async () => {
    assert.deepEqual(await readHead(await emptyRepository().open()), { branch: 'main', oid: null });
    const fixture = manifestRepository();
    fixture.run('checkout', '-q', '--detach');
    assert.deepEqual(await readHead(await fixture.open()), {
      branch: null,
      oid: fixture.run('rev-parse', 'HEAD').trim(),
    });
  });

  it('resolves what a person types', async () => {
    const fixture = manifestRepository();
    const oid = fixture.run('rev-parse', 'HEAD').trim();
    fixture.run('tag', '-a', 'v1', '-m', 'x');
    fixture.run('update-ref', 'refs/remotes/origin/main', oid);
    fixture.run('symbolic-ref', 'refs/remotes/origin/HEAD', 'refs/remotes/origin/main');
    for (const packed of [false, true]) {
      if (packed) fixture.run('gc', '-q', '--prune=now');
      const repo = await fixture.open();
      const names = ['HEAD', 'main', 'v1', 'refs/heads/main', 'heads/main', 'origin/main', 'origin'];
      for (const name of [...names, oid, oid.slice(0, 7), oid.toUpperCase()])
        assert.equal(await resolveCommit(repo, name), oid, name);
      const blob = fixture.run('rev-parse', 'HEAD:manifest.json').trim();
      for (const name of [
        'nope',
        '',
        '../config',
        'main/../main',
        'abc',
        blob,
        blob.slice(0, 8),
        '0'.repeat(40),
        'main^{tree}',
      ]) {
        await assert.rejects(resolveCommit(repo, name), failsWith('COMMIT_NOT_FOUND'), name);
      }
    }
  });

  it('does not choose among several commits', async () => {
    const fixture = manifestRepository();
    const tree = fixture.run('rev-parse', 'HEAD^{tree}').trim();
    const prefixes = new Map<string, number>();
    let twice: string | undefined;
    for (let i = 0; twice === undefined; i++) {
      const body = `tree ${tree}\nauthor A <a@b> ${i} +0000\ncommitter A <a@b> ${i} +0000\n\nx\n`;
      const oid = runIn(fixture.dir, ['hash-object', '-t', 'commit', '--stdin', '-w'], { input: body }).trim();
      const prefix = oid.slice(0, 4);
      if (prefixes.has(prefix)) twice = prefix;
      prefixes.set(prefix, i);
    }
    await assert.rejects(resolveCommit(await fixture.open(), twice), failsWith('COMMIT_NOT_FOUND', /More than one/));
  }).timeout(60_000);
});

describe('reading commits and files', () => {
  it('gives a file as it was in a commit', async () => {
    const fixture = manifestRepository();
    const bytes = Buffer.from([0, 255, 13, 10]);
    const oid = fixture.commit({ 'ä/😀 b': 'deep' });
    fixture.write('binary', bytes);
    const second = fixture.commit({});
    const repo = await fixture.open();
    assert.equal(await text(repo, oid, 'ä/😀 b'), 'deep');
    assert.deepEqual(Buffer.from((await readFileAt(repo, second, 'binary')) ?? []), bytes);
    for (const path of ['missing', 'ä', 'ä/x', 'binary/x', '', '/', 'ä/'])
      assert.equal(await readFileAt(repo, second, path), null);
    assert.equal(await blobOidAt(repo, second, 'manifest.json'), fixture.run('rev-parse', 'HEAD:manifest.json').trim());
    await assert.rejects(readFileAt(repo, '1'.repeat(40), 'x'), failsWith('COMMIT_NOT_FOUND'));
    await assert.rejects(
      readFileAt(repo, fixture.run('rev-parse', 'HEAD^{tree}').trim(), 'x'),
      failsWith('COMMIT_NOT_FOUND'),
    );
  });

  it('goes on after somebody else collects garbage', async () => {
    const fixture = manifestRepository();
    const repo = await fixture.open();
    const first = (await readHead(repo)).oid ?? '';
    await readFileAt(repo, first, 'manifest.json');
    for (let i = 0; i < 3; i++) {
      const oid = fixture.commit({ 'manifest.json': `[${i}]\n` });
      fixture.run('gc', '-q', '--prune=now');
      assert.equal(await text(repo, oid, 'manifest.json'), `[${i}]\n`);
      assert.equal(await text(repo, first, 'manifest.json'), '[]\n');
    }
  });

  it('says which object is missing rather than guessing', async () => {
    const fixture = manifestRepository();
    const repo = await fixture.open();
    const { oid } = await readHead(repo);
    const blob = fixture.run('rev-parse', 'HEAD:manifest.json').trim();
    const file = join(fixture.dir, '.git/objects', blob.slice(0, 2), blob.slice(2));
    rmSync(file);
    await assert.rejects(
      readFileAt(repo, oid ?? '', 'manifest.json'),
      failsWith('REPOSITORY_UNSUPPORTED', new RegExp(blob)),
    );
    writeFileSync(file, '');
    await assert.rejects(readFileAt(repo, oid ?? '', 'manifest.json'), failsWith('REPOSITORY_UNSUPPORTED', /fsck/));
  });

  it('reads author, time and message', async () => {
    const fixture = manifestRepository();
    const env = {
      GIT_AUTHOR_NAME: 'Zoë  O. <x',
      GIT_AUTHOR_EMAIL: 'z@example.com',
      GIT_COMMITTER_DATE: '1700000000 -0330',
    };
    runIn(fixture.dir, ['commit', '-q', '--allow-empty', '-m', 'Subject ✓\n\nBody'], { env });
    const oid = fixture.run('rev-parse', 'HEAD').trim();
    const commit = await readCommit(await fixture.open(), oid);
    assert.deepEqual(commit.author, { name: fixture.run('log', '-1', '--format=%an').trim(), email: 'z@example.com' });
    assert.equal(commit.timestamp, 1_700_000_000_000);
    assert.deepEqual([commit.subject, commit.message], ['Subject ✓', 'Subject ✓\n\nBody\n']);
  });
});

describe('readLog', () => {
  it('has the order of git log, in pages of any size', async () => {
    const fixture = tangledHistory();
    const expected = fixture.run('log', '--format=%H').trim().split('\n');
    const from = expected[0] ?? '';
    for (const limit of [1, 3, 100]) {
      const repo = await fixture.open();
      const got: string[] = [];
      for (;;) {
        const page = await readLog(repo, { from, limit, after: got.at(-1) });
        got.push(...page.map(({ oid }) => oid));
        if (page.length < limit) break;
      }
      assert.deepEqual(got, expected);
    }
  });

  it('ends at the cut of a shallow clone', async () => {
    const source = manifestRepository();
    for (let i = 0; i < 5; i++) source.commit({ 'manifest.json': `[${i}]\n` });
    const clone = cloneOf(`file://${source.dir}`, '--depth=3');
    const repo = await clone.open();
    const from = clone.run('rev-parse', 'HEAD').trim();
    assert.equal((await readLog(repo, { from, limit: 50 })).length, 3);
    assert.equal((await touching(repo, from)).length, 3);
  });

  it('is cancelled', async () => {
    const fixture = manifestRepository();
    const from = fixture.run('rev-parse', 'HEAD').trim();
    const signal = AbortSignal.abort();
    await assert.rejects(readLog(await fixture.open(), { from, limit: 1, signal }), failsWith('CANCELLED'));
  });
});

describe('commitsTouchingManifest', () => {
  it('finds the commits that git finds, with what they changed', async () => {
    const fixture = tangledHistory();
    const repo = await fixture.open();
    const from = fixture.run('rev-parse', 'HEAD').trim();
    // --cc shows a merge only if the result differs from every parent: the same rule as ours.
    const shown = fixture.run('log', '--full-history', '--format=%H', '--cc', '--name-only', '--', 'manifest.json');
    const expected = [...shown.matchAll(/^([0-9a-f]{40})\n\nmanifest\.json$/gm)].map((match) => match[1]);
    assert.equal(expected.length, 6);
    assert.deepEqual(await touching(repo, from), expected);
    for await (const { commit, before, after } of commitsTouchingManifest(repo, { from })) {
      assert.equal(after, await blobOidAt(repo, commit.oid, 'manifest.json'));
      const parent = commit.parents[0];
      assert.equal(before, parent === undefined ? null : await blobOidAt(repo, parent, 'manifest.json'));
    }
    const paged = [...(await touching(repo, from, { limit: 2 }))];
    paged.push(...(await touching(repo, from, { limit: 100, after: paged.at(-1) ?? '' })));
    assert.deepEqual(paged, expected);
  });

  it('remembers what it read, and never trusts a torn or foreign line', async () => {
    const fixture = tangledHistory();
    const from = fixture.run('rev-parse', 'HEAD').trim();
    const expected = await touching(await fixture.open(), from);
    const file = join(fixture.dir, '.git', 'datamanager', 'commit-index');
    const remembered = readFileSync(file, 'utf8').trim().split('\n');
    assert.equal(remembered.length, Number(fixture.run('rev-list', '--count', 'HEAD')));

    const damaged = [
      '',
      'x',
      remembered[0]?.slice(0, 60),
      `${remembered[1]?.slice(0, 70)}${remembered[2]}`,
      '\0'.repeat(90),
    ];
    writeFileSync(file, [...damaged, ...remembered.slice(3)].join('\n').slice(0, -5));
    assert.deepEqual(await touching(await fixture.open(), from), expected);
    assert.deepEqual(await touching(await fixture.open(), from), expected);

    const next = fixture.commit({ 'manifest.json': '["next"]\n' });
    const size = readFileSync(file).length;
    assert.deepEqual((await touching(await fixture.open(), next))[0], next);
    assert.ok(readFileSync(file).length - size < 200, 'only the new commit was added');
    appendFileSync(file, `${next} 1 `);
    assert.deepEqual((await touching(await fixture.open(), next))[0], next);
  });

  it('reads history from its file alone once it is written', async () => {
    const fixture = manifestRepository();
    for (let i = 0; i < 5; i++) fixture.commit({ other: `${i}` });
    const from = fixture.run('rev-parse', 'HEAD').trim();
    const expected = await touching(await fixture.open(), from);
    const middle = fixture.run('rev-parse', 'HEAD~2').trim();
    rmSync(join(fixture.dir, '.git/objects', middle.slice(0, 2), middle.slice(2)));
    assert.deepEqual(await touching(await fixture.open(), from), expected);
  });

  it('works where it may not write', async () => {
    const fixture = manifestRepository();
    writeFileSync(join(fixture.dir, '.git', 'datamanager'), 'a file where the folder should be');
    const from = fixture.run('rev-parse', 'HEAD').trim();
    assert.deepEqual(await touching(await fixture.open(), from), [from]);
  });

  it('keeps two manifests of one repository apart', async () => {
    const fixture = manifestRepository();
    const second = fixture.commit({ 'sub/manifest.json': '[]\n' });
    const first = fixture.run('rev-parse', 'HEAD~').trim();
    assert.deepEqual(await touching(await openRepository(fixture.dir), second), [first]);
    assert.deepEqual(await touching(await openRepository(join(fixture.dir, 'sub')), second), [second]);
    assert.deepEqual(await touching(await openRepository(fixture.dir), second), [first]);
  });
});

describe('a manifest that may not be read', () => {
  it('still makes its folder the repository', async () => {
    const fixture = manifestRepository();
    for (const path of [fixture.dir, join(fixture.dir, '.git')]) chmodSync(path, 0o755);
    chmodSync(join(fixture.dir, 'manifest.json'), 0o000);
    await asOrdinaryUser(async () => assert.equal((await findRepository(fixture.dir)).manifestPath, 'manifest.json'));
  });
});
