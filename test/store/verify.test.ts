import assert from 'node:assert/strict';
import { createServer as createNetServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { DataManagerError, type ErrorCode } from '../../src/core/errors';
import type { ObjectStore } from '../../src/core/store/objectStore';
import type { S3StoreOptions } from '../../src/core/store/s3Connection';
import { s3Error } from '../../src/core/store/s3Errors';
import { createS3Store } from '../../src/core/store/s3Store';
import { verifyStore } from '../../src/core/store/verifyStore';
import { type CephServer, hasCeph, startCeph } from '../support/cephServer';
import { addCephUser, allowAllBut } from '../support/cephUsers';
import { selfSigned } from '../support/certificate';
import { type R2Emulator, startR2Emulator } from '../support/r2Emulator';
import { type StaticServer, startServer } from '../support/staticServer';
import { tempDir } from '../support/tempDir';
import { inMemory, listAll } from './contract';

const ONCE = { attempts: 1, baseMs: 1, capMs: 1 };
const credentials = { accessKeyId: 'k'.repeat(32), secretAccessKey: 's'.repeat(64) };

/** Which checks passed, and what the first that did not says. */
async function verified(options: Partial<S3StoreOptions> & { readonly endpoint: string }) {
  const store = createS3Store({ region: 'auto', bucket: 'data', credentials, retry: ONCE, ...options });
  const checks = await store.verify();
  const passed = checks.filter(({ ok }) => ok).map(({ check }) => check);
  const failed = checks.find(({ ok }) => !ok);
  return { passed, code: failed?.code ?? null, says: failed?.detail ?? '' };
}

async function says(
  options: Partial<S3StoreOptions> & { readonly endpoint: string },
  code: ErrorCode,
  what: RegExp,
): Promise<void> {
  const result = await verified(options);
  assert.equal(result.code, code, result.says);
  assert.match(result.says, what);
}

const ALL = ['reach', 'list', 'read', 'write', 'delete'];

/** The probes that are left in a store. */
async function probesIn(store: ObjectStore): Promise<readonly string[]> {
  return (await listAll(store)).map(({ key }) => key).filter((key) => key.startsWith('datamanager-probe'));
}

if (hasCeph()) {
  describe('verify tells rights apart, on Ceph radosgw', function () {
    this.timeout(60_000);
    let ceph: CephServer;
    let options: S3StoreOptions;
    let owner: ObjectStore;

    before(async () => {
      const folder = tempDir();
      ceph = await startCeph(folder);
      const { endpoint, bucket } = ceph;
      options = { endpoint, bucket, region: 'auto', credentials: await addCephUser(folder, 'colleague'), retry: ONCE };
      owner = createS3Store({ ...options, credentials: ceph.credentials });
      await owner.put('there', inMemory(Buffer.from('x')));
    });
    after(() => ceph?.stop());
    afterEach(async () => {
      for (const key of await probesIn(owner)) await owner.delete(key);
    });

    const rights: Record<string, { readonly fails: readonly string[]; readonly says: RegExp }> = {
      's3:ListBucket': { fails: ['list'], says: /to list the objects of the bucket/ },
      's3:GetObject': { fails: ['read'], says: /to read objects/ },
      's3:PutObject': { fails: ['write', 'delete'], says: /to write objects/ },
      's3:DeleteObject': { fails: ['delete'], says: /to delete objects/ },
    };
    for (const [action, expected] of Object.entries(rights)) {
      it(`without ${action}`, async () => {
        await allowAllBut(ceph, 'colleague', [action]);
        const result = await verified(options);
        assert.deepEqual(
          result.passed,
          ALL.filter((check) => !expected.fails.includes(check)),
        );
        assert.equal(result.code, 'STORE_REFUSED');
        assert.match(result.says, expected.says);
        const left = await probesIn(owner);
        const named = /The probe object (\S+) could not be removed/.exec(result.says)?.slice(1) ?? [];
        assert.deepEqual(named, left, 'what is left is named');
        assert.equal(left.length, action === 's3:DeleteObject' ? 1 : 0);
      });
    }

    it('with all rights, and leaves no probe', async () => {
      await allowAllBut(ceph, 'colleague', []);
      assert.deepEqual((await verified(options)).passed, ALL);
      assert.deepEqual(await probesIn(owner), []);
    });

    it('names the probe that a cancelled one may not delete', async () => {
      await allowAllBut(ceph, 'colleague', ['s3:DeleteObject']);
      const cancel = new AbortController();
      const store = createS3Store(options);
      const reading: ObjectStore = {
        ...store,
        get: (key, more) => {
          cancel.abort();
          return store.get(key, more);
        },
      };
      await assert.rejects(verifyStore(reading, { signal: cancel.signal }), (error) => {
        assert.ok(DataManagerError.is(error, 'CANCELLED'));
        assert.match(error.hint ?? '', /^The probe object datamanager-probe-\S+ could not be removed/);
        return true;
      });
      assert.equal((await probesIn(owner)).length, 1);
    });

    it('with a wrong key, a wrong secret, no bucket', async () => {
      const { endpoint } = options;
      const wrongKey = { ...options.credentials, accessKeyId: 'nobody' };
      await says({ endpoint, credentials: wrongKey }, 'CREDENTIALS_REJECTED', /does not know the access key id/);
      const wrongSecret = { ...options.credentials, secretAccessKey: 'wrong' };
      await says({ endpoint, credentials: wrongSecret }, 'CREDENTIALS_REJECTED', /rejected the secret access key/);
      await says({ ...options, bucket: 'absent' }, 'BUCKET_MISSING', /no bucket "absent"/);
    });
  });
} else {
  it.skip('verify tells rights apart, on Ceph radosgw (not installed)');
}

describe('verify tells apart, on R2', () => {
  let r2: R2Emulator;
  before(async () => {
    r2 = await startR2Emulator();
  });
  after(() => r2.stop());

  it('a wrong key, a wrong secret, a session token that is not asked for, no bucket', async () => {
    const { endpoint, credentials: good } = r2;
    const given = (changes: object) => ({ endpoint, credentials: { ...good, ...changes } });
    assert.deepEqual((await verified(given({}))).passed, ALL);
    await says(given({ accessKeyId: 'b'.repeat(32) }), 'CREDENTIALS_REJECTED', /does not know the access key id/);
    await says(given({ secretAccessKey: 'b' }), 'CREDENTIALS_REJECTED', /rejected the secret access key/);
    await says(given({ sessionToken: 'b' }), 'CREDENTIALS_REJECTED', /rejected the session token/);
    await says({ ...given({}), bucket: 'absent' }, 'BUCKET_MISSING', /no bucket "absent"/);
  });

  it('says once what is wrong with keys', async () => {
    const store = createS3Store({
      ...{ endpoint: r2.endpoint, bucket: r2.bucket, region: 'auto', retry: ONCE },
      credentials: { ...r2.credentials, secretAccessKey: 'b' },
    });
    const checks = await store.verify();
    assert.deepEqual(
      checks.map(({ check, ok }) => [check, ok]),
      [['reach', true], ...['list', 'read', 'write', 'delete'].map((check) => [check, false])],
    );
    assert.deepEqual(
      checks.map(({ detail }) => detail).filter((detail) => detail !== 'Not tried: see above.').length,
      2,
    );
  });

  it('leaves no probe that arrived without a word', async () => {
    const store = createS3Store({ ...r2, region: 'auto', retry: ONCE });
    const unsure: ObjectStore = {
      ...store,
      async put(...given) {
        await store.put(...given);
        throw new DataManagerError('STORE_UNREACHABLE', 'The line was cut.');
      },
    };
    const checks = await verifyStore(unsure);
    assert.equal(checks.find(({ code }) => code !== null)?.code, 'STORE_UNREACHABLE');
    assert.deepEqual(await probesIn(store), []);
  });

  it('leaves no probe when it is cancelled, wherever it is', async () => {
    const store = createS3Store({ ...r2, region: 'auto', retry: ONCE });
    for (const step of ['list', 'put', 'get', 'delete'] as const) {
      for (const when of ['before', 'after'] as const) {
        const cancel = new AbortController();
        const cancelling = async <T>(here: boolean, run: () => Promise<T>): Promise<T> => {
          if (here && when === 'before') cancel.abort();
          const result = await run();
          if (here && when === 'after') cancel.abort();
          return result;
        };
        const watched: ObjectStore = {
          ...store,
          put: (...given) => cancelling(step === 'put', () => store.put(...given)),
          delete: (key, more) => cancelling(step === 'delete', () => store.delete(key, more)),
          async *list(...given) {
            yield* await cancelling(step === 'list', async () => store.list(...given));
          },
          async *get(...given) {
            yield* await cancelling(step === 'get', async () => store.get(...given));
          },
        };
        const verifying = verifyStore(watched, { signal: cancel.signal });
        if (step === 'delete' && when === 'after') await verifying;
        else await assert.rejects(verifying, (error) => DataManagerError.is(error, 'CANCELLED'), `${when} ${step}`);
        assert.deepEqual(await probesIn(store), [], `${when} ${step}`);
      }
    }
  });

  it('keys with signs that can not be sent', async () => {
    for (const wrong of [{ accessKeyId: 'k\u20ac'.repeat(8) }, { sessionToken: 'one\ntwo' }]) {
      const given = { endpoint: r2.endpoint, credentials: { ...r2.credentials, ...wrong } };
      await says(given, 'CREDENTIALS_REJECTED', /holds a sign that no access key has/);
      assert.deepEqual((await verified(given)).passed, []);
    }
  });

  it('a clock that is an hour wrong', async () => {
    const { Date: RealDate } = globalThis;
    const wrong = () => RealDate.now() + 3600_000;
    globalThis.Date = class extends RealDate {
      constructor(...given: readonly unknown[]) {
        super(...((given.length === 0 ? [wrong()] : given) as [number]));
      }
      static override now = wrong;
    } as DateConstructor;
    try {
      await says(
        { endpoint: r2.endpoint, credentials: r2.credentials },
        'STORE_REFUSED',
        /clock of this machine is wrong/,
      );
    } finally {
      globalThis.Date = RealDate;
    }
  });
});

describe('verify tells apart, on servers that only fail', () => {
  const servers: StaticServer[] = [];
  const sockets: Server[] = [];
  const open = new Set<Socket>();
  const answering = async (status: number, body: string, headers: Record<string, string> = {}): Promise<string> => {
    const server = await startServer((_, response) => response.writeHead(status, headers).end(body));
    servers.push(server);
    return server.url;
  };
  const listening = async (server: Server): Promise<number> => {
    sockets.push(server);
    server.on('connection', (socket) => open.add(socket));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return (server.address() as { port: number }).port;
  };
  const xml = (code: string, more = ''): string => `<Error><Code>${code}</Code><Message>m</Message>${more}</Error>`;
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    for (const socket of open) socket.destroy();
    await Promise.all(sockets.map((server) => new Promise((done) => server.close(done))));
  });

  it('credentials that have expired', async () => {
    await says(
      { endpoint: await answering(400, xml('ExpiredToken')) },
      'CREDENTIALS_REJECTED',
      /have expired.*new ones/,
    );
    await says({ endpoint: await answering(400, xml('InvalidToken')) }, 'CREDENTIALS_REJECTED', /session token/);
  });

  it('another region, which Amazon names', async () => {
    const malformed = xml('AuthorizationHeaderMalformed', '<Region>eu-west-1</Region>');
    await says({ endpoint: await answering(400, malformed) }, 'STORE_REFUSED', /another region.*"eu-west-1"/);
    const moved = await answering(301, xml('PermanentRedirect'), { 'x-amz-bucket-region': 'us-west-2' });
    await says({ endpoint: moved }, 'STORE_REFUSED', /another region/);
  });

  it('an address that sends us on, and sends nothing there', async () => {
    const elsewhere = await startServer((_, response) => response.end());
    servers.push(elsewhere);
    for (const status of [301, 302, 303, 307, 308]) {
      const moved = await startServer((request, response) =>
        response.writeHead(status, { location: elsewhere.url + request.url }).end(),
      );
      servers.push(moved);
      await says(
        { endpoint: moved.url },
        'STORE_REFUSED',
        /sends us to another address \(30\d\).*Nothing was sent there/,
      );
      const store = createS3Store({ endpoint: moved.url, region: 'auto', bucket: 'data', credentials, retry: ONCE });
      for (const use of [
        () => store.head('k'),
        () => store.put('k', inMemory(Buffer.from('x'))),
        () => store.delete('k'),
        async () => {
          for await (const _ of store.get('k')) break;
        },
      ])
        await assert.rejects(use, (error) => DataManagerError.is(error));
      assert.ok(moved.requests.length > 4 && moved.requests.every(({ headers }) => headers.authorization));
    }
    assert.deepEqual(elsewhere.requests, []);
  });

  it('a web site', async () => {
    const page = await answering(200, '<html>Hello</html>', { 'content-type': 'text/html' });
    await says({ endpoint: page }, 'STORE_FAILED', /not an S3 service/);
  });

  it('a name that is not there, a port that is closed, silence', async () => {
    await says({ endpoint: 'http://no-such-host.invalid' }, 'STORE_UNREACHABLE', /no server has this name/);
    await says({ endpoint: 'http://127.0.0.1:9' }, 'STORE_UNREACHABLE', /nothing listens/);
    const port = await listening(createNetServer((socket) => socket.on('error', () => {})));
    const silent = { endpoint: `http://127.0.0.1:${port}`, idleMs: 100 };
    await says(silent, 'STORE_UNREACHABLE', /does not answer in time/);
  });

  it('a certificate that nobody vouches for, a server without TLS', async function () {
    const own = selfSigned('127.0.0.1');
    if (!own) return this.skip();
    const secure = await startServer((_, response) => response.end(), own);
    servers.push(secure);
    await says({ endpoint: secure.url }, 'STORE_UNREACHABLE', /not trusted \(\w+\).*NODE_EXTRA_CA_CERTS/);
    const plain = (await answering(200, '')).replace('http:', 'https:');
    await says({ endpoint: plain }, 'STORE_UNREACHABLE', /does not speak TLS/);
  });

  it('an R2 account that does not exist: no name, or a handshake that fails', async () => {
    const endpoint = 'https://0123456789abcdef.r2.cloudflarestorage.com';
    const context = { location: 'x', endpoint, bucket: 'data', operation: 'ListObjectsV2', key: null, secrets: [] };
    const refusing = createTlsServer({ SNICallback: (_, done) => done(new Error('unknown')), minVersion: 'TLSv1.2' });
    refusing.on('tlsClientError', () => {});
    const port = await listening(refusing);
    const { connect } = await import('node:tls');
    const handshake = await new Promise((resolve) => connect({ host: '127.0.0.1', port }).once('error', resolve));
    for (const error of [handshake, Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })]) {
      const told = s3Error(error, context);
      assert.equal(told.code, 'STORE_UNREACHABLE');
      assert.match(told.message, /R2 has no account "0123456789abcdef"/, `${(error as Error).message}`);
    }
    const rejected = s3Error({ name: 'Unauthorized', $metadata: { httpStatusCode: 401 } }, context);
    assert.match(rejected.hint ?? '', /belongs to the account 0123456789abcdef/);
  });

  it('a proxy that is not there, wants a login, or forbids the host', async () => {
    const through = (proxy: string) => ({ network: { proxyFor: () => new URL(proxy) } });
    for (const endpoint of ['https://bucket.invalid', 'http://bucket.invalid']) {
      const away = { endpoint, ...through('http://me:proxy-password@127.0.0.1:9') };
      await says(away, 'STORE_UNREACHABLE', /^The proxy 127\.0\.0\.1:9 can't be reached \(ECONNREFUSED\)/);
    }
    for (const [status, what] of [
      [407, /^The proxy( 127\.0\.0\.1:\d+)? asks for a login/],
      [403, /^The proxy 127\.0\.0\.1:\d+ does not connect to bucket\.invalid \(403\)/],
    ] as const) {
      const proxy = await startServer((_, response) => response.writeHead(status).end());
      servers.push(proxy);
      const tunnels = createNetServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.end(`HTTP/1.1 ${status} No\r\n\r\n`));
      });
      const tunnel = `http://127.0.0.1:${await listening(tunnels)}`;
      await says({ endpoint: 'https://bucket.invalid', ...through(tunnel) }, 'STORE_UNREACHABLE', what);
      if (status === 407)
        await says({ endpoint: 'http://bucket.invalid', ...through(proxy.url) }, 'STORE_UNREACHABLE', what);
    }
  });
});
