import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import type { StoreReport } from '../../src/core/operations/verifyStore';
import { type CephServer, hasCeph, startCeph } from '../support/cephServer';
import { temporaryCredentials } from '../support/cephSession';
import { type Certificate, selfSigned } from '../support/certificate';
import { runCli } from '../support/cli';
import { type ForwardProxy, startForwardProxy } from '../support/forwardProxy';
import { type StaticServer, startServer } from '../support/staticServer';
import { tempDir } from '../support/tempDir';

const account = '0123456789abcdef'.repeat(2);
const hosts = ['', 'eu.', 'us.', 'fedramp.'].map((place) => `${account}.${place}r2.cloudflarestorage.com`);

if (hasCeph()) {
  // R2's own names lead to a strict server on loopback, which checks the signatures for them: by a proxy, over TLS with a CA of its own.
  describe("R2's names, with a company's proxy and certificate, on Ceph radosgw", function () {
    this.timeout(60_000);
    let ceph: CephServer;
    let certificate: Certificate;
    let front: StaticServer;
    let proxy: ForwardProxy;
    let dir: string;
    const folder = tempDir();

    before(async function () {
      const made = selfSigned(...hosts);
      if (!made) return this.skip();
      certificate = made;
      ceph = await startCeph(folder, { sessions: true });
      front = await startServer((request, response) => {
        const { method, url: path, headers } = request;
        const onward = httpRequest({ host: '127.0.0.1', port: ceph.port, method, path, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        });
        onward.on('error', () => response.destroy());
        request.pipe(onward);
      }, certificate);
      proxy = await startForwardProxy(front.port);
      dir = tempDir();
      assert.equal((await run({ R2_ACCOUNT_ID: account, R2_BUCKET: ceph.bucket }, 'init')).code, 0);
    });
    after(async () => {
      await proxy?.stop();
      await front?.stop();
      await ceph?.stop();
    });

    const run = (env: Record<string, string>, ...args: readonly string[]) =>
      runCli(args, { cwd: dir, env: { HOME: join(dir, 'home'), ...env } });

    async function verified(env: Record<string, string>): Promise<StoreReport> {
      const { accessKeyId, secretAccessKey } = ceph.credentials;
      const known = {
        ...{ R2_ACCOUNT_ID: account, R2_BUCKET: ceph.bucket },
        ...{ R2_ACCESS_KEY_ID: accessKeyId, R2_SECRET_ACCESS_KEY: secretAccessKey },
        ...{ HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`, NODE_EXTRA_CA_CERTS: certificate.file },
      };
      const { stdout, stderr } = await run({ ...known, ...env }, 'verify', '--json');
      assert.equal(stderr, '');
      return JSON.parse(stdout);
    }

    for (const [at, jurisdiction] of ['', 'eu', 'us', 'fedramp'].entries()) {
      it(`has all rights in the jurisdiction ${jurisdiction || 'default'}`, async () => {
        proxy.seen.length = 0;
        const report = await verified({ R2_JURISDICTION: jurisdiction });
        assert.ok(report.ok, JSON.stringify(report));
        assert.deepEqual([...new Set(proxy.seen)], [`CONNECT ${hosts[at]}:443`]);
      });
    }

    it('has all rights with temporary credentials, and none without their token', async () => {
      const { accessKeyId, secretAccessKey, sessionToken = '' } = await temporaryCredentials(folder, ceph);
      const temporary = { R2_ACCESS_KEY_ID: accessKeyId, R2_SECRET_ACCESS_KEY: secretAccessKey };
      const report = await verified({ ...temporary, R2_SESSION_TOKEN: sessionToken });
      assert.ok(report.ok, JSON.stringify(report));
      const { checks } = await verified(temporary);
      const passed = checks.filter(({ ok }) => ok).map(({ check }) => check);
      assert.deepEqual(passed, ['reach']);
    });

    it('trusts no certificate that it was not told of', async () => {
      const { checks } = await verified({ NODE_EXTRA_CA_CERTS: '' });
      assert.match(checks[0]?.detail ?? '', /certificate is not trusted/);
    });
  });
} else {
  it.skip("R2's names, with a company's proxy and certificate, on Ceph radosgw (not installed)");
}
