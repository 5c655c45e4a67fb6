import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Monitor } from '../../src/core/progress';
import { createCache } from '../../src/core/store/cache';
import { downloadObject } from '../../src/core/store/download';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { createS3Store } from '../../src/core/store/s3Store';
import { uploadNotes } from '../../src/core/store/uploadNotes';
import { deltaKey } from '../../src/core/transfer/companions';
import { receiveByDelta } from '../../src/core/transfer/receiveByDelta';
import { type FaultProxy, startFaultProxy } from '../support/faultProxy';
import { type MemoryS3, startMemoryS3 } from '../support/memoryS3';
import { tempDir } from '../support/tempDir';
import { hasCode, inMemory, onDisk, sha256 } from './contract';

const LIMIT_MS = 300;

describe('a transfer that is cancelled', () => {
  const large = randomBytes(30_000_000);
  const small = large.subarray(0, 1_000_000);
  let server: MemoryS3;
  let proxy: FaultProxy;
  let store: ObjectStore;
  let uploads = 0;

  before(async () => {
    server = await startMemoryS3();
    proxy = await startFaultProxy(server.port);
    const { bucket, credentials } = server;
    const endpoint = `http://127.0.0.1:${proxy.port}`;
    store = createS3Store({ endpoint, region: 'auto', bucket, credentials, partBytes: 1 << 20 });
    await store.put('large', inMemory(large));
    await store.put('small', inMemory(small));
    await store.put(deltaKey('wanted', sha256(small)), inMemory(large.subarray(0, 500_000)));
  });
  after(async () => {
    await proxy.stop();
    await server.stop();
  });
  afterEach(() => {
    proxy.faults.stallReplyAfter = null;
  });

  const upload = (bytes: Buffer, noted: boolean) => (monitor: Monitor) => {
    const source = onDisk(bytes);
    const key = `new ${++uploads}`;
    const subject = { location: 'memory', key, sha256: source.sha256, size: bytes.length };
    return store.put(key, source, { ...monitor, ...(noted && { notes: uploadNotes(tempDir(), subject, Date.now) }) });
  };
  const download = (key: string, bytes: Buffer) => (monitor: Monitor) =>
    downloadObject({
      ...{ openStore: async () => store, key, sha256: sha256(bytes), size: bytes.length },
      ...{ target: join(tempDir(), 'out'), cache: createCache({ folder: tempDir() }), ...monitor },
    });
  const delta = async (monitor: Monitor) => {
    const cache = createCache({ folder: tempDir() });
    const base = { key: 'small', sha256: sha256(small), size: small.length };
    await cache.addFile(onDisk(small).path, base.sha256);
    return receiveByDelta({
      store,
      cache,
      versions: [{ key: 'wanted', sha256: 'a'.repeat(64), size: 5_000_000 }, base],
      ...monitor,
    });
  };

  const transfers: Readonly<Record<string, (monitor: Monitor) => Promise<unknown>>> = {
    'an upload in one request': upload(small, false),
    'an upload in parts': upload(large, false),
    'an upload in parts that is noted': upload(large, true),
    'a download in one request': download('small', small),
    'a download over several connections': download('large', large),
    'fetching a delta': delta,
  };
  for (const [name, transfer] of Object.entries(transfers)) {
    it(`${name}: ends in ${LIMIT_MS} ms, also when the server is silent`, async () => {
      // From the first request on, or from the first part on and then also while it is tidied up.
      for (const method of [null, name.includes('upload') ? 'PUT' : 'GET']) {
        Object.assign(proxy.faults, { stallReplyAfter: method === 'GET' ? 500 : 0, method });
        const stop = new AbortController();
        const running = transfer({ signal: stop.signal }).then(
          () => assert.fail('it was not cancelled'),
          hasCode('CANCELLED'),
        );
        await new Promise((resolve) => setTimeout(resolve, 150));
        proxy.faults.method = null;
        const start = performance.now();
        stop.abort();
        await running;
        const took = performance.now() - start;
        assert.ok(took < LIMIT_MS, `${took} ms`);
        proxy.faults.stallReplyAfter = null;
      }
    });

    if (name.includes('delta')) continue;
    it(`${name}: ends in ${LIMIT_MS} ms in mid-transfer`, async () => {
      const stop = new AbortController();
      let start = 0;
      const onProgress = () => {
        start ||= performance.now();
        stop.abort();
      };
      const outcome = await transfer({ signal: stop.signal, onProgress }).catch(hasCode('CANCELLED'));
      const took = performance.now() - start;
      assert.ok(took < LIMIT_MS, `${took} ms, outcome ${outcome === true ? 'cancelled' : JSON.stringify(outcome)}`);
      // One request is done when it first tells of progress.
      if (!name.includes('one request')) assert.equal(outcome, true);
    });
  }
});
