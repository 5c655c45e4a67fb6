import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCache } from '../../src/core/store/cache';
import { downloadObject } from '../../src/core/store/download';
import { createFolderStore } from '../../src/core/store/folderStore';
import { createHttpStore } from '../../src/core/store/httpStore';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { startFaultProxy } from '../support/faultProxy';
import { filesOf, type StaticServer, startServer } from '../support/staticServer';
import { tempDir } from '../support/tempDir';
import { describeStore, hasCode, inMemory, onDisk, readAll, sha256 } from './contract';
import { describeTransfer } from './transfer';

const QUICK = { attempts: 4, baseMs: 5, capMs: 20 };

describe('public address', () => {
  const servers: StaticServer[] = [];
  const serve = async (...args: Parameters<typeof startServer>) => {
    const server = await startServer(...args);
    servers.push(server);
    return server;
  };
  after(() => Promise.all(servers.map((server) => server.stop())));

  // One web site for all; each store is a folder of it.
  const top = tempDir();
  let site: StaticServer;
  let stores = 0;
  before(async () => {
    site = await serve(filesOf(top));
  });

  /** Written as a folder store and read as a web site, which is what a public folder or bucket is. */
  const published = (): ObjectStore => {
    const name = `store ${++stores}`;
    const files = createFolderStore({ folder: join(top, name) });
    mkdirSync(join(top, name));
    const { kind, location, head, get } = createHttpStore({
      url: `${site.url}/${encodeURIComponent(name)}`,
      retry: QUICK,
    });
    return { ...files, kind, location, head, get };
  };

  describeStore('public address', async () => published());
  describeTransfer('public address', () => published());

  it('sends no credentials, and asks for the bytes as they are', async () => {
    const store = published();
    await store.put('a b/ü?#%.sqlite', inMemory(Buffer.from('fine')));
    site.requests.length = 0;
    assert.equal(String(await readAll(store.get('a b/ü?#%.sqlite'))), 'fine');
    assert.equal(site.requests.length, 1);
    const [{ url, headers }] = site.requests as [StaticServer['requests'][number]];
    assert.match(url, /\/a%20b\/%C3%BC%3F%23%25\.sqlite$/);
    assert.deepEqual(Object.keys(headers).sort(), ['accept-encoding', 'connection', 'host', 'user-agent']);
    assert.equal(headers['accept-encoding'], 'identity');
  });

  it('refuses to write, delete and list', async () => {
    const store = createHttpStore({ url: site.url });
    await assert.rejects(store.put('one', inMemory(Buffer.from('x'))), hasCode('STORE_REFUSED'));
    await assert.rejects(store.delete('one'), hasCode('STORE_REFUSED'));
    await assert.rejects(async () => {
      for await (const _ of store.list(''));
    }, hasCode('STORE_REFUSED'));
    assert.deepEqual(
      (await store.verify()).map(({ check, ok }) => [check, ok]),
      [
        ['reach', true],
        ['list', false],
        ['read', true],
        ['write', false],
        ['delete', false],
      ],
    );
  });

  it('fetches over several connections where the server offers parts, and in one go where not', async () => {
    const folder = tempDir();
    const bytes = randomBytes(20_000_000);
    await createFolderStore({ folder }).put('big', onDisk(bytes));
    for (const ranges of [true, false]) {
      const server = await serve(filesOf(folder, { ranges }));
      const store = createHttpStore({ url: server.url, retry: QUICK });
      const target = join(tempDir(), 'big');
      const options = { key: 'big', sha256: sha256(bytes), size: bytes.length, target };
      await downloadObject({ ...options, openStore: async () => store, cache: createCache({ folder: tempDir() }) });
      const gets = server.requests.filter(({ method }) => method === 'GET');
      assert.equal(gets.length, ranges ? 3 : 1);
    }
  });

  describe('on a bad line', () => {
    const cutStore = async (bytes: Buffer, ranges = true) => {
      const folder = tempDir();
      await createFolderStore({ folder }).put('one', inMemory(bytes));
      const server = await serve(filesOf(folder, { ranges }));
      const relay = await startFaultProxy(server.port);
      Object.assign(relay.faults, { cutReplyAfter: 700_000, times: 2 });
      return { store: createHttpStore({ url: `http://127.0.0.1:${relay.port}`, retry: QUICK }), relay, folder };
    };

    it('goes on where the connection was cut, with ranges and without', async () => {
      const bytes = randomBytes(4_000_000);
      for (const ranges of [true, false]) {
        const { store, relay } = await cutStore(bytes, ranges);
        assert.equal(sha256(await readAll(store.get('one'))), sha256(bytes));
        assert.equal(relay.faults.times, 0);
        await relay.stop();
      }
    });

    it('never mixes two contents of an address', async () => {
      const { store, relay, folder } = await cutStore(randomBytes(4_000_000));
      const files = createFolderStore({ folder });
      const read = async () => {
        let replaced = false;
        for await (const _ of store.get('one')) {
          if (replaced) continue;
          replaced = true;
          await files.delete('one');
          await files.put('one', inMemory(randomBytes(4_000_000)));
        }
      };
      await assert.rejects(read(), /was replaced/);
      await relay.stop();
    });
  });

  const answers: readonly (readonly [what: string, status: number, headers: Record<string, string>, says: RegExp])[] = [
    [
      'a login page',
      200,
      { 'content-type': 'text/html; charset=utf-8' },
      /STORE_FAILED.*web page instead of x\.sqlite/,
    ],
    ['a missing object', 404, {}, /OBJECT_MISSING/],
    ['an object that was taken down', 410, {}, /OBJECT_MISSING/],
    ['a refusal', 403, {}, /STORE_REFUSED.*everybody/],
    ['a server that is down', 503, {}, /STORE_FAILED.*overloaded/],
    ['a server that compresses', 200, { 'content-encoding': 'gzip' }, /STORE_FAILED.*changes the bytes/],
    ['a redirect without https', 302, { location: 'http://127.0.0.1:9/' }, /STORE_REFUSED.*without https/],
    ['a redirect to a file', 301, { location: 'file:///etc/passwd' }, /STORE_REFUSED.*without https/],
    ['a redirect with a user name', 307, { location: 'https://me:pw@127.0.0.1/' }, /STORE_REFUSED.*user name/],
    ['a redirect to nowhere', 308, {}, /STORE_REFUSED/],
    ['a proxy that wants a login', 407, {}, /STORE_UNREACHABLE.*proxy asks for a login/i],
    ['nonsense', 204, {}, /STORE_FAILED.*answered 204/],
  ];
  for (const [what, status, headers, says] of answers) {
    it(`says what is wrong with ${what}`, async () => {
      const server = await serve((_, response) => response.writeHead(status, headers).end());
      const store = createHttpStore({ url: server.url, retry: QUICK });
      const told = await readAll(store.get('x.sqlite')).then(
        () => 'nothing',
        (error) => `${error.code} ${error.message}`,
      );
      assert.match(told, says);
    });
  }

  it('stops at bytes without end', async () => {
    const server = await serve((request, response) => {
      response.writeHead(200);
      if (request.method === 'HEAD') return void response.end();
      const more = (): void => {
        while (response.writable && response.write(randomBytes(100_000)));
      };
      response.on('drain', more);
      more();
    });
    const store = createHttpStore({ url: server.url, retry: QUICK });
    const target = join(tempDir(), 'out');
    const download = downloadObject({
      ...{ openStore: async () => store, key: 'x', sha256: '0'.repeat(64), size: 5_000_000, target },
    });
    await assert.rejects(download, hasCode('HASH_MISMATCH'));
  });

  it('gives up on silence', async () => {
    const silent = await serve(() => {});
    const slow = createHttpStore({ url: silent.url, connectMs: 50, retry: { attempts: 1, baseMs: 1, capMs: 1 } });
    await assert.rejects(readAll(slow.get('x')), /does not answer in time/);
    const stuck = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('half');
    });
    const store = createHttpStore({ url: stuck.url, idleMs: 50, retry: { attempts: 1, baseMs: 1, capMs: 1 } });
    await assert.rejects(readAll(store.get('x')), /does not answer in time/);
  });
});
