import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Certificate, selfSigned } from '../../support/certificate';
import { type CliResult, runCli } from '../../support/cli';
import { type ForwardProxy, startForwardProxy } from '../../support/forwardProxy';
import { type R2Emulator, startR2Emulator } from '../../support/r2Emulator';
import { makeSqlite } from '../../support/sqliteFixture';
import { filesOf, type StaticServer, startServer } from '../../support/staticServer';
import { tempDir } from '../../support/tempDir';

describe('datamanager behind a proxy and with a CA of its own', function () {
  this.timeout(60_000);
  let r2: R2Emulator;
  let certificate: Certificate;
  let site: StaticServer;
  let toR2: ForwardProxy;
  let toSite: ForwardProxy;
  let dir: string;
  let file: string;

  before(async function () {
    const made = selfSigned('127.0.0.1', 'site.invalid', 'away.invalid');
    if (!made) return this.skip();
    certificate = made;
    const objects = tempDir();
    r2 = await startR2Emulator();
    site = await startServer((request, response) => {
      if (request.headers.host?.startsWith('away.invalid')) {
        response.writeHead(302, { location: `https://site.invalid${request.url}` }).end();
      } else filesOf(objects)(request, response);
    }, certificate);
    toR2 = await startForwardProxy(r2.port);
    toSite = await startForwardProxy(site.port);
    dir = join(tempDir(), 'catalog');
    mkdirSync(dir);
    file = await makeSqlite('CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, 2)');
    await run({}, 'init', '--store', `folder:${objects}`);
    await run({}, 'create', 'a.sqlite', file);
  });
  after(async () => {
    for (const server of [toR2, toSite, site, r2]) await server?.stop();
  });

  function run(env: Record<string, string>, ...args: readonly string[]): Promise<CliResult> {
    return runCli(args, { cwd: dir, env: { DATAMANAGER_CACHE: tempDir(), ...env } });
  }
  const settings = (more: object) =>
    writeFileSync(join(dir, '.datamanager.json'), JSON.stringify({ schemaVersion: 1, ...more }));
  const pull = async (publicUrl: string, env: Record<string, string>) => {
    settings({ publicUrl });
    const output = join(tempDir(), 'a.sqlite');
    const result = await run(env, 'pull', 'a.sqlite', '-o', output);
    if (result.code === 0) assert.deepEqual(readFileSync(output), readFileSync(file));
    return result;
  };

  it('trusts the CA that NODE_EXTRA_CA_CERTS names, and says so where it is missing', async () => {
    const refused = await pull(site.url, {});
    assert.match(refused.stderr, /certificate is not trusted \(\w+\)\.\nhint: .*NODE_EXTRA_CA_CERTS/);
    const { code, stderr } = await pull(site.url, { NODE_EXTRA_CA_CERTS: certificate.file });
    assert.equal(code, 0, stderr);
    const wrongName = await pull(site.url.replace('127.0.0.1', 'localhost'), { NODE_EXTRA_CA_CERTS: certificate.file });
    assert.match(wrongName.stderr, /certificate is for another name/);
  });

  it('goes through HTTPS_PROXY with a login, follows a redirect, and heeds NO_PROXY', async () => {
    const env = {
      NODE_EXTRA_CA_CERTS: certificate.file,
      HTTPS_PROXY: `http://me:p%40ss@127.0.0.1:${toSite.port}`,
      ...{ R2_ACCESS_KEY_ID: 'id', R2_SECRET_ACCESS_KEY: 'secret', R2_SESSION_TOKEN: 'token' },
      HTTP_PROXY: 'http://127.0.0.1:9',
    };
    const { code, stderr } = await pull('https://away.invalid/below', env);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /no object/, 'the redirect leads below a folder that is not there');
    assert.equal((await pull('https://away.invalid', env)).code, 0);
    assert.deepEqual([...new Set(toSite.seen)].sort(), ['CONNECT away.invalid:443', 'CONNECT site.invalid:443']);
    assert.deepEqual([...new Set(toSite.logins)], [`Basic ${Buffer.from('me:p@ss').toString('base64')}`]);
    toSite.seen.length = 0;
    assert.equal((await pull(site.url, { ...env, NO_PROXY: '127.0.0.1' })).code, 0);
    assert.deepEqual(toSite.seen, []);
    const told = site.requests.flatMap(({ headers }) =>
      Object.keys(headers).filter((name) => /auth|amz|cookie/.test(name)),
    );
    assert.deepEqual(told, [], 'a public address is told nothing about who asks');
  });

  it('reaches a bucket through HTTP_PROXY with all rights', async () => {
    settings({ store: { type: 's3', endpoint: r2.endpoint, bucket: r2.bucket } });
    const { accessKeyId, secretAccessKey } = r2.credentials;
    const env = { R2_ACCESS_KEY_ID: accessKeyId, R2_SECRET_ACCESS_KEY: secretAccessKey };
    const through = await run({ ...env, http_proxy: `127.0.0.1:${toR2.port}` }, 'verify');
    assert.equal(through.code, 0, through.stdout);
    assert.ok(toR2.seen.length >= 5);
    assert.ok(
      toR2.seen.every((request) => request.includes(` ${r2.endpoint}`)),
      toR2.seen.join('\n'),
    );
    const gone = await run({ ...env, HTTP_PROXY: 'http://me:proxy-secret@127.0.0.1:9' }, 'verify');
    assert.match(gone.stdout, /The proxy 127\.0\.0\.1:9 can't be reached/);
    assert.ok(!(gone.stdout + gone.stderr).includes('proxy-secret'));
  });
});
