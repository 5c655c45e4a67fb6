import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JsonObject, writeJson } from '../../../src/core/catalog/json';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import { writeManifest } from '../../../src/core/catalog/writeManifest';
import { initRepository } from '../../../src/core/operations/initRepository';
import { mergeAttributes } from '../../../src/core/repo/mergeDriverAttributes';
import { ensureMergeDriver, mergeDriverCommand } from '../../../src/core/repo/mergeDriverConfig';
import { bareRemote, cloneOf, emptyRepository, fixtureAt, type GitFixture, git } from '../../support/gitFixture';
import { tempDir } from '../../support/tempDir';
import { dataset, entry, inShort } from '../catalog/mergeFixture';

const program = { node: process.execPath, script: join(process.cwd(), 'dist', 'cli.js') };

/** Runs git as a person does, and says how it ended. */
function tryGit(
  { dir }: GitFixture,
  ...args: readonly string[]
): { readonly code: number | null; readonly text: string } {
  const env = { ...git.env, LC_ALL: 'C', GIT_EDITOR: 'true' };
  const { status, stdout, stderr } = spawnSync('git', args, { cwd: dir, env, encoding: 'utf8' });
  return { code: status, text: stdout + stderr };
}

function save(
  fixture: GitFixture,
  message: string,
  datasets: readonly JsonObject[],
  more: Record<string, string> = {},
): void {
  fixture.commit({ 'manifest.json': writeManifest(parseManifest(writeJson(datasets))), ...more }, message);
}

function manifestText({ dir }: GitFixture): string {
  return readFileSync(join(dir, 'manifest.json'), 'utf8');
}

function shortly(fixture: GitFixture): readonly string[] {
  return inShort(parseManifest(manifestText(fixture)));
}

interface Team {
  readonly ada: GitFixture;
  readonly bob: GitFixture;
}

/** Two clones of a repository with datasets a and b; what Ada does is pushed, what Bob does is not. */
async function team(base: readonly JsonObject[] = [a1, b1]): Promise<Team> {
  const remote = bareRemote();
  const ada = cloneOf(remote);
  await initRepository({ git, folder: ada.dir, store: null, mergeDriver: program });
  save(ada, 'Base', base);
  ada.run('push', '-q', 'origin', 'HEAD:main');
  const bob = cloneOf(remote);
  assert.equal(await ensureMergeDriver(await bob.open(), git, program), true);
  return { ada, bob };
}

const a1 = dataset('a', ['v1:1']);
const b1 = dataset('b', ['v1:2']);
const c1 = dataset('c', ['v1:3']);
const d1 = dataset('d', ['v1:4']);

/** The ways in which what Ada pushed and what Bob did here come together. */
const ways: Readonly<Record<string, (bob: GitFixture) => { readonly code: number | null; readonly text: string }>> = {
  'git merge': (bob) => {
    bob.run('fetch', '-q');
    return tryGit(bob, 'merge', '--no-edit', 'origin/main');
  },
  'git rebase': (bob) => {
    bob.run('fetch', '-q');
    return tryGit(bob, 'rebase', 'origin/main');
  },
  'git pull --rebase': (bob) => tryGit(bob, 'pull', '--rebase'),
  'git cherry-pick': (bob) => {
    bob.run('fetch', '-q');
    const base = bob.run('merge-base', 'HEAD', 'origin/main').trim();
    const mine = bob.run('rev-parse', 'HEAD').trim();
    bob.run('checkout', '-q', '-B', 'picked', 'origin/main');
    return tryGit(bob, 'cherry-pick', `${base}..${mine}`);
  },
};

for (const [way, bring] of Object.entries(ways)) {
  describe(`${way} of manifests`, () => {
    const together = async (
      ours: readonly JsonObject[],
      theirs: readonly JsonObject[],
      base?: readonly JsonObject[],
    ): Promise<{ readonly bob: GitFixture; readonly code: number | null; readonly text: string }> => {
      const { ada, bob } = await team(base);
      save(ada, 'Ada', theirs);
      ada.run('push', '-q', 'origin', 'HEAD:main');
      save(bob, 'Bob', ours);
      return { bob, ...bring(bob) };
    };
    const merged = async (...args: Parameters<typeof together>): Promise<GitFixture> => {
      const { bob, code, text } = await together(...args);
      assert.equal(code, 0, text);
      assert.equal(bob.run('status', '--porcelain'), '');
      return bob;
    };

    it('takes different new datasets, the published one first', async () => {
      const bob = await merged([a1, b1, c1], [a1, b1, d1]);
      assert.deepEqual(shortly(bob), ['a v1:1', 'b v1:2', 'd v1:4', 'c v1:3']);
    });

    it('takes new versions of different datasets', async () => {
      const bob = await merged([a1, dataset('b', ['v2:6', 'v1:2'])], [dataset('a', ['v2:5', 'v1:1']), b1]);
      assert.deepEqual(shortly(bob), ['a v2:5 v1:1', 'b v2:6 v1:2']);
    });

    it('takes changes of different members', async () => {
      const bob = await merged(
        [dataset('a', [entry('v1:1', { status: 'deleted' })], { license: 'MIT' }), b1],
        [dataset('a', ['v1:1'], { description: 'The classic' }), b1],
      );
      const [a] = parseManifest(manifestText(bob)).datasets;
      assert.deepEqual([a?.license, a?.description, a?.history[0].status], ['MIT', 'The classic', 'deleted']);
    });

    it('takes the same bytes once', async () => {
      const two = dataset('a', ['v2:5', 'v1:1']);
      const bob = await merged([two, b1, c1], [dataset('a', [entry('v2:5', { author: 'Ada' }), 'v1:1']), b1]);
      assert.deepEqual(shortly(bob), ['a v2:5 v1:1', 'b v1:2', 'c v1:3']);
      assert.equal(parseManifest(manifestText(bob)).datasets[0]?.history[0].author, 'Ada');
    });

    it('stops at new versions of one dataset, and shows mine on top of the published one', async () => {
      const { bob, code, text } = await together(
        [dataset('a', [entry('v2:6', { diffFromPrevious: 'diffs/a/diff-v1-to-v2.diff' }), 'v1:1']), b1, c1],
        [dataset('a', ['v2:5', 'v1:1']), b1],
      );
      assert.notEqual(code, 0);
      assert.match(text, /datamanager: a has new versions on both sides \(published: v2; not published yet: v2\)/);
      assert.match(bob.run('status', '--porcelain'), /^(UU|AA) manifest.json$/m);
      const sides = settled(manifestText(bob));
      assert.deepEqual(inShort(parseManifest(sides['not published yet'])), ['a v3:6 v2:5 v1:1', 'b v1:2', 'c v1:3']);
      assert.deepEqual(inShort(parseManifest(sides.published)), ['a v2:5 v1:1', 'b v1:2', 'c v1:3']);
      assert.equal(parseManifest(sides['not published yet']).datasets[0]?.history[0].diffFromPrevious, null);
      assert.ok(
        !/[<>]{7}/.test(manifestText(bob).slice(manifestText(bob).indexOf('"fileName": "b"'))),
        'b is not marked',
      );
    });

    it('stops at one member with two values, and marks that alone', async () => {
      const named = (description: string): JsonObject[] => [
        dataset('a', ['v1:1'], { description, license: 'MIT' }),
        b1,
      ];
      const { bob, code, text } = await together(named('mine'), named('theirs'), named('old'));
      assert.notEqual(code, 0);
      assert.match(text, /datamanager: a: both sides changed "description"/);
      const marked = /<<<<<<<.*\n([\s\S]*)>>>>>>>/.exec(manifestText(bob))?.[1] ?? '';
      assert.deepEqual(marked.split('\n').sort(), [
        '',
        '    "description": "mine",',
        '    "description": "theirs",',
        '=======',
      ]);
    });

    it('keeps the published diff where both wrote one', async () => {
      const diff = 'diffs/a/diff-v1-to-v2.diff';
      const { ada, bob } = await team();
      const two = dataset('a', [entry('v2:5', { diffFromPrevious: diff }), 'v1:1']);
      save(ada, 'Ada', [two, b1], { [diff]: 'theirs\n' });
      ada.run('push', '-q', 'origin', 'HEAD:main');
      save(bob, 'Bob', [two, b1, c1], { [diff]: 'mine\n' });
      const { code, text } = bring(bob);
      assert.equal(code, 0, text);
      assert.equal(readFileSync(join(bob.dir, diff), 'utf8'), 'theirs\n');
      assert.deepEqual(shortly(bob), ['a v2:5 v1:1', 'b v1:2', 'c v1:3']);
    });

    it('has a name for every diff that the manifest names, after mine was put on top', async () => {
      const diff = 'diffs/a/diff-v1-to-v2.diff';
      const { ada, bob } = await team();
      save(ada, 'Ada', [dataset('a', [entry('v2:5', { diffFromPrevious: diff }), 'v1:1']), b1], { [diff]: 'theirs\n' });
      ada.run('push', '-q', 'origin', 'HEAD:main');
      save(bob, 'Bob', [dataset('a', [entry('v2:6', { diffFromPrevious: diff }), 'v1:1']), b1], { [diff]: 'mine\n' });
      assert.notEqual(bring(bob).code, 0);
      assert.equal(bob.run('diff', '--name-only', '--diff-filter=U'), 'manifest.json\n', 'nothing else is left to do');
      writeFileSync(join(bob.dir, 'manifest.json'), settled(manifestText(bob))['not published yet']);
      const [a] = parseManifest(manifestText(bob)).datasets;
      assert.deepEqual(
        a?.history.map(({ diffFromPrevious }) => diffFromPrevious),
        [null, diff, null],
      );
      assert.equal(readFileSync(join(bob.dir, diff), 'utf8'), 'theirs\n');
    });
  });
}

/** The file with every conflict settled for the side of that label. */
function settled(text: string): { readonly published: string; readonly 'not published yet': string } {
  const take = (label: string): string =>
    text.replace(
      /^<{7} (.*)\n([\s\S]*?)^={7}\n([\s\S]*?)^>{7} (.*)\n/gm,
      (_, first: string, left: string, right: string) => (first.endsWith(`(${label})`) ? left : right),
    );
  return { published: take('published'), 'not published yet': take('not published yet') };
}

describe('the merge driver', () => {
  it('goes on renumbering through a rebase of several commits', async () => {
    const { ada, bob } = await team();
    save(ada, 'Ada', [dataset('a', ['v2:5', 'v1:1']), b1]);
    ada.run('push', '-q', 'origin', 'HEAD:main');
    save(bob, 'Bob 2', [dataset('a', ['v2:6', 'v1:1']), b1]);
    save(bob, 'Bob 3', [
      dataset('a', ['v3:7', 'v2:6', 'v1:1']),
      dataset('b', [entry('v1:2', { parents: [{ name: 'a', sha256: '7'.repeat(64), version: 'v3' }] })]),
    ]);
    assert.notEqual(tryGit(bob, 'pull', '--rebase').code, 0);
    writeFileSync(join(bob.dir, 'manifest.json'), settled(manifestText(bob))['not published yet']);
    bob.run('add', 'manifest.json');
    const { code, text } = tryGit(bob, 'rebase', '--continue');
    assert.equal(code, 0, text);
    assert.deepEqual(shortly(bob), ['a v4:7 v3:6 v2:5 v1:1', 'b v1:2']);
    assert.equal(parseManifest(manifestText(bob)).datasets[1]?.history[0].parents[0]?.version, 'v4');
  });

  it('copes with both sides having added the manifest', async () => {
    const remote = bareRemote();
    const [ada, bob] = [cloneOf(remote), cloneOf(remote)];
    for (const [who, datasets] of [
      [ada, [a1]],
      [bob, [b1]],
    ] as const) {
      await initRepository({ git, folder: who.dir, store: null, mergeDriver: program });
      save(who, 'Begin', datasets);
    }
    ada.run('push', '-q', 'origin', 'HEAD:main');
    bob.run('fetch', '-q');
    const { code, text } = tryGit(bob, 'merge', '--no-edit', '--allow-unrelated-histories', 'origin/main');
    assert.equal(code, 0, text);
    assert.deepEqual(shortly(bob), ['a v1:1', 'b v1:2']);
  });

  it('merges lines as Git does when a side is no manifest', async () => {
    const { ada, bob } = await team();
    ada.commit({ 'manifest.json': `${manifestText(ada)}// a remark\n` });
    ada.run('push', '-q', 'origin', 'HEAD:main');
    save(bob, 'Bob', [dataset('a', ['v1:1'], { description: 'x' }), b1]);
    const { code, text } = tryGit(bob, 'pull', '--no-rebase', '--no-edit');
    assert.equal(code, 0, text);
    assert.match(text, /manifest\.json was merged line by line: manifest\.json:\d+:\d+: not valid JSON/);
    assert.match(manifestText(bob), /"description": "x"[\s\S]*\/\/ a remark/);
  });

  it("is Git's own merge when our program is gone, with markers where lines clash", async () => {
    const { ada, bob } = await team();
    const gone = mergeDriverCommand({ node: process.execPath, script: join(tempDir(), "it's 100% gone.js") });
    bob.run('config', 'merge.datamanager.driver', gone);
    save(ada, 'Ada', [dataset('a', ['v2:5', 'v1:1']), b1]);
    ada.run('push', '-q', 'origin', 'HEAD:main');
    save(bob, 'Bob', [dataset('a', ['v2:6', 'v1:1']), b1]);
    const { code } = tryGit(bob, 'pull', '--no-rebase', '--no-edit');
    assert.equal(code, 1);
    assert.match(manifestText(bob), /^<{7} ours$[\s\S]*^>{7} theirs$/m);
    assert.equal(bob.run('diff', '--name-only', '--diff-filter=U'), 'manifest.json\n');
    // The next write mends it.
    assert.equal(await ensureMergeDriver(await bob.open(), git, program), true);
    assert.equal(bob.run('config', 'merge.datamanager.driver').trimEnd(), mergeDriverCommand(program));
  });

  it("is Git's own merge when our program fails", async () => {
    const { ada, bob } = await team();
    const fixture = fixtureAt(tempDir());
    fixture.write('script.js', 'not a program');
    const command = mergeDriverCommand({ node: process.execPath, script: join(fixture.dir, 'script.js') });
    bob.run('config', 'merge.datamanager.driver', command);
    save(ada, 'Ada', [dataset('a', ['v2:5', 'v1:1']), b1]);
    ada.run('push', '-q', 'origin', 'HEAD:main');
    save(bob, 'Bob', [dataset('a', ['v2:6', 'v1:1']), b1]);
    assert.equal(tryGit(bob, 'pull', '--no-rebase', '--no-edit').code, 1);
    assert.match(manifestText(bob), /^<{7} ours$[\s\S]*^>{7} theirs$/m);
  });

  it('runs a program whose path a shell would take apart', async () => {
    const folder = join(tempDir(), 'it\'s 50%O $HOME "x"');
    const fixture = fixtureAt(folder);
    fixture.write(
      'script.js',
      "require('fs').writeFileSync(process.argv[5], 'ran ' + process.env.SOME + ' ' + process.argv[7])",
    );
    const { ada, bob } = await team();
    const command = { node: process.execPath, script: join(folder, 'script.js'), env: { SOME: "it's 5%" } };
    bob.run('config', 'merge.datamanager.driver', mergeDriverCommand(command));
    save(ada, 'Ada', [a1, b1, c1]);
    ada.run('push', '-q', 'origin', 'HEAD:main');
    save(bob, 'Bob', [a1, b1, d1]);
    assert.equal(tryGit(bob, 'pull', '--no-rebase', '--no-edit').code, 0);
    assert.equal(manifestText(bob), "ran it's 5% manifest.json");
  });

  it('merges where two merges cross', async () => {
    const { ada, bob } = await team();
    save(ada, 'Ada', [dataset('a', ['v2:5', 'v1:1']), b1]);
    ada.run('branch', 'left');
    ada.run('checkout', '-q', '-b', 'right', 'HEAD~1');
    save(ada, 'Right', [dataset('a', ['v2:6', 'v1:1']), b1]);
    const crossed = (into: string, other: string, resolved: readonly JsonObject[]): void => {
      ada.run('checkout', '-q', into);
      tryGit(ada, 'merge', '--no-edit', other);
      save(ada, `Merge ${other}`, resolved);
    };
    const both = dataset('a', ['v3:6', 'v2:5', 'v1:1']);
    const right = ada.run('rev-parse', 'right').trim();
    crossed('right', 'left', [both, b1, c1]);
    crossed('left', right, [both, b1, d1]);
    const { code, text } = tryGit(ada, 'merge', '--no-edit', 'right');
    assert.equal(code, 0, text);
    assert.deepEqual(shortly(ada), ['a v3:6 v2:5 v1:1', 'b v1:2', 'd v1:4', 'c v1:3']);
    assert.ok(existsSync(bob.dir));
  });
});

describe('setting up the merge driver', () => {
  it('commits attributes that ask for it, and keeps those that are there', async () => {
    const fixture = emptyRepository();
    fixture.commit({ '.gitattributes': '*.png binary\r\n*.bin -diff' });
    await initRepository({ git, folder: fixture.dir, store: null, mergeDriver: program });
    const text = '*.png binary\r\n*.bin -diff\r\n/manifest.json merge=datamanager\r\n/diffs/** merge=datamanager\r\n';
    assert.equal(readFileSync(join(fixture.dir, '.gitattributes'), 'utf8'), text);
    assert.equal(fixture.run('status', '--porcelain'), '');
    assert.match(
      fixture.run('check-attr', 'merge', '--', 'manifest.json', 'diffs/a/b.diff', 'x/manifest.json'),
      /datamanager\n.*datamanager\n.*unspecified\n$/,
    );
    assert.equal(mergeAttributes(text, 'manifest.json'), null);
    assert.equal(fixture.run('config', 'merge.datamanager.driver').trimEnd(), mergeDriverCommand(program));
  });

  it('says so for a manifest that is not at the top, whatever it is called', async () => {
    const fixture = emptyRepository();
    fixture.write('my data/x', '');
    const folder = join(fixture.dir, 'my data');
    await initRepository({ git, folder, store: null, mergeDriver: program });
    assert.match(fixture.run('check-attr', 'merge', '--', 'my data/manifest.json'), /: datamanager\n$/);
    fixture.write('.gitattributes', mergeAttributes(null, 'data/my "own" manifest.json') ?? '');
    assert.match(fixture.run('check-attr', 'merge', '--', 'my "own" manifest.json'), /: datamanager\n$/);
  });

  it('writes the configuration of a clone once, when the attributes ask for it', async () => {
    const { ada } = await team();
    const clone = cloneOf(ada.run('remote', 'get-url', 'origin').trim());
    const repo = await clone.open();
    const before = readFileSync(join(clone.dir, '.git', 'config'), 'utf8');
    rmSync(join(clone.dir, '.gitattributes'));
    assert.equal(await ensureMergeDriver(repo, git, program), true, 'what is committed counts, too');
    const after = readFileSync(join(clone.dir, '.git', 'config'), 'utf8');
    assert.ok(after.startsWith(before));
    assert.equal(await ensureMergeDriver(repo, git, { ...program, script: '/elsewhere/cli.js' }), false);
    assert.equal(readFileSync(join(clone.dir, '.git', 'config'), 'utf8'), after);
  });

  it("writes nothing without attributes, over a driver of the user's own, or into a configuration that is locked", async () => {
    const plain = emptyRepository();
    plain.commit({ 'manifest.json': '[]\n' });
    assert.equal(await ensureMergeDriver(await plain.open(), git, program), false);
    plain.commit({ '.gitattributes': 'manifest.json merge=datamanager\n' });
    plain.write('.git/config.lock', '');
    assert.equal(await ensureMergeDriver(await plain.open(), git, program), false);
    rmSync(join(plain.dir, '.git', 'config.lock'));
    plain.run('config', 'merge.datamanager.driver', 'my-own %A');
    assert.equal(await ensureMergeDriver(await plain.open(), git, program), false);
    assert.equal(plain.run('config', 'merge.datamanager.driver'), 'my-own %A\n');
  });
});
