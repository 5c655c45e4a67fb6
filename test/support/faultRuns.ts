import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset, VersionEntry } from '../../src/core/catalog/manifest';
import { DataManagerError } from '../../src/core/errors';
import { fetchVersion } from '../../src/core/operations/fetchVersion';
import { BlockIndexBuilder } from '../../src/core/store/blockIndex';
import { createCache, type ObjectCache } from '../../src/core/store/cache';
import { downloadObject } from '../../src/core/store/download';
import { fetchObject } from '../../src/core/store/fetchObject';
import type { CopySource, ObjectStore, PutResult } from '../../src/core/store/objectStore';
import { createS3Store } from '../../src/core/store/s3Store';
import { uploadNotes } from '../../src/core/store/uploadNotes';
import { deltaKey, indexKey } from '../../src/core/transfer/companions';
import { makeDelta } from '../../src/core/transfer/makeDelta';
import { readStoredIndex } from '../../src/core/transfer/readStoredIndex';
import { seedFromCache } from '../../src/core/transfer/seedFromCache';
import { type MemoryS3, startMemoryS3 } from './memoryS3';
import { type FaultKind, type Random, randomOf, type SeededFaults, startSeededFaults } from './seededFaults';

const PART = 1 << 20;
const PIECE = 256 << 10;
/** A transfer that takes longer has hung. */
const DEADLINE_MS = 20_000;
const PAGE = 4096;
/** Parts that may be on their way at once; with so few of them the window opens by one at most. */
const WORKERS = 5;

export const SCENARIOS = [
  'put',
  'parts',
  'copies',
  'resumed upload',
  'download',
  'parallel download',
  'resumed download',
  'ranges',
  'delta',
] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface FaultRun {
  readonly scenario: Scenario;
  readonly seed: number;
  /** How the transfer ended while requests failed: `ok`, or the code of its error. */
  readonly outcome: string;
  /** Parts that the server had and that were sent a second time. */
  readonly again: number;
  /** Bytes that the undisturbed repeat needn't move. */
  readonly resumed: number;
}

export interface FaultBench {
  readonly happened: ReadonlyMap<FaultKind, number>;
  /** Throws when a transfer ended in wrong bytes, in an error that is not ours, left something wrong, or hung. */
  run(scenario: Scenario, seed: number): Promise<FaultRun>;
  stop(): Promise<void>;
}

/** A server, a proxy that breaks requests in front of it, and transfers to run through it. All files are below `folder`. */
export async function startFaultBench(folder: string): Promise<FaultBench> {
  const server = await startMemoryS3();
  const faults = await startSeededFaults(server.port);
  return {
    happened: faults.happened,
    async run(scenario, seed) {
      const place = mkdtempSync(join(folder, 'run-'));
      server.objects.clear();
      server.uploads.clear();
      try {
        return await new Run(server, faults, place, scenario, seed).run();
      } catch (error) {
        throw new Error(`${scenario}, seed ${seed}: ${error instanceof Error ? error.message : error}`, {
          cause: error,
        });
      } finally {
        faults.arm(0, 0);
        rmSync(place, { recursive: true, force: true });
      }
    },
    async stop() {
      await faults.stop();
      await server.stop();
    },
  };
}

interface TestFile {
  readonly bytes: Buffer;
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  readonly key: string;
}

class Run {
  readonly #random: Random;
  readonly #store: ObjectStore;
  readonly #calmStore: ObjectStore;
  readonly #cache: ObjectCache;

  constructor(
    private readonly server: MemoryS3,
    private readonly faults: SeededFaults,
    private readonly folder: string,
    private readonly scenario: Scenario,
    private readonly seed: number,
  ) {
    this.#random = randomOf(seed);
    this.#store = this.#open(faults.port, 250);
    // The busy machine of a test run is slow at times; what comes again must not come of that.
    this.#calmStore = this.#open(faults.port, 10_000);
    this.#cache = createCache({ folder: join(folder, 'cache') });
    mkdirSync(join(folder, 'cache'));
  }

  async run(): Promise<FaultRun> {
    switch (this.scenario) {
      case 'put':
        return this.#upload(this.#file(1 + this.#random() * 400_000));
      case 'parts':
        return this.#upload(this.#file(PART * (1.5 + this.#random() * 6)));
      case 'copies':
        return this.#uploadCopies();
      case 'resumed upload':
        return this.#upload(this.#file(PART * (4 + this.#random() * 4)), { stopAt: this.#random() });
      case 'download':
        return this.#download(this.#file(1 + this.#random() * 3_000_000), (file, target, signal) =>
          this.#inOrder(file, target, signal),
        );
      case 'parallel download':
      case 'resumed download': {
        const stopAt = this.scenario === 'resumed download' ? this.#random() : undefined;
        const file = this.#file(PIECE * (2 + this.#random() * 14));
        return this.#download(
          file,
          (wanted, target, signal, seen) => this.#parallel(wanted, target, signal, seen),
          stopAt,
        );
      }
      case 'ranges':
        return this.#downloadRanges();
      case 'delta':
        return this.#downloadDelta();
    }
  }

  #open(port: number, idleMs: number): ObjectStore {
    const { bucket, credentials } = this.server;
    return createS3Store({
      ...{ endpoint: `http://127.0.0.1:${port}`, region: 'auto', bucket, credentials, partBytes: PART },
      ...{ retry: { attempts: 4, baseMs: 5, capMs: 20 }, idleMs, connectMs: 1000 },
    });
  }

  #file(size: number, bytes = randomBytes(Math.floor(size))): TestFile {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const path = join(this.folder, sha256.slice(0, 12));
    writeFileSync(path, bytes);
    return { bytes, path, sha256, size: bytes.length, key: `utopia/${sha256}` };
  }

  /** The same with some of its pages changed. */
  #edited({ bytes }: TestFile, changes: number): TestFile {
    const copy = Buffer.from(bytes);
    for (let i = 0; i < changes; i++)
      copy.write(`changed ${i}`, Math.floor(this.#random() * (copy.length / PAGE - 1)) * PAGE + 7);
    return this.#file(0, copy);
  }

  #arm(): void {
    this.faults.arm(this.seed, [0.03, 0.1, 0.25, 0.6][Math.floor(this.#random() * 4)] ?? 0.1);
  }

  /** How a transfer under faults ended. */
  async #outcome(transfer: Promise<unknown>): Promise<string> {
    try {
      await inTime(transfer);
      return 'ok';
    } catch (error) {
      if (DataManagerError.is(error)) {
        assert.ok(error.message.length > 5, 'an error without words');
        return error.code;
      }
      throw error;
    }
  }

  // Uploads

  #put(store: ObjectStore, file: TestFile, copy?: CopySource, monitor = {}): Promise<PutResult> {
    const notes = uploadNotes(
      join(this.folder, 'notes'),
      { location: 'memory', key: file.key, sha256: file.sha256, size: file.size },
      Date.now,
    );
    return store.put(file.key, file, { notes, copy, ...monitor });
  }

  async #upload(file: TestFile, { copy, stopAt }: { copy?: CopySource; stopAt?: number } = {}): Promise<FaultRun> {
    const flipped = this.faults.happened.get('flipReply') ?? 0;
    this.#arm();
    const stop = new AbortController();
    let confirmed = 0;
    const onProgress = ({ done }: { readonly done: number }) => {
      assert.ok(done >= confirmed && done <= file.size, `progress went from ${confirmed} to ${done} of ${file.size}`);
      confirmed = done;
      if (stopAt !== undefined && done >= stopAt * file.size) stop.abort();
    };
    const outcome = await this.#outcome(this.#put(this.#store, file, copy, { signal: stop.signal, onProgress }));
    this.#checkObject(file, outcome === 'ok');
    this.faults.arm(0, 0);

    const [open] = this.server.uploads.values();
    const there = open?.parts.size ?? 0;
    const put = await inTime(this.#put(this.#calmStore, file, copy));
    this.#checkObject(file, true);
    // Not what arrives of the first try after this look: that nobody could know of.
    const repeated = put.created ? Math.max(0, there - Math.ceil(put.bytesResumed / PART)) : 0;
    assert.ok(repeated <= WORKERS, `${repeated} of ${there} parts were sent again`);
    // An ETag that was damaged on its way is not the server's, so that part goes once more.
    const damaged = (this.faults.happened.get('flipReply') ?? 0) > flipped;
    if (outcome === 'CANCELLED' && put.created && there > 0 && !damaged) {
      assert.ok(
        put.bytesResumed >= Math.min(confirmed, file.size),
        `${put.bytesResumed} of ${confirmed} confirmed bytes were used again`,
      );
    }
    if (put.created) assert.equal(put.bytesSent + put.bytesCopied + put.bytesResumed, file.size);
    return {
      scenario: this.scenario,
      seed: this.seed,
      outcome,
      again: repeated,
      resumed: put.bytesResumed,
    };
  }

  async #uploadCopies(): Promise<FaultRun> {
    const base = this.#file(PART * (3 + this.#random() * 4));
    this.#place(base.key, base.bytes);
    const file = this.#edited(base, 1 + Math.floor(this.#random() * 3));
    const parts = new Map<number, { first: number; last: number }>();
    for (let number = 1; (number - 1) * PART < file.size; number++) {
      const first = (number - 1) * PART;
      const last = Math.min(first + PART, file.size) - 1;
      if (base.bytes.subarray(first, last + 1).equals(file.bytes.subarray(first, last + 1)))
        parts.set(number, { first, last });
    }
    const stopAt = this.#random() < 0.3 ? { stopAt: this.#random() } : {};
    return this.#upload(file, { copy: { key: base.key, size: base.size, partBytes: PART, parts }, ...stopAt });
  }

  #checkObject(file: TestFile, mustBe: boolean): void {
    const object = this.server.objects.get(`/data/${file.key}`);
    if (mustBe) assert.ok(object, 'no object after a success');
    if (object) assert.ok(object.bytes.equals(file.bytes), 'a wrong object under a right name');
  }

  #place(key: string, bytes: Buffer): void {
    const etag = createHash('md5').update(bytes).digest('hex');
    this.server.objects.set(`/data/${key}`, { bytes, etag, metadata: {} });
  }

  // Downloads

  async #download(
    file: TestFile,
    fetch: (
      file: TestFile,
      target: string,
      signal: AbortSignal,
      seen: (done: number) => void,
    ) => Promise<{ bytesResumed: number }>,
    stopAt?: number,
  ): Promise<FaultRun> {
    if (!this.server.objects.has(`/data/${file.key}`)) this.#place(file.key, file.bytes);
    const target = join(this.folder, 'out');
    const flipped = this.faults.happened.get('flipReply') ?? 0;
    this.#arm();
    const stop = new AbortController();
    let confirmed = 0;
    const seen = (done: number) => {
      confirmed = done;
      if (stopAt !== undefined && done >= stopAt * file.size) stop.abort();
    };
    const outcome = await this.#outcome(fetch(file, target, stop.signal, seen));
    this.#checkTarget(file, target, outcome === 'ok');
    this.faults.arm(0, 0);

    rmSync(target, { force: true });
    const wasCached = (await this.#cache.find(file.sha256)) !== null;
    const again = await inTime(fetch(file, target, new AbortController().signal, () => {}));
    this.#checkTarget(file, target, true);
    // Bytes that were damaged on their way are seen by the hash of the whole, and all is fetched anew.
    const damaged = (this.faults.happened.get('flipReply') ?? 0) > flipped;
    if (outcome === 'CANCELLED' && !wasCached && !damaged) {
      assert.ok(again.bytesResumed >= confirmed, `${again.bytesResumed} of ${confirmed} bytes were used again`);
    }
    return { scenario: this.scenario, seed: this.seed, outcome, again: 0, resumed: again.bytesResumed };
  }

  async #inOrder({ key, sha256, size }: TestFile, target: string, signal: AbortSignal) {
    return downloadObject({
      openStore: async () => this.#store,
      key,
      sha256,
      size,
      target,
      cache: this.#cache,
      signal,
    });
  }

  async #parallel(
    { key, sha256, size }: TestFile,
    target: string,
    signal: AbortSignal,
    seen: (done: number) => void,
    seed?: Parameters<typeof fetchObject>[0]['seed'],
    leaves?: Uint8Array | null,
  ) {
    const store = this.#store;
    const onProgress = ({ done }: { readonly done: number }) => seen(done);
    const fetched = await fetchObject({
      store,
      key,
      sha256,
      size,
      cache: this.#cache,
      pieceBytes: PIECE,
      signal,
      onProgress,
      seed,
      leaves,
    });
    await fetched?.commit();
    return {
      ...(await this.#inOrder({ key, sha256, size } as TestFile, target, signal)),
      bytesResumed: fetched?.bytesResumed ?? 0,
    };
  }

  async #downloadRanges(): Promise<FaultRun> {
    const base = this.#file(PIECE * (4 + this.#random() * 10));
    const file = this.#edited(base, 1 + Math.floor(this.#random() * 4));
    await this.#cache.addFile(base.path, base.sha256);
    this.#place(file.key, file.bytes);
    this.#place(indexKey(file.key), indexOf(file));
    const stopAt = this.#random() < 0.3 ? this.#random() : undefined;
    return this.#download(
      file,
      async (wanted, target, signal, seen) => {
        const leaves = await readStoredIndex(this.#store, wanted, signal);
        const seed = leaves && (await seedFromCache({ cache: this.#cache, wanted, leaves, others: [base], signal }));
        return this.#parallel(wanted, target, signal, seen, seed ?? undefined, leaves);
      },
      // What was seeded is not noted as received, and is seeded again.
      stopAt,
    );
  }

  async #downloadDelta(): Promise<FaultRun> {
    const base = this.#file(100_000 + this.#random() * 3_000_000);
    const file = this.#edited(base, 1 + Math.floor(this.#random() * 20));
    await this.#cache.addFile(base.path, base.sha256);
    const deltaPath = join(this.folder, 'delta');
    await makeDelta({ base, target: file, deltaPath });
    this.#place(deltaKey(file.key, base.sha256), readFileSync(deltaPath));
    const onlyDelta = this.#random() < 0.4;
    if (!onlyDelta) this.#place(file.key, file.bytes);
    else this.#place(base.key, base.bytes);
    const history = [file, base].map(
      (of, i) => ({ ...of, version: `v${2 - i}`, status: 'published' }) as unknown as VersionEntry,
    );
    const version = { dataset: { name: 'utopia', history } as unknown as Dataset, entry: history[0] as VersionEntry };
    const placed = new Map(this.server.objects);
    return this.#download(file, async (_, target, signal) => {
      if (onlyDelta) this.server.objects.delete(`/data/${file.key}`);
      assert.ok(placed.size >= this.server.objects.size);
      return fetchVersion({ cache: this.#cache, openStore: async () => this.#store }, version, target, { signal });
    });
  }

  /** Nothing in the file or in the cache may hold other bytes than its name says. */
  #checkTarget(file: TestFile, target: string, mustBe: boolean): void {
    const names = readdirSync(this.folder);
    if (mustBe) assert.ok(names.includes('out'), 'no file after a success');
    if (names.includes('out')) assert.ok(readFileSync(target).equals(file.bytes), 'a file with wrong bytes');
    assert.deepEqual(
      names.filter((name) => name.endsWith('.part')),
      [],
    );
    for (const name of readdirSync(this.#cache.folder, { recursive: true, encoding: 'utf8' })) {
      const sha256 = /\/([0-9a-f]{64})$/.exec(name)?.[1];
      assert.ok(!name.includes('tmp'), `${name} was left behind`);
      if (sha256 === undefined) continue;
      const bytes = readFileSync(join(this.#cache.folder, name));
      assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256, 'a wrong entry in the cache');
    }
  }
}

function indexOf({ bytes, sha256 }: TestFile): Buffer {
  const builder = new BlockIndexBuilder();
  builder.add(bytes);
  return Buffer.from(builder.finish(sha256));
}

async function inTime<T>(transfer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of it in ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([transfer, late]);
  } finally {
    clearTimeout(timer);
  }
}
