import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ErrorCode } from '../../../src/core/errors';
import { chooseWriter } from '../../../src/core/repo/chooseWriter';
import { commitPaths } from '../../../src/core/repo/commitPaths';
import { recoverInterruptedCommit } from '../../../src/core/repo/indexLock';
import { moveBranchTo } from '../../../src/core/repo/moveBranch';
import type { GitProgram } from '../../../src/core/repo/repository';
import { assertSound, dieAt, failsWith } from '../../support/commitChecks';
import { cloneOf, emptyRepository, fixtureAt, type GitFixture, git } from '../../support/gitFixture';
import { tempDir } from '../../support/tempDir';

const MANIFEST = '[\n  "new"\n]\n';
const OBJECT_OF_MANIFEST = createHash('sha1').update(`blob ${MANIFEST.length}\0${MANIFEST}`).digest('hex');

interface Layout {
  /** Makes the layout; may give another work tree than the one it got. */
  readonly make: (fixture: GitFixture) => unknown;
  /** Who writes, or how it is refused. */
  readonly outcome: 'locked' | 'git' | ErrorCode;
  readonly program?: GitProgram;
}

function catalog(...initArgs: readonly string[]): GitFixture {
  const fixture = emptyRepository(...initArgs);
  fixture.commit({ 'manifest.json': '[]\n', 'kept/a.txt': 'one\ntwo\n', 'other/b.txt': 'b\n', 'data.bin': 'x\n' });
  return fixture;
}

function hook(name: string, text = 'exit 0', mode = 0o755) {
  return ({ dir }: GitFixture): void => {
    mkdirSync(join(dir, '.git', 'hooks'), { recursive: true });
    writeFileSync(join(dir, '.git', 'hooks', name), `#!/bin/sh\n${text}\n`, { mode });
  };
}

function globalConfig(text: string): GitProgram {
  const file = join(tempDir(), 'gitconfig');
  writeFileSync(file, text);
  return { ...git, env: { ...git.env, GIT_CONFIG_GLOBAL: file } };
}

const LAYOUTS: Readonly<Record<string, Layout>> = {
  'an ordinary one': { make: () => {}, outcome: 'locked' },
  'a split index': { make: (f) => f.run('update-index', '--split-index'), outcome: 'git' },
  'index version 3': {
    make(f) {
      f.write('later', 'x');
      f.run('add', '-N', 'later');
      assert.equal(readFileSync(join(f.dir, '.git', 'index')).readUInt32BE(4), 3);
    },
    outcome: 'locked',
  },
  'index version 4': { make: (f) => f.run('update-index', '--index-version', '4'), outcome: 'git' },
  'a sparse index': {
    make: (f) => f.run('sparse-checkout', 'set', '--cone', '--sparse-index', 'kept'),
    outcome: 'git',
  },
  'a sparse checkout with a full index': {
    make: (f) => f.run('sparse-checkout', 'set', '--cone', '--no-sparse-index', 'kept'),
    outcome: 'locked',
  },
  'an untracked cache': { make: (f) => f.run('update-index', '--force-untracked-cache'), outcome: 'git' },
  'a file system monitor': {
    make(f) {
      f.run('config', 'core.fsmonitor', '/bin/true');
      f.run('update-index', '--fsmonitor');
    },
    outcome: 'git',
  },
  'threads to read the index (EOIE, IEOT)': {
    make(f) {
      f.run('config', 'index.threads', '2');
      f.commit(Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`many/${i}`, `${i}`])));
      f.run('-c', 'index.threads=2', 'update-index', '--force-write-index');
    },
    outcome: 'locked',
  },
  'a linked worktree': {
    make(f) {
      const dir = join(tempDir(), 'linked');
      f.run('worktree', 'add', '-q', '-b', 'side', dir);
      return fixtureAt(dir);
    },
    outcome: 'locked',
  },
  'packed refs and objects': { make: (f) => f.run('gc', '-q', '--prune=now'), outcome: 'locked' },
  'a shallow clone': {
    make(f) {
      f.commit({ 'kept/a.txt': 'later\n' });
      return cloneOf(`file://${f.dir}`, '--depth', '1');
    },
    outcome: 'locked',
  },
  'a submodule inside': {
    make(f) {
      f.run('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', catalog().dir, 'inner');
      f.commit({});
    },
    outcome: 'locked',
  },
  'a submodule itself': {
    make(f) {
      const outer = emptyRepository();
      outer.run('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', f.dir, 'inner');
      outer.run('-C', 'inner', 'config', 'user.name', 'Ada');
      outer.run('-C', 'inner', 'config', 'user.email', 'ada@example.com');
      return fixtureAt(join(outer.dir, 'inner'));
    },
    outcome: 'locked',
  },
  'a symbolic link and an executable': {
    make(f) {
      symlinkSync('data.bin', join(f.dir, 'link'));
      chmodSync(join(f.dir, 'data.bin'), 0o755);
      f.commit({});
    },
    outcome: 'locked',
  },
  'a detached HEAD': { make: (f) => f.run('checkout', '-q', '--detach'), outcome: 'locked' },
  'no commit yet': { make: () => emptyRepository(), outcome: 'locked' },
  'a branch name with folders, after one whose name is shorter': {
    make(f) {
      f.run('branch', 'topic/a/b');
      f.run('branch', '-D', 'topic/a/b');
      mkdirSync(join(f.dir, '.git', 'refs', 'heads', 'topic', 'a'), { recursive: true });
      mkdirSync(join(f.dir, '.git', 'logs', 'refs', 'heads', 'topic', 'a'), { recursive: true });
      f.run('checkout', '-q', '--orphan', 'topic');
      f.run('rm', '-rfq', '.');
    },
    outcome: 'locked',
  },
  'a file to be added later and one assumed unchanged': {
    make(f) {
      f.write('later', 'x');
      f.run('add', '-N', 'later');
      f.run('update-index', '--assume-unchanged', 'data.bin');
      f.write('data.bin', 'y');
    },
    outcome: 'locked',
  },
  'an unmerged file': {
    make(f) {
      f.write('data.bin', 'stashed');
      f.run('stash', '-q');
      f.commit({ 'data.bin': 'other' });
      assert.throws(() => f.run('stash', 'pop'));
    },
    outcome: 'locked',
  },
  'names that are not UTF-8': {
    make(f) {
      writeFileSync(Buffer.concat([Buffer.from(`${f.dir}/caf`), Buffer.from([0xe9])]), 'x');
      mkdirSync(Buffer.concat([Buffer.from(`${f.dir}/dir`), Buffer.from([0xff])]));
      writeFileSync(Buffer.concat([Buffer.from(`${f.dir}/dir`), Buffer.from([0xff]), Buffer.from('/x')]), 'x');
      f.commit({});
    },
    outcome: 'locked',
  },
  'automatic line ends': { make: (f) => f.run('config', 'core.autocrlf', 'true'), outcome: 'git' },
  'automatic line ends in the global configuration, files with CRLF': {
    make(f) {
      rmSync(join(f.dir, 'manifest.json'));
      f.run('-c', 'core.autocrlf=true', 'checkout', '-q', 'manifest.json');
      assert.equal(readFileSync(join(f.dir, 'manifest.json'), 'latin1'), '[]\r\n');
    },
    program: globalConfig('[core]\n\tautocrlf = true\n'),
    outcome: 'git',
  },
  'line ends in .gitattributes': {
    make: (f) => f.commit({ '.gitattributes': '*.json eol=crlf\n' }),
    outcome: 'git',
  },
  'text=auto in .gitattributes': { make: (f) => f.commit({ '.gitattributes': '* text=auto\n' }), outcome: 'git' },
  'a filter on other files': {
    make(f) {
      f.run('config', 'filter.upper.clean', 'tr a-z A-Z');
      f.commit({ '.gitattributes': '*.txt filter=upper\n', 'kept/c.txt': 'c\n' });
    },
    outcome: 'locked',
  },
  'a filter on the manifest': {
    make: (f) => f.commit({ '.gitattributes': '*.json filter=lfs -text\n' }),
    outcome: 'REPOSITORY_UNSUPPORTED',
  },
  'a pre-commit hook': { make: hook('pre-commit'), outcome: 'git' },
  'a commit-msg hook': { make: hook('commit-msg'), outcome: 'git' },
  'a reference-transaction hook': { make: hook('reference-transaction'), outcome: 'git' },
  'a hook that is switched off': { make: hook('pre-commit', 'exit 1', 0o644), outcome: 'locked' },
  'hooks elsewhere': {
    make(f) {
      f.write('.husky/pre-commit', '#!/bin/sh\nexit 0\n');
      chmodSync(join(f.dir, '.husky', 'pre-commit'), 0o755);
      f.commit({});
      f.run('config', 'core.hooksPath', '.husky');
    },
    outcome: 'git',
  },
  'signed commits': {
    make(f) {
      const key = join(tempDir(), 'key');
      assert.equal(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]).status, 0);
      for (const [name, value] of Object.entries({
        'gpg.format': 'ssh',
        'user.signingKey': key,
        'commit.gpgSign': 'true',
      })) {
        f.run('config', name, value);
      }
    },
    outcome: 'git',
  },
  'files shared with a group': { make: (f) => f.run('config', 'core.sharedRepository', 'group'), outcome: 'git' },
  'replaced objects': {
    make(f) {
      const other = f.run('commit-tree', 'HEAD^{tree}', '-m', 'Replaces').trim();
      f.run('replace', 'HEAD', other);
    },
    outcome: 'git',
  },
  'a branch that stands for another': {
    make(f) {
      f.run('symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
      f.run('symbolic-ref', 'HEAD', 'refs/heads/alias');
    },
    outcome: 'git',
  },
  'a HEAD that is a symbolic link': {
    make(f) {
      rmSync(join(f.dir, '.git', 'HEAD'));
      symlinkSync('refs/heads/main', join(f.dir, '.git', 'HEAD'));
    },
    outcome: 'git',
  },
  'a name in the global configuration only': {
    make(f) {
      f.run('config', '--unset', 'user.name');
      f.run('config', '--unset', 'user.email');
    },
    program: globalConfig('[user]\n\tname = Grace Hopper\n\temail = grace@example.com\n'),
    outcome: 'locked',
  },
  'a merge that waits': {
    make(f) {
      f.run('checkout', '-q', '-b', 'side');
      f.commit({ 'data.bin': 'side' });
      f.run('checkout', '-q', 'main');
      f.run('merge', '-q', '--no-ff', '--no-commit', 'side');
    },
    outcome: 'GIT_OPERATION_IN_PROGRESS',
  },
  'an unknown format version': {
    make: (f) => f.run('config', 'core.repositoryformatversion', '99'),
    outcome: 'REPOSITORY_UNSUPPORTED',
  },
  'SHA-256': { make: () => catalog('--object-format=sha256'), outcome: 'REPOSITORY_UNSUPPORTED' },
  reftable: {
    make(f) {
      f.run('config', 'core.repositoryformatversion', '1');
      f.run('config', 'extensions.refStorage', 'reftable');
    },
    outcome: 'REPOSITORY_UNSUPPORTED',
  },
  'objects borrowed from another': { make: (f) => cloneOf(f.dir, '--shared'), outcome: 'REPOSITORY_UNSUPPORTED' },
  'a partial clone': {
    make(f) {
      f.run('config', 'uploadpack.allowFilter', 'true');
      return cloneOf(`file://${f.dir}`, '--filter=blob:none');
    },
    outcome: 'REPOSITORY_UNSUPPORTED',
  },
};

/** What the user has besides our files, in the last commit, the index and the work tree. */
function others(fixture: GitFixture, { env }: GitProgram) {
  const notOurs = (line: string): boolean => !/\tmanifest\.json\0?$|^M {2}manifest/.test(line);
  const records = (...args: readonly string[]): readonly string[] =>
    spawnSync('git', args, { cwd: fixture.dir, env, encoding: 'latin1' }).stdout.split('\0').filter(notOurs);
  return {
    committed: records('ls-tree', '-r', '-z', 'HEAD'),
    staged: records('ls-files', '-s', '-v', '-z'),
    status: records('status', '--porcelain=v1', '-z', '--untracked-files=all', '--ignored'),
  };
}

describe('the writer for a repository with', () => {
  for (const [name, { make, outcome, program = git }] of Object.entries(LAYOUTS)) {
    it(`${name}: ${outcome}`, async () => {
      const made = catalog();
      const other = make(made);
      const fixture = typeof other === 'object' && other !== null ? (other as GitFixture) : made;
      const changes = [{ path: 'manifest.json', content: MANIFEST }];
      const commit = async () => commitPaths({ repo: await fixture.open(), git: program, changes, message: 'Publish' });
      if (outcome !== 'locked' && outcome !== 'git') {
        const untouched = () =>
          ['index', 'HEAD', 'refs/heads/main'].map((file) => readFileSync(join(fixture.dir, '.git', file)));
        const before = untouched();
        await assert.rejects(commit(), failsWith(outcome));
        assert.deepEqual(untouched(), before);
        return;
      }
      const before = others(fixture, program);
      const chosen = await chooseWriter({ repo: await fixture.open(), git: program, paths: ['manifest.json'] });
      assert.equal(chosen.kind, outcome, chosen.reason ?? undefined);
      const { commit: oid, parent } = await commit();
      assert.equal(fixture.run('rev-parse', 'HEAD').trim(), oid);
      assert.equal(fixture.run('show', 'HEAD:manifest.json'), MANIFEST);
      assert.deepEqual(others(fixture, program), before);
      assertSound(fixture);
      if (name === 'signed commits')
        assert.match(fixture.run('cat-file', 'commit', 'HEAD'), /^gpgsig -----BEGIN SSH SIG/m);
      if (name.startsWith('a name in'))
        assert.equal(fixture.run('log', '-1', '--format=%an %ce'), 'Grace Hopper grace@example.com\n');

      if (parent === null) return;
      await moveBranchTo({ repo: await fixture.open(), git: program, to: parent, expected: oid });
      assert.equal(fixture.run('show', 'HEAD:manifest.json'), '[]\n');
      assert.deepEqual(others(fixture, program), before);
      assertSound(fixture);
    });
  }

  for (const writer of ['locked', 'git'] as const) {
    it(`a blob that a crash left torn: mended by the ${writer} writer`, async () => {
      const fixture = catalog();
      const object = join(fixture.dir, '.git', 'objects', OBJECT_OF_MANIFEST.slice(0, 2), OBJECT_OF_MANIFEST.slice(2));
      mkdirSync(join(object, '..'), { recursive: true });
      writeFileSync(object, '');
      const changes = [{ path: 'manifest.json', content: MANIFEST }];
      await commitPaths({ repo: await fixture.open(), git, changes, message: 'Publish', writer });
      assert.equal(fixture.run('show', 'HEAD:manifest.json'), MANIFEST);
      assertSound(fixture);
    });
  }

  it('a folder that a crash left torn: mended by the locked writer, refused by the git writer', async () => {
    const fixture = catalog();
    const changes = [{ path: 'diffs/a.diff', content: 'a\n' }];
    const torn = { locked: fixture, git: fixtureAt(cloneOf(fixture.dir).dir) };
    fixture.write('diffs/a.diff', 'a\n');
    fixture.run('add', 'diffs');
    const tree = fixture.run('write-tree', '--prefix=diffs/').trim();
    fixture.run('rm', '-rfq', 'diffs');
    for (const [writer, { dir, open }] of Object.entries(torn)) {
      const object = join(dir, '.git', 'objects', tree.slice(0, 2), tree.slice(2));
      rmSync(object, { force: true });
      mkdirSync(join(object, '..'), { recursive: true });
      writeFileSync(object, '');
      const commit = commitPaths({
        repo: await open(),
        git,
        changes,
        message: 'Publish',
        writer: writer as 'locked' | 'git',
      });
      await (writer === 'git' ? assert.rejects(commit, failsWith('REPOSITORY_UNSUPPORTED', /fsck/)) : commit);
    }
    assert.equal(fixture.run('show', 'HEAD:diffs/a.diff'), 'a\n');
    assertSound(fixture);
    assert.equal(torn.git.run('rev-list', '--count', 'HEAD'), '1\n');
    assert.equal(torn.git.status(), '');
  });

  it('a Git directory that cannot be written: says so, and changes nothing', async () => {
    const commit = async (fixture: GitFixture) =>
      commitPaths({
        repo: await fixture.open(),
        git,
        changes: [{ path: 'manifest.json', content: MANIFEST }],
        message: 'x',
      });
    const objects = catalog();
    const folder = join(objects.dir, '.git', 'objects', OBJECT_OF_MANIFEST.slice(0, 2));
    rmSync(folder, { recursive: true, force: true });
    writeFileSync(folder, ''); // stands for missing rights, which root does not feel
    await assert.rejects(commit(objects), failsWith('OUTPUT_UNWRITABLE'));
    assert.equal(objects.status(), '');

    const logs = catalog();
    rmSync(join(logs.dir, '.git', 'logs'), { recursive: true });
    writeFileSync(join(logs.dir, '.git', 'logs'), '');
    const head = logs.run('rev-parse', 'HEAD');
    await assert.rejects(commit(logs), failsWith('OUTPUT_UNWRITABLE'));
    assert.equal(logs.run('rev-parse', 'HEAD'), head);
    assert.equal(logs.status(), '');
    assertSound(logs);
  });

  it('a layout that changed after it was opened: refused', async () => {
    const fixture = catalog();
    const repo = await fixture.open();
    writeFileSync(join(fixture.dir, '.git', 'objects', 'info', 'alternates'), `${catalog().dir}/.git/objects\n`);
    const changes = [{ path: 'manifest.json', content: MANIFEST }];
    await assert.rejects(commitPaths({ repo, git, changes, message: 'x' }), failsWith('REPOSITORY_UNSUPPORTED'));
  });

  it('no git program on the machine: locked, as long as nothing needs one', async () => {
    const fixture = catalog();
    const missing = { ...git, path: join(tempDir(), 'git') };
    const commit = async (content: string) =>
      commitPaths({
        repo: await fixture.open(),
        git: missing,
        changes: [{ path: 'manifest.json', content }],
        message: 'Publish',
      });
    await commit(MANIFEST);
    assert.equal(fixture.run('log', '-1', '--format=%an'), 'Ada Lovelace\n');
    assert.equal(fixture.status(), '');
    assertSound(fixture);
    fixture.commit({ '.gitattributes': '*.json text\n' });
    await assert.rejects(commit('[]\n'), failsWith('GIT_MISSING', /gitattributes/));
    fixture.run('rm', '-q', '.gitattributes');
    fixture.commit({});
    hook('pre-commit')(fixture);
    await assert.rejects(commit('[]\n'), failsWith('GIT_MISSING'));
    assert.equal(fixture.status(), '');
  });
});

describe('hooks of a commit', () => {
  const commit = async (fixture: GitFixture, content = MANIFEST) =>
    commitPaths({
      repo: await fixture.open(),
      git,
      changes: [
        { path: 'manifest.json', content },
        { path: 'diffs/a.diff', content: '+1\n' },
      ],
      message: 'Publish utopia v2',
    });

  it('run in their order, and see what is committed in index and work tree', async () => {
    const fixture = catalog();
    const log = join(tempDir(), 'log');
    fixture.write('data.bin', 'staged');
    fixture.run('add', 'data.bin');
    const before = fixture.status();
    for (const name of ['pre-commit', 'prepare-commit-msg', 'commit-msg', 'post-commit']) {
      hook(
        name,
        `echo "${name}: $(git diff --cached --name-only HEAD | xargs) $(git diff --name-only | xargs) $(cat manifest.json | xargs) $2" >> ${log}`,
      )(fixture);
    }
    await commit(fixture);
    assert.deepEqual(
      readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.trim()),
      [
        'pre-commit: diffs/a.diff manifest.json data.bin [ new ]',
        'prepare-commit-msg: diffs/a.diff manifest.json data.bin [ new ] message',
        'commit-msg: diffs/a.diff manifest.json data.bin [ new ]',
        'post-commit: data.bin  [ new ]',
      ],
    );
    assert.equal(fixture.status(), before);
    assertSound(fixture);
  });

  it('may change the message', async () => {
    const fixture = catalog();
    hook('commit-msg', 'echo "Change-Id: I123" >> "$1"')(fixture);
    await commit(fixture);
    assert.match(fixture.run('log', '-1', '--format=%B'), /^Publish utopia v2\nChange-Id: I123\n/);
    assertSound(fixture);
  });

  for (const name of ['pre-commit', 'prepare-commit-msg', 'commit-msg']) {
    it(`may refuse: ${name}`, async () => {
      const fixture = catalog();
      hook(name, 'echo "Not on a Friday" >&2; exit 3')(fixture);
      const head = fixture.run('rev-parse', 'HEAD');
      await assert.rejects(commit(fixture), failsWith('HOOK_REFUSED', /Not on a Friday/));
      assert.equal(fixture.run('rev-parse', 'HEAD'), head);
      assert.equal(fixture.status(), '');
      assert.equal(existsSync(join(fixture.dir, 'diffs')), false);
      assertSound(fixture);
    });
  }

  it('may not change what is committed', async () => {
    const fixture = catalog();
    hook('pre-commit', 'echo more > data.bin; git add data.bin')(fixture);
    const head = fixture.run('rev-parse', 'HEAD');
    await assert.rejects(commit(fixture), failsWith('HOOK_REFUSED', /changes what is committed/));
    assert.equal(fixture.run('rev-parse', 'HEAD'), head);
    assert.equal(fixture.status(), ' M data.bin\0');
    assertSound(fixture);
  });

  for (const [how, after] of Object.entries({ 'and accepts': 'exit 0', 'and refuses': 'exit 1' })) {
    it(`are undone when one rewrites our files ${how}`, async () => {
      const fixture = catalog();
      hook(
        'pre-commit',
        `tr -d '\\n' < manifest.json > x; mv x manifest.json; git add manifest.json; ${after}`,
      )(fixture);
      await assert.rejects(commit(fixture), failsWith('HOOK_REFUSED'));
      assert.equal(fixture.status(), '');
      assertSound(fixture);
    });
  }

  it('are cleaned up after when the process is killed', async () => {
    const call = `
      const changes = [{ path: 'manifest.json', content: '[2]' }, { path: 'diffs/x.diff', content: 'x' }];
      await commitPaths({ repo, git, changes, message: 'Dies' });`;
    const imports = "import { commitPaths } from './src/core/repo/commitPaths';";
    for (const step of ['pre-commit', 'after commit-msg', 'update-ref', 'after update-ref']) {
      const fixture = catalog();
      hook('commit-msg')(fixture);
      fixture.write('data.bin', 'dirty');
      dieAt(fixture.dir, step, imports, call);
      await recoverInterruptedCommit(await fixture.open());
      assert.equal(fixture.status(), ' M data.bin\0', step);
      assert.equal(fixture.run('rev-list', '--count', 'HEAD'), step === 'after update-ref' ? '2\n' : '1\n', step);
      assertSound(fixture);
    }
  }).timeout(60_000);

  it('run when git has no "hook" command yet', async () => {
    const fixture = catalog();
    hook('commit-msg', 'echo "Old git" >> "$1"')(fixture);
    const program = join(tempDir(), 'git');
    const old = `echo "git: 'hook' is not a git command. See 'git --help'." >&2; exit 1`;
    writeFileSync(program, `#!/bin/sh\n[ "$1" = hook ] && { ${old}; }\nexec git "$@"\n`, { mode: 0o755 });
    const changes = [{ path: 'manifest.json', content: MANIFEST }];
    await commitPaths({ repo: await fixture.open(), git: { ...git, path: program }, changes, message: 'Publish' });
    assert.match(fixture.run('log', '-1', '--format=%B'), /Old git/);
    hook('pre-commit', 'exit 1')(fixture);
    const more = [{ path: 'manifest.json', content: '[]\n' }];
    await assert.rejects(
      commitPaths({ repo: await fixture.open(), git: { ...git, path: program }, changes: more, message: 'Publish' }),
      failsWith('HOOK_REFUSED', /pre-commit/),
    );
    assert.equal(fixture.status(), '');
  });
});
