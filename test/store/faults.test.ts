import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createHttpStore } from '../../src/core/store/httpStore';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { createS3Store } from '../../src/core/store/s3Store';
import { type FaultBench, SCENARIOS, startFaultBench } from '../support/faultRuns';
import { type MemoryS3, startMemoryS3 } from '../support/memoryS3';
import { type FaultKind, type SeededFaults, startSeededFaults } from '../support/seededFaults';
import { tempDir } from '../support/tempDir';
import { inMemory, readAll } from './contract';

/** `node bench/faults.mjs` runs a thousand. */
const RUNS_EACH = 3;

describe('transfers over a line that fails', () => {
  let bench: FaultBench;
  before(async () => {
    bench = await startFaultBench(tempDir());
  });
  after(() => bench?.stop());

  for (const [i, scenario] of SCENARIOS.entries()) {
    it(`${scenario}: right bytes or a clear error, nothing wrong left, and the repeat succeeds`, async () => {
      for (let run = 0; run < RUNS_EACH; run++) await bench.run(scenario, 7000 + run * SCENARIOS.length + i);
    });
  }

  it('met faults of most kinds', () => {
    assert.ok(bench.happened.size >= 8, [...bench.happened.keys()].join(', '));
  });
});

describe('one request that fails', () => {
  const bytes = randomBytes(300_000);
  let server: MemoryS3;
  let faults: SeededFaults;
  let store: ObjectStore;
  before(async () => {
    server = await startMemoryS3();
    faults = await startSeededFaults(server.port);
    const { bucket, credentials } = server;
    const retry = { attempts: 3, baseMs: 5, capMs: 20 };
    store = createS3Store({ endpoint: `http://127.0.0.1:${faults.port}`, region: 'auto', bucket, credentials, retry });
    await store.put('there', inMemory(bytes));
  });
  after(async () => {
    await faults.stop();
    await server.stop();
  });
  const failOnce = (kind: FaultKind) => faults.arm(3, 1, { kind, times: 1 });

  it('a server that says when to come again is left alone until then', async () => {
    const patient = { attempts: 3, baseMs: 5, capMs: 1000 };
    const endpoint = `http://127.0.0.1:${faults.port}`;
    const { bucket, credentials } = server;
    const s3 = createS3Store({ endpoint, region: 'auto', bucket, credentials, retry: patient, partBytes: 100_000 });
    const web = createHttpStore({ url: `${endpoint}/${bucket}`, retry: patient });
    const requests: Readonly<Record<string, () => Promise<unknown>>> = {
      'an upload in parts': () => s3.put('patient', inMemory(bytes)),
      'a download': () => readAll(s3.get('there')),
      'a download without credentials': () => readAll(web.get('there')),
    };
    for (const [name, request] of Object.entries(requests)) {
      failOnce('slowDownFor');
      const start = performance.now();
      await request();
      const took = performance.now() - start;
      assert.ok(took >= 1000 && took < 3000, `${name}: ${took} ms, asked for 1000`);
    }
    assert.equal(faults.happened.get('slowDownFor'), Object.keys(requests).length);
  });

  it('a range that is cut, with a length that says so, is asked for again', async () => {
    for (const range of [
      { first: 1000, last: 200_000 },
      { first: 250_000, last: 400_000 },
    ]) {
      failOnce('truncatedReply');
      assert.ok((await readAll(store.get('there', { range }))).equals(bytes.subarray(range.first, range.last + 1)));
    }
    assert.equal(faults.happened.get('truncatedReply'), 2);
  });

  it('the rest of an object that is cut is asked for again', async () => {
    faults.arm(3, 1, { kind: 'cutReply', times: 1 });
    const pieces = store.get('there');
    assert.ok((await readAll(pieces)).equals(bytes));
  });

  it('a body that was damaged on its way is sent again', async () => {
    const before = server.objects.size;
    await store.head('new');
    // The look at the key has no body to damage.
    faults.arm(3, 1, { kind: 'flipRequest', times: 2 });
    await store.put('new', inMemory(bytes));
    assert.equal(server.objects.size, before + 1);
    assert.ok((await readAll(store.get('new'))).equals(bytes));
  });
});
