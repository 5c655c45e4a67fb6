import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type CommitPathsOptions,
  type CommittedPaths,
  commitPaths,
  type PathChange,
} from '../../../src/core/repo/commitPaths';
import { lockIndex } from '../../../src/core/repo/indexLock';
import { assertSound, dieAt, failsWith, snapshot } from '../../support/commitChecks';
import { emptyRepository, fixtureAt, type GitFixture, git, manifestRepository, runIn } from '../../support/gitFixture';
import { tempDir } from '../../support/tempDir';

const MANIFEST = '[\n  "new"\n]\n';

const DYING_COMMIT = `
  const changes = [
    { path: 'manifest.json', content: ${JSON.stringify(MANIFEST)} },
    { path: 'diffs/new.diff', content: 'x' },
  ];
  await commitPaths({ repo, git, changes, message: 'Dies', writer: 'git' });`;
const IMPORTS = "import { commitPaths } from './src/core/repo/commitPaths';";

type CommitTo = (
  fixture: GitFixture,
  changes?: readonly PathChange[],
  more?: Partial<CommitPathsOptions>,
) => Promise<CommittedPaths>;

function committer(writer: 'locked' | 'git'): CommitTo {
  return async (fixture, changes = [{ path: 'manifest.json', content: MANIFEST }], more = {}) =>
    commitPaths({ repo: await fixture.open(), git, changes, message: 'Publish utopia v2', writer, ...more });
}

for (const writer of ['locked', 'git'] as const) {
  describe(`commitPaths, ${writer} writer`, () => {
    const commitTo = committer(writer);

    it('commits exactly the given files and leaves a clean work tree', async () => {
      const fixture = manifestRepository();
      const parent = fixture.run('rev-parse', 'HEAD').trim();
      const result = await commitTo(fixture, [
        { path: 'manifest.json', content: MANIFEST },
        { path: 'diffs/utopia/diff-v1-to-v2.diff', content: '+1 row\n' },
      ]);
      assert.deepEqual(result, {
        commit: fixture.run('rev-parse', 'HEAD').trim(),
        parent,
        branch: 'main',
        created: true,
      });
      assert.equal(fixture.status(), '');
      assert.equal(fixture.run('show', 'HEAD:manifest.json'), MANIFEST);
      assert.equal(readFileSync(join(fixture.dir, 'manifest.json'), 'utf8'), MANIFEST);
      assert.equal(
        fixture.run('show', '--name-status', '--format=%an <%ae>%n%s', 'HEAD'),
        'Ada Lovelace <ada@example.com>\nPublish utopia v2\n\nA\tdiffs/utopia/diff-v1-to-v2.diff\nM\tmanifest.json\n',
      );
      assert.match(fixture.run('reflog', '-1', 'main'), /datamanager: Publish utopia v2/);
      assert.match(fixture.run('reflog', '-1', 'HEAD'), /datamanager: Publish utopia v2/);
      assertSound(fixture);
    });

    it('leaves what the user has staged, changed, added or ignored as it was, to the byte', async () => {
      const fixture = emptyRepository();
      fixture.commit({
        ...{
          'manifest.json': '[]\n',
          both: 'one\n',
          staged: 'one\n',
          dirty: 'one\n',
          deleted: 'one\n',
          removed: 'one\n',
        },
        ...{ 'old name': 'a long enough text to be seen as renamed\n', '.gitignore': '*.secret\n', mode: 'x\n' },
      });
      fixture.write('staged', 'two\n');
      fixture.write('both', 'two\n');
      fixture.write('fresh', 'fresh\n');
      fixture.run('add', 'staged', 'both', 'fresh');
      fixture.write('both', 'three\n');
      fixture.write('dirty', 'two\n');
      rmSync(join(fixture.dir, 'deleted'));
      fixture.run('rm', '-q', 'removed');
      fixture.run('mv', 'old name', 'new name');
      chmodSync(join(fixture.dir, 'mode'), 0o755);
      fixture.write('untracked', 'x\n');
      fixture.write('a.secret', 'x\n');
      fixture.write('intended', 'x\n');
      fixture.run('add', '-N', 'intended');
      const before = {
        status: fixture.status(),
        cached: fixture.run('diff', '--cached'),
        unstaged: fixture.run('diff'),
      };

      await commitTo(fixture);

      assert.deepEqual(
        { status: fixture.status(), cached: fixture.run('diff', '--cached'), unstaged: fixture.run('diff') },
        before,
      );
      assert.equal(fixture.run('show', '--name-only', '--format=', 'HEAD'), 'manifest.json\n');
      assertSound(fixture);
    });

    it('does not hide a change made in the same clock tick as the index', async () => {
      const fixture = manifestRepository();
      const when = new Date(Math.floor(Date.now() / 1000) * 1000 - 5000);
      utimesSync(join(fixture.dir, 'readme.txt'), when, when);
      fixture.run('update-index', '--refresh');
      fixture.write('readme.txt', 'Jello\n'); // as long as before, at the same time: only a comparison can tell
      utimesSync(join(fixture.dir, 'readme.txt'), when, when);
      utimesSync(join(fixture.dir, '.git', 'index'), when, when);
      // ctime would give it away on this disk, and isn't kept by every disk.
      fixture.run('config', 'core.trustctime', 'false');
      assert.equal(fixture.run('--no-optional-locks', 'status', '--porcelain'), ' M readme.txt\n');
      await commitTo(fixture);
      assert.equal(fixture.status(), ' M readme.txt\0');
    });

    it('makes the first commit of an unborn branch', async () => {
      const fixture = emptyRepository();
      fixture.write('staged', 'x\n');
      fixture.run('add', 'staged');
      const { parent, branch } = await commitTo(fixture);
      assert.deepEqual([parent, branch], [null, 'main']);
      assert.equal(fixture.status(), 'A  staged\0');
      assert.equal(fixture.run('ls-tree', '--name-only', 'HEAD'), 'manifest.json\n');
      assertSound(fixture);
    });

    it('commits on a detached HEAD without moving a branch', async () => {
      const fixture = manifestRepository();
      const main = fixture.run('rev-parse', 'main');
      fixture.run('checkout', '-q', '--detach');
      const { commit, branch } = await commitTo(fixture);
      assert.equal(branch, null);
      assert.equal(fixture.run('rev-parse', 'main'), main);
      assert.equal(fixture.run('rev-parse', 'HEAD').trim(), commit);
      assertSound(fixture);
    });

    it('commits in a linked worktree, on its branch and index', async () => {
      const main = manifestRepository();
      const dir = join(tempDir(), 'linked');
      main.run('worktree', 'add', '-q', '-b', 'side', dir);
      const linked = fixtureAt(dir);
      linked.write('readme.txt', 'dirty\n');
      const { commit, branch } = await commitTo(linked);
      assert.equal(branch, 'side');
      assert.equal(main.run('rev-parse', 'side').trim(), commit);
      assert.equal(linked.status(), ' M readme.txt\0');
      assert.equal(main.status(), '');
      assertSound(linked);
      assertSound(main);
    });

    it('deletes files, and the folders that this leaves empty', async () => {
      const fixture = manifestRepository();
      fixture.commit({ 'diffs/utopia/a.diff': 'x', 'ranges/keep': 'x' });
      await commitTo(fixture, [
        { path: 'diffs/utopia/a.diff', content: null },
        { path: 'never/was', content: null },
      ]);
      assert.equal(existsSync(join(fixture.dir, 'diffs')), false);
      assert.equal(fixture.status(), '');
      assert.equal(fixture.run('show', '--name-status', '--format=', 'HEAD'), 'D\tdiffs/utopia/a.diff\n');
    });

    it('makes no commit when nothing changes', async () => {
      const fixture = manifestRepository();
      const head = fixture.run('rev-parse', 'HEAD').trim();
      const result = await commitTo(fixture, [{ path: 'manifest.json', content: '[]\n' }]);
      assert.deepEqual(result, { commit: head, parent: head, branch: 'main', created: false });
      assert.equal(fixture.run('rev-parse', 'HEAD').trim(), head);
      assertSound(fixture);
    });

    it('takes bytes and names as they are', async () => {
      const fixture = manifestRepository();
      const paths = [
        '-n',
        '--force',
        ':(top)x',
        'diffs/päth 😀/a b\tc',
        '"quoted"',
        '*',
        'line\nbreak',
        'a'.repeat(200),
      ];
      const bytes = Buffer.from([0, 255, 13, 10, 26, 128]);
      await commitTo(
        fixture,
        paths.map((path) => ({ path, content: bytes })),
      );
      const committed = fixture.run('diff', '--name-only', '-z', 'HEAD~', 'HEAD').split('\0').slice(0, -1);
      assert.deepEqual(committed.sort(), [...paths].sort());
      for (const path of paths) assert.deepEqual(readFileSync(join(fixture.dir, path)), bytes);
      assert.equal(fixture.run('cat-file', 'blob', 'HEAD:-n').length, bytes.toString('utf8').length);
      assert.equal(fixture.status(), '');
      await commitTo(fixture, [{ path: '-n', content: 'again' }]); // now that it is tracked, it must be seen as clean
    });

    it('keeps the executable bit', async () => {
      const fixture = manifestRepository();
      fixture.write('run.sh', '#!/bin/sh\n');
      chmodSync(join(fixture.dir, 'run.sh'), 0o755);
      fixture.run('add', 'run.sh');
      fixture.run('commit', '-qm', 'script');
      await commitTo(fixture, [{ path: 'run.sh', content: '#!/bin/sh\nexit 0\n' }]);
      assert.match(fixture.run('ls-tree', 'HEAD', 'run.sh'), /^100755/);
      assert.equal(fixture.status(), '');
    });

    for (const path of [
      ...[
        '../outside',
        '/etc/x',
        'a/../../x',
        'a//b',
        '',
        '.',
        'a/',
        '.git/config',
        'sub/.GIT/hooks/x',
        '.git./config',
      ],
      ...[
        'git~1/config',
        '.git::$INDEX_ALLOCATION/x',
        '.g\u200cit/config',
        'a\\b',
        'nul\0byte',
        'C:/x',
        '\ud800',
        'x'.repeat(300),
      ],
    ]) {
      it(`refuses the path ${JSON.stringify(path).slice(0, 40)}`, async () => {
        const fixture = manifestRepository();
        const before = await snapshot(fixture);
        await assert.rejects(commitTo(fixture, [{ path, content: 'x' }]), failsWith('NAME_INVALID'));
        assert.deepEqual(await snapshot(fixture), before);
      });
    }

    it('does not write through symbolic links or into other repositories', async () => {
      const fixture = manifestRepository();
      const outside = tempDir();
      symlinkSync(outside, join(fixture.dir, 'link'));
      symlinkSync(join(outside, 'target'), join(fixture.dir, 'file'));
      runIn(fixture.dir, ['init', '-q', 'inner']);
      mkdirSync(join(fixture.dir, 'folder'));
      await assert.rejects(commitTo(fixture, [{ path: 'link/x', content: 'x' }]), failsWith('FILE_NOT_REGULAR'));
      await assert.rejects(commitTo(fixture, [{ path: 'file', content: 'x' }]), failsWith('FILE_NOT_REGULAR'));
      await assert.rejects(commitTo(fixture, [{ path: 'folder', content: 'x' }]), failsWith('FILE_NOT_REGULAR'));
      await assert.rejects(commitTo(fixture, [{ path: 'readme.txt/x', content: 'x' }]), failsWith('FILE_NOT_REGULAR'));
      await assert.rejects(commitTo(fixture, [{ path: 'inner/x', content: 'x' }]), failsWith('NAME_INVALID'));
      assert.deepEqual(await readdir(outside), []);
    });

    for (const [state, prepare] of Object.entries({
      'changed in the work tree': (f: GitFixture) => f.write('manifest.json', '["mine"]\n'),
      staged: (f: GitFixture) => {
        f.write('manifest.json', '["mine"]\n');
        f.run('add', 'manifest.json');
      },
      'staged and put back in the work tree': (f: GitFixture) => {
        f.write('manifest.json', '["mine"]\n');
        f.run('add', 'manifest.json');
        f.write('manifest.json', '[]\n');
      },
      deleted: (f: GitFixture) => rmSync(join(f.dir, 'manifest.json')),
      'removed from the index': (f: GitFixture) => f.run('rm', '-q', '--cached', 'manifest.json'),
      'assumed unchanged': (f: GitFixture) => {
        f.run('update-index', '--assume-unchanged', 'manifest.json');
        f.write('manifest.json', '["mine"]\n');
      },
      'marked skip-worktree': (f: GitFixture) => f.run('update-index', '--skip-worktree', 'manifest.json'),
      'unmerged without a merge': (f: GitFixture) => {
        f.write('manifest.json', '["stashed"]\n');
        f.run('stash', '-q');
        f.commit({ 'manifest.json': '["other"]\n' });
        assert.throws(() => f.run('stash', 'pop'));
      },
    })) {
      it(`refuses a path that is ${state}`, async () => {
        const fixture = manifestRepository();
        prepare(fixture);
        const before = await snapshot(fixture);
        await assert.rejects(commitTo(fixture), failsWith('PATH_DIRTY', /manifest\.json/));
        assert.deepEqual(await snapshot(fixture), before);
      });
    }

    it('refuses to overwrite an untracked, ignored or intended file', async () => {
      const fixture = manifestRepository();
      fixture.commit({ '.gitignore': 'ignored\n' });
      for (const path of ['untracked', 'ignored', 'intended']) fixture.write(path, 'mine');
      fixture.run('add', '-N', 'intended');
      const before = await snapshot(fixture);
      for (const path of ['untracked', 'ignored', 'intended']) {
        await assert.rejects(commitTo(fixture, [{ path, content: 'x' }]), failsWith('PATH_DIRTY', new RegExp(path)));
      }
      assert.deepEqual(await snapshot(fixture), before);
    });

    it('refuses to push out of the index what is staged only there', async () => {
      const fixture = manifestRepository();
      for (const path of ['diffs', 'a.diff/inner']) {
        fixture.write(path, 'mine');
        fixture.run('add', path);
        rmSync(join(fixture.dir, path));
      }
      rmdirSync(join(fixture.dir, 'a.diff'));
      const before = await snapshot(fixture);
      for (const path of ['diffs/x/y.diff', 'a.diff']) {
        await assert.rejects(commitTo(fixture, [{ path, content: 'x' }]), failsWith('PATH_DIRTY'));
      }
      assert.deepEqual(await snapshot(fixture), before);
      assertSound(fixture);
    });

    it('takes a touched but unchanged file for clean', async () => {
      const fixture = manifestRepository();
      utimesSync(join(fixture.dir, 'manifest.json'), new Date(0), new Date(0));
      assert.equal((await commitTo(fixture)).created, true);
    });

    it('refuses while git waits for the user', async () => {
      const diverged = (): GitFixture => {
        const fixture = manifestRepository();
        fixture.run('checkout', '-q', '-b', 'side');
        fixture.commit({ 'readme.txt': 'side\n' });
        fixture.run('checkout', '-q', 'main');
        fixture.commit({ 'readme.txt': 'main\n' });
        return fixture;
      };
      for (const [operation, args] of Object.entries({
        merge: ['merge', 'side'],
        rebase: ['rebase', 'side'],
        'cherry-pick': ['cherry-pick', 'side'],
      })) {
        const fixture = diverged();
        assert.throws(() => fixture.run(...args));
        const before = await snapshot(fixture);
        await assert.rejects(commitTo(fixture), failsWith('GIT_OPERATION_IN_PROGRESS', new RegExp(operation)));
        assert.deepEqual(await snapshot(fixture), before);
      }
      const bisecting = diverged();
      bisecting.run('bisect', 'start');
      await assert.rejects(commitTo(bisecting), failsWith('GIT_OPERATION_IN_PROGRESS', /bisect reset/));
    });

    it('refuses without an identity, and says how to give one', async () => {
      const fixture = manifestRepository();
      fixture.run('config', '--unset', 'user.name');
      fixture.run('config', '--unset', 'user.email');
      const before = await snapshot(fixture);
      await assert.rejects(commitTo(fixture), failsWith('GIT_IDENTITY_MISSING', /user\.name.*user\.email/));
      assert.deepEqual(await snapshot(fixture), before);
      const env = {
        GIT_AUTHOR_NAME: 'A',
        GIT_AUTHOR_EMAIL: 'a@b',
        GIT_COMMITTER_NAME: 'C',
        GIT_COMMITTER_EMAIL: 'c@d',
      };
      await commitTo(fixture, undefined, { git: { ...git, env: { ...git.env, ...env } } });
      assert.equal(fixture.run('log', '-1', '--format=%an %cn'), 'A C\n');
    });

    it('refuses a path with an LFS filter', async () => {
      const fixture = manifestRepository();
      fixture.commit({ '.gitattributes': '*.diff filter=lfs diff=lfs merge=lfs -text\n' });
      await assert.rejects(
        commitTo(fixture, [{ path: 'a.diff', content: 'x' }]),
        failsWith('REPOSITORY_UNSUPPORTED', /lfs/),
      );
      assert.equal(fixture.status(), '');
    });

    it('is not led astray by variables of an outer git', async () => {
      const fixture = manifestRepository();
      const other = manifestRepository();
      const astray = {
        GIT_DIR: join(other.dir, '.git'),
        GIT_WORK_TREE: other.dir,
        GIT_INDEX_FILE: '/nonexistent/index',
      };
      const { commit } = await commitTo(fixture, undefined, { git: { ...git, env: { ...git.env, ...astray } } });
      assert.equal(fixture.run('rev-parse', 'HEAD').trim(), commit);
      assert.equal(other.run('rev-list', '--count', 'HEAD'), '1\n');
    });

    it('waits for a lock that is let go, and reports one that is not', async () => {
      const fixture = manifestRepository();
      const lock = join(fixture.dir, '.git', 'index.lock');
      writeFileSync(lock, '');
      const before = await snapshot(fixture);
      await assert.rejects(
        commitTo(fixture, undefined, { lockTimeoutMs: 200 }),
        failsWith('REPOSITORY_BUSY', /index\.lock/),
      );
      assert.deepEqual(await snapshot(fixture), before);
      setTimeout(() => rmSync(lock), 150);
      assert.equal((await commitTo(fixture)).created, true);
      const ours = await lockIndex(await fixture.open(), 0);
      const about = new RegExp(`Data Manager \\(process ${process.pid} `);
      await assert.rejects(commitTo(fixture, undefined, { lockTimeoutMs: 50 }), failsWith('REPOSITORY_BUSY', about));
      await ours.release();
      assertSound(fixture);
    });

    it('puts everything back when the branch is locked', async () => {
      const fixture = manifestRepository();
      const lock = join(fixture.dir, '.git', 'refs', 'heads', 'main.lock');
      writeFileSync(lock, '');
      const before = await snapshot(fixture);
      const changes = [
        { path: 'manifest.json', content: MANIFEST },
        { path: 'diffs/new/x.diff', content: 'x' },
        { path: 'readme.txt', content: null },
      ];
      await assert.rejects(commitTo(fixture, changes), failsWith('REPOSITORY_BUSY'));
      assert.deepEqual(await snapshot(fixture), before);
      assert.equal(existsSync(join(fixture.dir, 'diffs')), false);
      assert.equal(readFileSync(join(fixture.dir, 'readme.txt'), 'utf8'), 'Hello\n');
      rmSync(lock);
      assertSound(fixture);
    }).timeout(10_000);

    it('cancelled at any moment, either leaves everything as it was or has committed', async () => {
      const fixture = manifestRepository();
      const before = await snapshot(fixture);
      let cancelled = 0;
      for (let delay = 0; ; delay += 7) {
        const controller = new AbortController();
        const timer = setTimeout(() => controller.abort(), delay);
        try {
          assert.equal((await commitTo(fixture, undefined, { signal: controller.signal })).created, true);
          break;
        } catch (error) {
          failsWith('CANCELLED')(error);
          assert.deepEqual(await snapshot(fixture), before);
          cancelled++;
        } finally {
          clearTimeout(timer);
        }
      }
      assert.ok(cancelled > 0);
      assert.equal(fixture.status(), '');
      assertSound(fixture);
    }).timeout(30_000);

    it('loses none of many commits made at once', async () => {
      const fixture = manifestRepository();
      const paths = Array.from({ length: 8 }, (_, i) => `diffs/${i}.diff`);
      const options = { lockTimeoutMs: 60_000 };
      const results = await Promise.all(paths.map((path) => commitTo(fixture, [{ path, content: path }], options)));
      assert.equal(fixture.run('rev-list', '--count', 'HEAD'), '9\n');
      assert.equal(new Set(results.map(({ commit }) => commit)).size, 8);
      assert.equal(fixture.run('ls-tree', '-r', '--name-only', 'HEAD', 'diffs').trim().split('\n').length, 8);
      assert.equal(fixture.status(), '');
      assertSound(fixture);
    }).timeout(60_000);

    it('refuses a change that was made from a text that is not there any more', async () => {
      const fixture = manifestRepository();
      const text = readFileSync(join(fixture.dir, 'manifest.json'), 'utf8');
      await commitTo(fixture, [{ path: 'manifest.json', content: '["theirs"]\n', base: text }]);
      const before = await snapshot(fixture);
      for (const base of [text, null]) {
        await assert.rejects(
          commitTo(fixture, [{ path: 'manifest.json', content: '["mine"]\n', base }]),
          failsWith('REF_MOVED'),
        );
      }
      assert.deepEqual(await snapshot(fixture), before);
      await commitTo(fixture, [{ path: 'new.json', content: '[]\n', base: null }]);
      assertSound(fixture);
    });
  });
}

describe('commitPaths, git writer, step by step', () => {
  const commitTo = committer('git');

  it('puts everything back when HEAD moves at the last moment', async () => {
    const fixture = manifestRepository();
    const next = fixture.run('commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'Somebody else').trim();
    // The hook runs inside update-ref before it looks at the old value: the narrowest moment there is.
    const program = join(tempDir(), 'git');
    const script = `#!/bin/sh\ncase "$*" in *update-ref*) git update-ref refs/heads/main ${next};; esac\nexec git "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    await assert.rejects(commitTo(fixture, undefined, { git: { ...git, path: program } }), failsWith('REF_MOVED'));
    assert.equal(fixture.run('rev-parse', 'HEAD').trim(), next);
    assert.equal(fixture.status(), '');
    assertSound(fixture);
  });

  it('notices an edit between its check and its write, and puts back what it wrote before', async () => {
    const fixture = manifestRepository();
    const program = join(tempDir(), 'git');
    const script = `#!/bin/sh\ncase "$*" in *commit-tree*) echo edited > readme.txt;; esac\nexec git "$@"\n`;
    writeFileSync(program, script, { mode: 0o755 });
    const changes = ['manifest.json', 'diffs/new.diff', 'readme.txt'].map((path) => ({ path, content: 'ours' }));
    const editing = { git: { ...git, path: program } };
    await assert.rejects(commitTo(fixture, changes, editing), failsWith('PATH_DIRTY', /readme\.txt/));
    assert.equal(fixture.status(), ' M readme.txt\0');
    assert.equal(readFileSync(join(fixture.dir, 'readme.txt'), 'utf8'), 'edited\n');
    assert.equal(existsSync(join(fixture.dir, 'diffs')), false);
    assertSound(fixture);
  });

  it('signs when commit.gpgSign asks for it', async () => {
    const fixture = manifestRepository();
    const signer = join(tempDir(), 'signer');
    const answer = '[GNUPG:] SIG_CREATED D 1 8 00 0 0';
    writeFileSync(signer, `#!/bin/sh\ncat >/dev/null\necho "${answer}" >&2\necho "-----BEGIN PGP SIGNATURE-----"\n`, {
      mode: 0o755,
    });
    fixture.run('config', 'commit.gpgSign', 'true');
    fixture.run('config', 'gpg.program', signer);
    await commitTo(fixture);
    assert.match(fixture.run('cat-file', 'commit', 'HEAD'), /^gpgsig -----BEGIN PGP SIGNATURE-----/m);
    fixture.run('config', 'gpg.program', '/bin/false');
    const before = await snapshot(fixture);
    await assert.rejects(
      commitTo(fixture, [{ path: 'manifest.json', content: '[3]\n' }]),
      failsWith('GIT_FAILED', /sign/),
    );
    assert.deepEqual(await snapshot(fixture), before);
  });

  it('is durable in its answer: a process killed at any step leaves a state that the next commit repairs', async () => {
    for (const step of ['commit-tree', '--index-info', 'update-ref', 'after update-ref']) {
      const fixture = manifestRepository();
      fixture.write('readme.txt', 'dirty\n');
      dieAt(fixture.dir, step, IMPORTS, DYING_COMMIT);
      assert.equal(existsSync(join(fixture.dir, '.git', 'index.lock')), true, `${step}: died while it held the lock`);
      const moved = step === 'after update-ref';
      assert.equal(fixture.run('rev-list', '--count', 'HEAD').trim(), moved ? '2' : '1');
      const { created } = await commitTo(fixture, [{ path: 'manifest.json', content: '["next"]\n' }]);
      assert.equal(created, true);
      assert.equal(fixture.status(), ' M readme.txt\0', step);
      assert.equal(fixture.run('rev-list', '--count', 'HEAD').trim(), moved ? '3' : '2');
      assertSound(fixture);
    }
  }).timeout(60_000);

  it('leaves alone a lock that another program took after the crash', async () => {
    const fixture = manifestRepository();
    dieAt(fixture.dir, 'commit-tree', IMPORTS, DYING_COMMIT);
    const lock = join(fixture.dir, '.git', 'index.lock');
    const inode = statSync(lock).ino;
    writeFileSync(`${lock}.theirs`, 'theirs');
    assert.notEqual(statSync(`${lock}.theirs`).ino, inode);
    renameSync(`${lock}.theirs`, lock);
    await assert.rejects(commitTo(fixture, undefined, { lockTimeoutMs: 100 }), failsWith('REPOSITORY_BUSY'));
    assert.equal(readFileSync(lock, 'utf8'), 'theirs');
  });
});
