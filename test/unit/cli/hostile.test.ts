import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { DatasetRow } from '../../../src/core/operations/listDatasets';
import type { PublishResult } from '../../../src/core/operations/publishVersion';
import { type CatalogFolder, newCatalog, runCli, snapshot } from '../../support/cli';
import { runIn } from '../../support/gitFixture';
import { type R2Emulator, startR2Emulator } from '../../support/r2Emulator';
import { makeSqlite } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Runs a command that must fail with exit code 1 and this code, leaving every file of the repository and the store as it was. */
async function refused(catalog: CatalogFolder, code: string, ...args: readonly string[]): Promise<Refusal> {
  const before = [snapshot(catalog.dir), existsSync(catalog.store) && snapshot(catalog.store)];
  const [json, text] = await Promise.all([catalog.run('--json', ...args), catalog.run(...args)]);
  const error = JSON.parse(json.stdout).error as Refusal;
  assert.deepEqual([error.code, json.code, json.stderr], [code, 1, ''], JSON.stringify(error));
  assert.deepEqual([text.code, text.stdout], [1, '']);
  assert.match(text.stderr, /^datamanager: [^\n]+\n(hint: [^\n]+\n)?$/);
  assert.deepEqual([snapshot(catalog.dir), existsSync(catalog.store) && snapshot(catalog.store)], before);
  return error;
}

describe('datamanager against hostile input', function () {
  this.timeout(60_000);
  let catalog: CatalogFolder;
  let broken: CatalogFolder;
  let file: string;

  before(async () => {
    [catalog, broken] = await Promise.all([newCatalog(), newCatalog()]);
    file = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 2)');
  });

  const badNames: readonly (readonly [name: string, says: RegExp])[] = [
    ['../../x.sqlite', /leads out of its folder/],
    ['/etc/x.sqlite', /absolute path/],
    ['C:/x.sqlite', /absolute path|character/],
    ['con.sqlite', /reserved name on Windows/],
    [`${'n'.repeat(300)}.sqlite`, /longer than/],
    ['a\x1b]0;owned\x07.sqlite', /character/],
    ['x@v2', /character/],
    ['', /empty/],
    ['.git/config', /Git/],
  ];
  for (const [name, says] of badNames) {
    it(`refuses the name ${JSON.stringify(name.slice(0, 30))}`, async () => {
      assert.match((await refused(catalog, 'NAME_INVALID', 'create', name, file)).message, says);
      await refused(catalog, 'NAME_INVALID', 'push', file, '--name', name);
    });
  }

  it('publishes, lists and pulls names that are only unusual', async () => {
    const other = await newCatalog();
    for (const name of ['__proto__', 'constructor', '😀 漢字/données.sqlite', '-rf']) {
      const created = await other.json<PublishResult>('create', '--no-push', '--', name, file).catch(() => null);
      // Behind -- a flag is an argument: --json has to stand before it.
      assert.equal(created, null);
      const { code, stdout, stderr } = await other.run('create', '--json', '--', name, file);
      assert.equal(code, 0, stderr + stdout);
      assert.equal(JSON.parse(stdout).name, name);
      const out = join(tempDir(), 'out.sqlite');
      assert.equal((await other.run('pull', '-o', out, '--', name)).code, 0);
      assert.deepEqual(readFileSync(out), readFileSync(file));
    }
    const rows = await other.json<DatasetRow[]>('list');
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['__proto__', 'constructor', '😀 漢字/données.sqlite', '-rf'],
    );
    const { stdout } = await other.run('list');
    assert.match(stdout, /^😀 漢字\/données\.sqlite {2}v1 /m);
    assert.equal(runIn(other.dir, ['fsck', '--strict']), '');
  });

  it('reads a file whose name looks like an option', async () => {
    const other = await newCatalog();
    writeFileSync(join(other.dir, '-x'), readFileSync(file));
    assert.equal((await other.run('create', 'x.sqlite', '-x')).code, 2);
    assert.equal((await other.run('create', 'x.sqlite', '--', '-x')).code, 0);
  });

  it('refuses inputs that are no data file', async () => {
    const folder = tempDir();
    const empty = join(folder, 'empty.sqlite');
    writeFileSync(empty, '');
    await refused(catalog, 'FILE_EMPTY', 'create', 'a.sqlite', empty);
    await refused(catalog, 'FILE_NOT_REGULAR', 'create', 'a.sqlite', folder);
    await refused(catalog, 'FILE_NOT_FOUND', 'create', 'a.sqlite', join(folder, 'missing'));
    await refused(catalog, 'FILE_NOT_REGULAR', 'create', 'a.sqlite', '/dev/zero');
    const live = await makeSqlite('CREATE TABLE t(x)');
    writeFileSync(`${live}-wal`, 'frames');
    await refused(catalog, 'FILE_HAS_JOURNAL', 'create', 'a.sqlite', live);
  });

  it('refuses names that are taken or missing', async () => {
    await catalog.json('create', 'taken.sqlite', file);
    const taken = await refused(catalog, 'DATASET_EXISTS', 'create', 'taken.sqlite', file);
    assert.match(taken.hint ?? '', /datamanager update taken\.sqlite/);
    await refused(catalog, 'DATASET_EXISTS', 'create', 'TAKEN.sqlite', file);
    await refused(catalog, 'DATASET_NOT_FOUND', 'update', 'missing.sqlite', file);
    await refused(catalog, 'DATASET_NOT_FOUND', 'pull', 'missing.sqlite');
    await refused(catalog, 'VERSION_NOT_FOUND', 'pull', 'taken.sqlite@v9');
    await refused(catalog, 'REFERENCE_INVALID', 'pull', 'taken.sqlite@newest');
    await refused(catalog, 'VERSION_NOT_FOUND', 'info', 'sha256:0123456789ab');
    await refused(catalog, 'DATASET_NOT_FOUND', 'history', '__proto__');
    await refused(catalog, 'COMMIT_NOT_FOUND', 'log', '--branch', 'nowhere');
    await refused(catalog, 'NOT_SQLITE', 'diff', 'taken.sqlite', './manifest.json');
    await refused(catalog, 'FILE_NOT_FOUND', 'diff', 'taken.sqlite', './missing.sqlite');
  });

  it('refuses wrong usage with exit code 2', async () => {
    for (const args of [
      ['pull', 'taken.sqlite@v1', '--version', 'v1'],
      ['diff', 'a', 'b', '--sql', '--json'],
      ['diff', 'a', 'b', '--limit', '-1'],
      ['diff', 'a', 'b', '--limit=many'],
      ['diff', 'a', 'b', '--context', 'all'],
      ['diff', 'a', 'b', '--context', '2', '--json'],
      ['lineage'],
      ['lineage', 'taken.sqlite', '--parent', 'x'],
      ['gc'],
    ]) {
      assert.equal((await catalog.run(...args)).code, 2, args.join(' '));
    }
  });

  const badManifests: readonly (readonly [what: string, text: string, says: RegExp])[] = [
    ['no JSON', '[{"fileName": ', /manifest\.json:1:\d+: not valid JSON/],
    ['conflict markers', '<<<<<<< HEAD\n[]\n=======\n[]\n>>>>>>> x\n', /not valid JSON/],
    ['an array of garbage', '[1, null, "x", [], {"a": 1}]', /manifest\.json:1:2: \[0\] must be an object/],
    ['an object without a name', '[{"history": []}]', /fileName must be the name/],
    ['an empty history', '[{"fileName": "a", "history": []}]', /must not be empty/],
    [
      'a key of a wrong kind',
      '[{"fileName": "a", "history": [{"version": "v1", "sha256": 1, "r2_object_key": []}]}]',
      /sha256/,
    ],
  ];
  for (const [what, text, says] of badManifests) {
    it(`refuses a manifest with ${what}`, async () => {
      writeFileSync(join(broken.dir, 'manifest.json'), text);
      for (const args of [['list'], ['create', 'a.sqlite', file]]) {
        assert.match((await refused(broken, 'MANIFEST_INVALID', ...args)).message, says);
      }
    });
  }

  it('tries the store and tells the log while the manifest is broken', async () => {
    writeFileSync(join(broken.dir, 'manifest.json'), 'nonsense');
    for (const args of [
      ['pull', 'a.sqlite'],
      ['history', 'a.sqlite'],
      ['info', 'a.sqlite'],
    ]) {
      await refused(broken, 'MANIFEST_INVALID', ...args);
    }
    for (const command of ['verify', 'log', 'refs']) assert.equal((await broken.run(command)).code, 0, command);
  });

  it('never lets a name drive the terminal', async () => {
    const other = await newCatalog();
    await other.json('create', 'a.sqlite', file);
    const hostile = 'a\x1b]0;owned\x07\u202e.sqlite';
    const manifest = readFileSync(join(other.dir, 'manifest.json'), 'utf8');
    writeFileSync(join(other.dir, 'manifest.json'), manifest.replace('"a.sqlite"', JSON.stringify(hostile)));
    const commit = ['-c', 'user.name=A\x1b[2J', '-c', 'user.email=a@example.org', 'commit', '-qam', 'x\x1b[31m'];
    runIn(other.dir, commit);
    const control = (text: string) => [...text].filter((character) => character < ' ' && character !== '\n');
    for (const args of [
      ['list'],
      ['list', '--json'],
      ['info', hostile],
      ['history', hostile],
      ['log'],
      ['lineage', hostile],
    ]) {
      const { stdout, stderr, code } = await other.run(...args);
      assert.deepEqual([code, control(stdout + stderr), /\u202e/.test(stdout)], [0, [], false], args.join(' '));
      assert.match(stdout, /\\(x|u00)1b/);
    }
    const { stderr } = await other.run('pull', hostile);
    assert.deepEqual(control(stderr), []);
  });

  it('does not follow a name that leads out of the folder', async () => {
    const other = await newCatalog();
    const { sha256 } = await other.json<PublishResult>('create', 'a.sqlite', file);
    const manifest = readFileSync(join(other.dir, 'manifest.json'), 'utf8');
    writeFileSync(join(other.dir, 'manifest.json'), manifest.replace('"a.sqlite"', '"../../../escape.sqlite"'));
    await refused(other, 'NAME_INVALID', 'pull', '../../../escape.sqlite');
    const out = join(tempDir(), 'safe.sqlite');
    assert.equal((await other.json<PublishResult>('pull', '../../../escape.sqlite', '-o', out)).sha256, sha256);
  });

  it('does not read a key that leads out of the store', async () => {
    const other = await newCatalog();
    const { key } = await other.json<PublishResult>('create', 'a.sqlite', file);
    const manifest = readFileSync(join(other.dir, 'manifest.json'), 'utf8');
    writeFileSync(join(other.dir, 'manifest.json'), manifest.replace(key, '../../../../etc/passwd'));
    const { code, stdout } = await runCli(['pull', 'a.sqlite', '--json', '-o', join(tempDir(), 'x')], {
      cwd: other.dir,
      env: { DATAMANAGER_CACHE: tempDir() },
    });
    assert.deepEqual([code, JSON.parse(stdout).error.code], [1, 'KEY_INVALID']);
  });

  it('leaves the manifest alone when it has changes that are not committed', async () => {
    const other = await newCatalog();
    writeFileSync(join(other.dir, 'manifest.json'), '[ ]\n');
    await refused(other, 'PATH_DIRTY', 'create', 'a.sqlite', file);
  });

  it('says what is wrong with settings, and what is missing in them', async () => {
    const other = await newCatalog();
    const settings = join(other.dir, '.datamanager.json');
    writeFileSync(settings, '{"store": {"type": "ftp"}}');
    assert.match((await refused(other, 'SETTINGS_INVALID', 'verify')).message, /\.datamanager\.json:1:20: store\.type/);
    writeFileSync(settings, '{}');
    assert.match((await refused(other, 'STORE_NOT_CONFIGURED', 'verify')).hint ?? '', /R2_ACCOUNT_ID/);
    writeFileSync(settings, '{"store": {"type": "s3", "endpoint": "http://127.0.0.1:1", "bucket": "b"}}');
    assert.match((await refused(other, 'CREDENTIALS_MISSING', 'verify')).hint ?? '', /R2_ACCESS_KEY_ID/);
  });

  it('writes out what settings would send to the terminal', async () => {
    const other = await newCatalog();
    writeFileSync(join(other.dir, '.datamanager.json'), '{"store": {"type": "folder", "path": "\\u001b[2J"}}');
    const { stdout, stderr } = await other.run('verify');
    assert.ok(!`${stdout}${stderr}`.includes('\x1b'), stdout);
    assert.match(stdout, /\\x1b\[2J/);
  });

  it('names a store folder that is gone', async () => {
    const other = await newCatalog();
    await other.json('create', 'a.sqlite', file);
    renameSync(other.store, `${other.store}-unplugged`);
    const changed = await makeSqlite('INSERT INTO t VALUES(5, 6)', { from: file });
    const { message } = await refused(other, 'STORE_UNREACHABLE', 'update', 'a.sqlite', changed);
    assert.ok(message.includes(other.store), message);
    const verify = await other.run('verify', '--json');
    assert.equal(verify.code, 1);
    assert.equal(JSON.parse(verify.stdout).ok, false);
    assert.equal(existsSync(other.store), false);
  });

  it('refuses a damaged object and keeps the local file', async () => {
    const other = await newCatalog();
    const { key, sha256 } = await other.json<PublishResult>('create', 'a.sqlite', file);
    const object = join(other.store, key);
    const bytes = readFileSync(object);
    const last = bytes.length - 1;
    bytes.writeUInt8(bytes.readUInt8(last) ^ 1, last);
    chmodSync(object, 0o644);
    writeFileSync(object, bytes);
    const work = tempDir();
    writeFileSync(join(work, 'a.sqlite'), 'my own');
    const before = snapshot(work);
    const { code, stdout } = await runCli(['pull', 'a.sqlite', '--repo', other.dir, '--json'], {
      cwd: work,
      env: { DATAMANAGER_CACHE: join(tempDir(), 'empty') },
    });
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, error.code, error.data.expected], [1, 'HASH_MISMATCH', sha256]);
    assert.match(error.data.actual, /^[0-9a-f]{64}$/);
    assert.notEqual(error.data.actual, sha256);
    assert.deepEqual(snapshot(work), before);
  });

  it('says when an object is gone, and where it may not write', async () => {
    const other = await newCatalog();
    const { key } = await other.json<PublishResult>('create', 'a.sqlite', file);
    renameSync(join(other.store, key), join(other.store, 'aside'));
    const env = { DATAMANAGER_CACHE: tempDir() };
    const gone = await runCli(['pull', 'a.sqlite', '-o', 'x.sqlite', '--json'], { cwd: other.dir, env });
    assert.deepEqual([gone.code, JSON.parse(gone.stdout).error.code], [1, 'OBJECT_MISSING']);
    renameSync(join(other.store, 'aside'), join(other.store, key));
    await refused(other, 'OUTPUT_UNWRITABLE', 'pull', 'a.sqlite', '-o', 'manifest.json/x.sqlite');
  });
});

describe('datamanager with a bucket', function () {
  this.timeout(120_000);
  let emulator: R2Emulator;
  let file: string;
  let catalog: CatalogFolder;

  before(async () => {
    emulator = await startR2Emulator();
    file = await makeSqlite('CREATE TABLE t(x); INSERT INTO t VALUES(1)');
    catalog = await newCatalog();
  });
  after(() => emulator.stop());

  /** Points the repository to a bucket; gives the environment that opens it. */
  const use = (
    endpoint: string,
    bucket: string,
    secret = emulator.credentials.secretAccessKey,
  ): Record<string, string> => {
    const settings = join(catalog.dir, '.datamanager.json');
    writeFileSync(settings, JSON.stringify({ schemaVersion: 1, store: { type: 's3', endpoint, bucket } }));
    return {
      R2_ACCESS_KEY_ID: emulator.credentials.accessKeyId,
      R2_SECRET_ACCESS_KEY: secret,
      DATAMANAGER_CACHE: tempDir(),
    };
  };

  const failsWith = async (code: string, env: Record<string, string>): Promise<void> => {
    const before = snapshot(catalog.dir);
    const create = await runCli(['create', 'a.sqlite', file, '--json'], { cwd: catalog.dir, env });
    assert.deepEqual([create.code, JSON.parse(create.stdout).error?.code], [1, code], create.stdout + create.stderr);
    const verify = await runCli(['verify', '--json'], { cwd: catalog.dir, env });
    const { ok, checks } = JSON.parse(verify.stdout);
    assert.deepEqual([verify.code, ok, checks.length], [1, false, 5]);
    assert.deepEqual(snapshot(catalog.dir), before);
    for (const { stdout, stderr } of [create, verify]) {
      assert.doesNotMatch(stdout + stderr, new RegExp(env.R2_SECRET_ACCESS_KEY ?? '^'));
    }
  };

  it('says that a bucket is missing', () => failsWith('BUCKET_MISSING', use(emulator.endpoint, 'no-such-bucket')));

  it('says that keys are wrong', () =>
    failsWith('CREDENTIALS_REJECTED', use(emulator.endpoint, emulator.bucket, 'wrong'.repeat(8))));

  it('says that nobody answers', async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    await new Promise((resolve) => server.close(resolve));
    await failsWith('STORE_UNREACHABLE', use(`http://127.0.0.1:${port}`, emulator.bucket));
  });

  it('publishes and pulls, with the credentials of a .env file', async () => {
    const env = use(emulator.endpoint, emulator.bucket);
    const { R2_ACCESS_KEY_ID, R2_SECRET_ACCESS_KEY, ...rest } = env;
    const lines = [
      `export R2_ACCESS_KEY_ID="${R2_ACCESS_KEY_ID}"`,
      `R2_SECRET_ACCESS_KEY=${R2_SECRET_ACCESS_KEY} # ours`,
    ];
    writeFileSync(join(catalog.dir, '.env'), `${lines.join('\n')}\n`);
    runIn(catalog.dir, ['-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit', '-qam', 'Use the bucket']);
    const created = await runCli(['create', 'a.sqlite', file, '--json'], { cwd: catalog.dir, env: rest });
    assert.equal(created.code, 0, created.stdout + created.stderr);
    const sub = join(catalog.dir, 'sub');
    mkdirSync(sub);
    const pulled = await runCli(['pull', 'a.sqlite', '--json'], {
      cwd: sub,
      env: { ...rest, DATAMANAGER_CACHE: tempDir() },
    });
    assert.equal(pulled.code, 0, pulled.stdout);
    assert.deepEqual([JSON.parse(pulled.stdout).from, JSON.parse(pulled.stdout).path], ['full', join(sub, 'a.sqlite')]);
    const verify = await runCli(['verify', '--json'], { cwd: catalog.dir, env: rest });
    assert.equal(JSON.parse(verify.stdout).ok, true, verify.stdout);
  });
});
