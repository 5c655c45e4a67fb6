import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { DataManagerError, ErrorCode } from '../../src/core/errors';
import type { ObjectStore } from '../../src/core/store/objectStore';
import type { S3StoreOptions } from '../../src/core/store/s3Connection';
import { createS3Store } from '../../src/core/store/s3Store';
import { type FaultProxy, startFaultProxy } from '../support/faultProxy';
import { type R2Emulator, startR2Emulator } from '../support/r2Emulator';
import { tempDir } from '../support/tempDir';
import { describeStore, hasCode, inMemory, listAll, onDisk, readAll, sha256 } from './contract';
import { describeMultipart } from './multipart';
import { describeRanged } from './ranged';
import { describeTransfer } from './transfer';

const QUICK = { attempts: 4, baseMs: 10, capMs: 40 };

describe('R2', () => {
  let r2: R2Emulator;
  let proxy: FaultProxy;
  let stores = 0;

  before(async () => {
    r2 = await startR2Emulator();
    proxy = await startFaultProxy(r2.port);
  });
  after(async () => {
    await proxy.stop();
    await r2.stop();
  });
  afterEach(() => {
    Object.assign(proxy.faults, {
      cutRequestAfter: null,
      cutReplyAfter: null,
      stallReplyAfter: null,
      times: null,
      method: null,
      overloaded: 0,
    });
  });

  /** An empty part of the bucket for each. */
  const make = (changes: Partial<S3StoreOptions> = {}): ObjectStore =>
    createS3Store({
      endpoint: r2.endpoint,
      region: 'auto',
      bucket: r2.bucket,
      prefix: `store ${++stores}/objects`,
      credentials: r2.credentials,
      retry: QUICK,
      ...changes,
    });
  const throughProxy = (changes: Partial<S3StoreOptions> = {}) =>
    make({ endpoint: r2.endpoint.replace(`:${r2.port}/`, `:${proxy.port}/`), ...changes });

  describeStore('R2', async () => make());
  describeMultipart('R2', () => make());
  describeRanged('R2', () => make());
  describeTransfer('R2', () => make());

  describe('bucket', () => {
    it('records the hash beside the object', async () => {
      const store = make();
      for (const size of [1000, 9_000_000]) {
        const bytes = randomBytes(size);
        await store.put(`of ${size}`, inMemory(bytes));
        assert.equal((await store.head(`of ${size}`))?.sha256, sha256(bytes));
      }
    });

    it('goes through the pages of a listing', async () => {
      const store = make({ pageSize: 3 });
      const keys = Array.from({ length: 10 }, (_, index) => `many/${index}`);
      for (const key of keys) await store.put(key, inMemory(Buffer.from(key)));
      assert.deepEqual(
        (await listAll(store, 'many/')).map(({ key }) => key),
        keys,
      );
    });

    it('sees nothing beside its prefix', async () => {
      const store = make({ prefix: 'team' });
      await make({ prefix: 'team2' }).put('one', inMemory(randomBytes(1)));
      assert.deepEqual(await listAll(store), []);
    });

    it('tells where it is without a secret', () => {
      const { location } = make({ prefix: 'team/a' });
      assert.equal(location, `s3://data/team/a at 127.0.0.1:${r2.port}`);
    });

    it('sends a file of three parts in few requests', async () => {
      const put = await make().put('big', onDisk(randomBytes(20_000_000)));
      // look, begin, three parts, look again, complete, check
      assert.equal(put.requests, 8);
    });

    it('ignores what the machine has set up for Amazon', async () => {
      const home = tempDir();
      mkdirSync(join(home, '.aws'));
      const config = join(home, '.aws/config');
      writeFileSync(
        config,
        '[default]\nregion = mars-1\nuse_fips_endpoint = true\nretry_mode = nonsense\nendpoint_url = http://127.0.0.1:9\nrequest_checksum_calculation = nonsense\n',
      );
      const variables = {
        HOME: home,
        AWS_CONFIG_FILE: config,
        AWS_PROFILE: 'default',
        AWS_REGION: 'mars-2',
        AWS_ACCESS_KEY_ID: 'wrong',
        AWS_SECRET_ACCESS_KEY: 'wrong',
        AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
        AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9',
        AWS_MAX_ATTEMPTS: 'nonsense',
        AWS_USE_DUALSTACK_ENDPOINT: 'true',
        AWS_S3_USE_ARN_REGION: 'nonsense',
      };
      const saved = { ...process.env };
      Object.assign(process.env, variables);
      try {
        const store = make();
        await store.put('one', inMemory(Buffer.from('fine')));
        assert.equal(String(await readAll(store.get('one'))), 'fine');
      } finally {
        for (const name of Object.keys(variables)) delete process.env[name];
        Object.assign(process.env, saved);
      }
    });
  });

  describe('refusals', () => {
    const failing = async (store: ObjectStore, code: ErrorCode) => {
      const attempts = [
        () => store.head('one'),
        () => readAll(store.get('one')),
        () => store.put('one', inMemory(randomBytes(10))),
        () => listAll(store),
      ];
      for (const attempt of attempts) {
        await assert.rejects(attempt(), (error: unknown) => {
          hasCode(code)(error);
          assert.ok((error as DataManagerError).hint);
          const everything = inspect(error, { depth: 20, showHidden: true });
          for (const secret of [r2.credentials.secretAccessKey, 'wrongwrong', 'Authorization', 'Credential=']) {
            assert.ok(!everything.includes(secret), `${secret} in ${everything}`);
          }
          return true;
        });
      }
    };

    it('names a missing bucket', async () => {
      const store = make({ bucket: 'absent' });
      await failing(store, 'BUCKET_MISSING');
      assert.deepEqual(
        (await store.verify()).map(({ ok }) => ok),
        [false, false, false, false, false],
      );
    });

    it('names a wrong secret', async () => {
      const store = make({ credentials: { ...r2.credentials, secretAccessKey: 'wrongwrong'.repeat(6) } });
      await failing(store, 'CREDENTIALS_REJECTED');
      const checks = await store.verify();
      assert.deepEqual(
        checks.map(({ ok }) => ok),
        [true, false, false, false, false],
      );
      assert.match(checks[1]?.detail ?? '', /rejected the secret access key/);
    });

    it('names a wrong access key', async () => {
      await failing(make({ credentials: { ...r2.credentials, accessKeyId: '9'.repeat(32) } }), 'CREDENTIALS_REJECTED');
    });

    it('names a server that is not there', async () => {
      const store = make({ endpoint: 'http://127.0.0.1:9/' });
      await failing(store, 'STORE_UNREACHABLE');
      await failing(make({ endpoint: 'http://no-such-host.invalid/' }), 'STORE_UNREACHABLE');
    });

    it('names a server that is no S3 service, or refuses', async () => {
      const web = createServer((request, response) => {
        request.resume();
        response.writeHead(request.url?.includes('closed') ? 403 : 200, { 'content-type': 'text/html' });
        response.end('<html><body>It works!</body></html>');
      });
      await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
      const endpoint = `http://127.0.0.1:${(web.address() as AddressInfo).port}/`;
      try {
        await failing(make({ endpoint }), 'STORE_FAILED');
        await assert.rejects(listAll(make({ endpoint, bucket: 'closed' })), hasCode('STORE_REFUSED'));
      } finally {
        web.closeAllConnections();
        await new Promise((resolve) => web.close(resolve));
      }
    });
  });

  describe('a bad line', () => {
    it('goes on with a download where the connection was cut', async () => {
      const bytes = randomBytes(4_000_000);
      const store = throughProxy();
      await store.put('one', inMemory(bytes));
      Object.assign(proxy.faults, { cutReplyAfter: 700_000, times: 3 });
      const before = proxy.connections();
      assert.equal(sha256(await readAll(store.get('one'))), sha256(bytes));
      assert.equal(proxy.connections() - before, 3);
      assert.equal(proxy.faults.times, 0);
    });

    it('resumes within a range', async () => {
      const bytes = randomBytes(4_000_000);
      const store = throughProxy();
      await store.put('one', inMemory(bytes));
      Object.assign(proxy.faults, { cutReplyAfter: 700_000, times: 2 });
      const got = await readAll(store.get('one', { range: { first: 1_000_000, last: 2_999_999 } }));
      assert.equal(sha256(got), sha256(bytes.subarray(1_000_000, 3_000_000)));
    });

    it('never mixes two objects when one is replaced between a cut and the rest', async () => {
      const store = throughProxy();
      const direct = make({ prefix: `store ${stores}/objects` });
      await store.put('one', inMemory(randomBytes(4_000_000)));
      Object.assign(proxy.faults, { cutReplyAfter: 700_000, times: 1 });
      const read = async () => {
        let replaced = false;
        for await (const _ of store.get('one')) {
          if (replaced) continue;
          replaced = true;
          await direct.delete('one');
          await direct.put('one', inMemory(randomBytes(4_000_000)));
        }
      };
      await assert.rejects(read(), (error: unknown) => {
        hasCode('STORE_FAILED')(error);
        return /was replaced/.test((error as DataManagerError).message);
      });
    });

    it('gives up on a line that is cut again and again, with an error and not a short file', async () => {
      const store = throughProxy();
      await store.put('one', inMemory(randomBytes(4_000_000)));
      proxy.faults.cutReplyAfter = 100_000;
      await assert.rejects(readAll(store.get('one')), hasCode('STORE_UNREACHABLE'));
    });

    it('wakes up from a server that has gone silent', async () => {
      const bytes = randomBytes(2_000_000);
      const store = throughProxy({ idleMs: 250 });
      await store.put('one', inMemory(bytes));
      Object.assign(proxy.faults, { stallReplyAfter: 300_000, times: 1 });
      assert.equal(sha256(await readAll(store.get('one'))), sha256(bytes));
      Object.assign(proxy.faults, { stallReplyAfter: 0, times: null });
      await assert.rejects(
        throughProxy({ idleMs: 100, retry: { ...QUICK, attempts: 2 } }).head('one'),
        hasCode('STORE_UNREACHABLE'),
      );
    });

    it('sends a part again whose connection was cut', async () => {
      const bytes = randomBytes(20_000_000);
      const store = throughProxy();
      Object.assign(proxy.faults, { cutRequestAfter: 3_000_000, times: 2 });
      const put = await store.put('one', onDisk(bytes));
      assert.equal(proxy.faults.times, 0);
      assert.equal(put.created, true);
      assert.equal(sha256(await readAll(make({ prefix: `store ${stores}/objects` }).get('one'))), sha256(bytes));
    });

    for (const size of [1_000_000, 20_000_000]) {
      it(`leaves nothing when no try of a put (${size} bytes) gets through`, async () => {
        const store = throughProxy();
        proxy.faults.cutRequestAfter = 300_000;
        await assert.rejects(store.put('one', onDisk(randomBytes(size))), hasCode('STORE_UNREACHABLE'));
        assert.deepEqual(await listAll(make({ prefix: `store ${stores}/objects` })), []);
      });
    }

    it('gives the parts back when an upload fails or is cancelled', async () => {
      const store = throughProxy();
      const source = onDisk(randomBytes(20_000_000));
      const stop = new AbortController();
      const puts = [
        () => store.put('one', source, { signal: stop.signal, onProgress: () => stop.abort() }),
        () => store.put('one', { ...source, sha256: '0'.repeat(64) }),
      ];
      for (const put of puts) {
        const before = proxy.requests.length;
        await assert.rejects(put());
        const sent = proxy.requests.slice(before);
        const begun = sent.filter((line) => /^POST .*uploads/.test(line)).length;
        const givenUp = sent.filter((line) => /^DELETE .*uploadId=/.test(line)).length;
        const completed = sent.filter((line) => /^POST .*uploadId=/.test(line)).length;
        assert.deepEqual([begun, givenUp, completed], [1, 1, 0]);
      }
    });

    it('knows its own object when only the answer to the put was lost', async () => {
      const store = throughProxy({ idleMs: 300 });
      const bytes = randomBytes(100_000);
      Object.assign(proxy.faults, { stallReplyAfter: 0, times: 1, method: 'PUT' });
      const put = await store.put('one', inMemory(bytes));
      assert.equal(proxy.faults.times, 0);
      assert.equal(put.created, true);
      assert.equal(sha256(await readAll(store.get('one'))), sha256(bytes));
    });

    it('knows that an upload in parts is complete when only that answer was lost', async () => {
      const store = throughProxy({ idleMs: 1000 });
      await store.head('one');
      const bytes = randomBytes(9_000_000);
      const put = store.put('one', onDisk(bytes), {
        onProgress: ({ done }) => {
          // All parts are there: what follows is the POST that completes them.
          if (done === bytes.length) Object.assign(proxy.faults, { stallReplyAfter: 0, times: 1, method: 'POST' });
        },
      });
      assert.equal((await put).created, true);
      assert.equal(proxy.faults.times, 0);
      assert.equal(sha256(await readAll(store.get('one'))), sha256(bytes));
    });

    it('waits for an overloaded server, and says so when that does not help', async () => {
      const store = throughProxy();
      proxy.faults.overloaded = 2;
      await store.put('one', inMemory(randomBytes(10)));
      proxy.faults.overloaded = 1000;
      await assert.rejects(throughProxy().head('one'), (error: unknown) => {
        hasCode('STORE_FAILED')(error);
        return /overloaded/.test((error as DataManagerError).message);
      });
    });
  });
});
