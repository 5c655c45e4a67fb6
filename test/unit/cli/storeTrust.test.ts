import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bucketAccess } from '../../../src/cli/bucketAccess';
import { DataManagerError } from '../../../src/core/errors';
import { openRepository } from '../../../src/core/repo/openRepository';
import { runCli } from '../../support/cli';
import { bareRemote, git, identify, runIn } from '../../support/gitFixture';
import { type R2Emulator, startR2Emulator } from '../../support/r2Emulator';
import { makeSqlite } from '../../support/sqliteFixture';
import { filesOf, type StaticServer, startServer } from '../../support/staticServer';
import { tempDir } from '../../support/tempDir';

describe('buckets that a repository names', function () {
  this.timeout(60_000);
  let r2: R2Emulator;
  let stranger: StaticServer;
  let file: string;

  before(async () => {
    r2 = await startR2Emulator();
    stranger = await startServer((_, response) => response.writeHead(404).end());
    file = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 2)');
  });
  after(async () => {
    await stranger.stop();
    await r2.stop();
  });

  const keys = () => ({
    R2_ACCESS_KEY_ID: r2.credentials.accessKeyId,
    R2_SECRET_ACCESS_KEY: r2.credentials.secretAccessKey,
  });

  /** What a person has after `git clone` of somebody's repository. */
  function cloned(
    files: Readonly<Record<string, string>> = {},
    endpoint = `${stranger.url}/`,
    more: object = {},
  ): string {
    const dir = join(tempDir(), 'clone');
    const url = bareRemote();
    runIn(tempDir(), ['clone', '-q', url, dir]);
    const settings = { schemaVersion: 1, store: { type: 's3', endpoint, bucket: 'data' }, ...more };
    const all = { 'manifest.json': '[]\n', '.datamanager.json': JSON.stringify(settings), ...files };
    for (const [name, text] of Object.entries(all)) writeFileSync(join(dir, name), text);
    identify(dir);
    runIn(dir, ['add', '-f', 'manifest.json', '.datamanager.json']);
    runIn(dir, ['commit', '-q', '-m', 'Theirs']);
    runIn(dir, ['push', '-q']);
    return dir;
  }

  interface Run {
    readonly code: number | null;
    readonly error: { readonly code: string; readonly hint: string } | null;
    readonly asked: boolean;
  }

  async function verify(dir: string, env: Record<string, string> = {}, ...args: readonly string[]): Promise<Run> {
    stranger.requests.length = 0;
    const { code, stdout } = await runCli(['verify', '--json', ...args], {
      cwd: dir,
      env: { HOME: tempDir(), ...keys(), ...env },
    });
    return { code, error: JSON.parse(stdout).error ?? null, asked: stranger.requests.length > 0 };
  }

  it('get nothing from a clone: no request, and a hint that names --yes', async () => {
    const run = await verify(cloned());
    assert.deepEqual([run.code, run.error?.code, run.asked], [1, 'STORE_NOT_TRUSTED', false]);
    assert.match(run.error?.hint ?? '', /--yes/);
    const published = await runCli(['push', file], { cwd: cloned(), env: { HOME: tempDir(), ...keys() } });
    assert.equal(published.code, 1);
    assert.match(published.stderr, /was not agreed to/);
    assert.equal(stranger.requests.length, 0);
  });

  it('can not pass for another one in the question', async () => {
    const host = new URL(stranger.url).host;
    const dir = cloned({}, `http://abc.r2.cloudflarestorage.com@${host}`);
    assert.equal((await verify(dir, {}, '--yes')).error?.code, 'SETTINGS_INVALID');
    const bucket = 'data" at https://abc.r2.cloudflarestorage.com';
    const store = { type: 's3', endpoint: stranger.url, bucket };
    const named = await verify(cloned({}, '', { store }), {}, '--yes');
    assert.deepEqual([named.error?.code, named.asked], ['SETTINGS_INVALID', false]);
  });

  it('are asked about with their address in plain letters, and a word where others can read along', async () => {
    const repository = await openRepository(cloned());
    const asked: string[] = [];
    const confirm = async (question: string) => {
      asked.push(question);
      return false;
    };
    const access = bucketAccess({ repository, env: { ...git.env, HOME: tempDir() }, dotEnv: {}, confirm });
    for (const endpoint of ['https://\u0430bc.example:443/x', 'http://S3.example', 'http://localhost:9']) {
      const store = { type: 's3', endpoint, bucket: 'data' } as const;
      await assert.rejects(access.requireTrust(store), (error) => DataManagerError.is(error, 'STORE_NOT_TRUSTED'));
    }
    for (const bad of [{ bucket: 'data" at https://abc.example' }, { endpoint: 'https://abc.example@evil.example' }]) {
      const store = { type: 's3', endpoint: 'https://evil.example', bucket: 'data', ...bad } as const;
      await assert.rejects(access.requireTrust(store), (error) => DataManagerError.is(error, 'SETTINGS_INVALID'));
    }
    assert.equal(asked.length, 3);
    assert.match(asked[0] ?? '', /"data" at https:\/\/xn--bc-6kc\.example\/x\? .* ask for it\.$/);
    assert.match(asked[1] ?? '', /at http:\/\/s3\.example\? .* The connection is not encrypted\.$/);
    assert.match(asked[2] ?? '', /at http:\/\/localhost:9\? .* ask for it\.$/);
  });

  it('get what they want once the user agreed, in any repository, and no other bucket does', async () => {
    const env = { HOME: tempDir() };
    assert.equal((await verify(cloned(), env, '--yes')).asked, true);
    assert.equal((await verify(cloned(), env)).asked, true);
    assert.equal((await verify(cloned({}, stranger.url.toUpperCase().replace('HTTP', 'http')), env)).asked, true);
    assert.equal((await verify(cloned({}, `${stranger.url}/other`), env)).error?.code, 'STORE_NOT_TRUSTED');
    const folder = join(env.HOME, '.config/datamanager');
    assert.deepEqual(readdirSync(folder), ['trusted-stores.json']);
    const list = join(folder, 'trusted-stores.json');
    assert.equal(statSync(list).mode & 0o777, 0o600);
    assert.deepEqual(JSON.parse(readFileSync(list, 'utf8')).stores, [{ endpoint: `${stranger.url}/`, bucket: 'data' }]);
    writeFileSync(list, 'garbage');
    assert.equal((await verify(cloned(), env)).error?.code, 'STORE_NOT_TRUSTED');
  });

  it('are trusted when the environment names them, or nobody else can have', async () => {
    assert.equal((await verify(cloned(), { AWS_ENDPOINT_URL_S3: stranger.url })).asked, true);
    assert.equal((await verify(cloned(), { R2_ENDPOINT: stranger.url, R2_BUCKET: 'mine' })).asked, false);
    assert.equal((await verify(cloned(), { R2_ENDPOINT: 'http://127.0.0.1:9' })).asked, false);
    const own = cloned();
    runIn(own, ['remote', 'remove', 'origin']);
    assert.equal((await verify(own)).asked, true);
  });

  it('are not made trusted by a .env that came with the clone, but by one of the user', async () => {
    const text = `R2_ENDPOINT=${stranger.url}\nR2_ACCESS_KEY_ID=theirs\nR2_SECRET_ACCESS_KEY=theirs\n`;
    const mine = cloned({ '.env': text });
    assert.equal((await verify(mine)).asked, true);
    for (const name of ['.env', '.ENV']) {
      const theirs = cloned({ '.env': text });
      if (name !== '.env') renameSync(join(theirs, '.env'), join(theirs, name));
      runIn(theirs, ['add', '-f', name]);
      writeFileSync(join(theirs, '.env'), text);
      assert.equal((await verify(theirs)).error?.code, 'STORE_NOT_TRUSTED', name);
    }
    const noSettings = cloned({ '.env': `${text}R2_BUCKET=data\n`, '.datamanager.json': '{"schemaVersion":1}' });
    runIn(noSettings, ['add', '-f', '.env']);
    assert.equal((await verify(noSettings)).error?.code, 'STORE_NOT_TRUSTED');
  });

  it('are agreed to by whoever types them into init', async () => {
    const env = { HOME: tempDir(), ...keys() };
    const dir = tempDir();
    const made = await runCli(['init', '--store', 's3://data', '--endpoint', stranger.url], { cwd: dir, env });
    assert.equal(made.code, 0, made.stderr);
    runIn(dir, ['remote', 'add', 'origin', bareRemote()]);
    assert.equal((await verify(dir, env)).asked, true);
  });

  it('take the keys of a profile when it is asked for by name, and not otherwise', async () => {
    const home = tempDir();
    mkdirSync(join(home, '.aws'));
    const { accessKeyId, secretAccessKey } = r2.credentials;
    const text = `[work]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
    writeFileSync(join(home, '.aws/credentials'), text);
    const none = { HOME: home, R2_ACCESS_KEY_ID: '', R2_SECRET_ACCESS_KEY: '', R2_ENDPOINT: r2.endpoint };
    const dir = cloned({}, r2.endpoint);
    assert.equal((await verify(dir, { ...none, AWS_PROFILE: 'work' })).error?.code, 'CREDENTIALS_MISSING');
    assert.equal((await verify(dir, { ...none, DATAMANAGER_PROFILE: 'work' })).code, 0);
    const absent = await verify(dir, { ...none, DATAMANAGER_PROFILE: 'home' });
    assert.equal(absent.error?.code, 'CREDENTIALS_MISSING');
    const asking = cloned({ '.env': 'DATAMANAGER_PROFILE=work\n' }, r2.endpoint);
    assert.equal((await verify(asking, none)).error?.code, 'CREDENTIALS_MISSING', 'a file of a clone is not the user');
  });

  it('are passed by where the public address serves: pull and diff without keys, and without a question', async () => {
    const objects = tempDir();
    const site = await startServer(filesOf(objects));
    const made = join(tempDir(), 'made');
    const env = { HOME: tempDir() };
    mkdirSync(made);
    assert.equal((await runCli(['init', '--store', `folder:${objects}`], { cwd: made, env })).code, 0);
    const next = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 3)');
    for (const [command, input] of [
      ['create', file],
      ['update', next],
    ] as const) {
      const { code, stderr } = await runCli([command, 'energy/ü t.sqlite', input], { cwd: made, env });
      assert.equal(code, 0, stderr);
    }
    const manifest = readFileSync(join(made, 'manifest.json'), 'utf8');
    for (const store of [
      { type: 's3', endpoint: stranger.url, bucket: 'data' },
      { type: 'folder', path: '../nowhere' },
      null,
    ]) {
      const dir = cloned({ 'manifest.json': manifest }, '', { store, publicUrl: `${site.url}/` });
      stranger.requests.length = 0;
      const run = (...args: readonly string[]) =>
        runCli(args, { cwd: dir, env: { HOME: tempDir(), DATAMANAGER_CACHE: tempDir() } });
      const pulled = await run('pull', 'energy/ü t.sqlite@v1');
      assert.equal(pulled.code, 0, pulled.stderr);
      assert.deepEqual(readFileSync(join(dir, 'energy/ü t.sqlite')), readFileSync(file));
      assert.match((await run('diff', 'energy/ü t.sqlite@v1', 'energy/ü t.sqlite@v2')).stdout, /2.*3/s);
      assert.equal((await run('push', next, '--name', 'other.sqlite')).code, 1, 'it is for reading only');
      assert.equal(stranger.requests.length, 0);
    }
    await site.stop();
  });
});
