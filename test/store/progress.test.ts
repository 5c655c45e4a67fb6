import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Dataset, VersionEntry } from '../../src/core/catalog/manifest';
import { fetchVersion } from '../../src/core/operations/fetchVersion';
import type { OnProgress, Phase, Progress } from '../../src/core/progress';
import { createCache, type ObjectCache } from '../../src/core/store/cache';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { createS3Store } from '../../src/core/store/s3Store';
import { type SentObject, sendObject } from '../../src/core/transfer/sendObject';
import { type MemoryS3, startMemoryS3 } from '../support/memoryS3';
import { tempDir } from '../support/tempDir';
import { hasCode, onDisk } from './contract';

const SIZE = 30_000_000;
const PAGE = 4096;

interface File {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
  readonly key: string;
}

describe('progress', () => {
  const bytes = randomBytes(SIZE);
  let server: MemoryS3;
  let store: ObjectStore;
  let base: File;
  let scattered: File;
  let moved: File;

  before(async () => {
    server = await startMemoryS3();
    const { endpoint, bucket, credentials } = server;
    store = createS3Store({ endpoint, region: 'auto', bucket, credentials });
    base = file(bytes);
    const pages = Buffer.from(bytes);
    for (let page = 0; page < SIZE / PAGE; page += 97) pages.write('changed', page * PAGE);
    scattered = file(pages);
    // Too much is new for a delta, but not for blocks.
    moved = file(Buffer.concat([bytes.subarray(0, SIZE / 2), randomBytes(SIZE / 2)]));
  });
  after(() => server.stop());
  beforeEach(() => {
    server.objects.clear();
    server.uploads.clear();
  });

  function file(content: Buffer): File {
    const source = onDisk(content);
    return { path: source.path, sha256: source.sha256, size: content.length, key: `utopia/${source.sha256}` };
  }
  const notesFolder = tempDir;
  async function cacheOf(...files: readonly File[]): Promise<ObjectCache> {
    const cache = createCache({ folder: tempDir() });
    for (const { path, sha256 } of files) assert.ok(await cache.addFile(path, sha256));
    return cache;
  }
  async function send(wanted: File, from: File | null, options: Partial<Parameters<typeof sendObject>[0]> = {}) {
    const cache = options.cache ?? (await cacheOf(wanted, ...(from ? [from] : [])));
    const common = { store, key: wanted.key, file: wanted, base: from, now: Date.now, notesFolder: notesFolder() };
    return sendObject({ ...common, ...options, cache });
  }
  function fetch(
    wanted: File,
    others: readonly File[],
    cache: ObjectCache,
    monitor: Parameters<typeof fetchVersion>[3],
  ) {
    const history = [wanted, ...others].map(
      (of, i) => ({ ...of, version: `v${9 - i}`, status: 'published' }) as unknown as VersionEntry,
    );
    const version = { dataset: { name: 'utopia', history } as unknown as Dataset, entry: history[0] as VersionEntry };
    return fetchVersion({ cache, openStore: async () => store }, version, join(tempDir(), 'out'), monitor);
  }

  it('of an upload in parts', async () => {
    const { onProgress, last } = watch();
    const sent = await send(base, null, { onProgress });
    assertUpload(last('upload'), sent);
    assert.equal(last('upload')?.copied ?? 0, 0);
  });

  it('of an upload in one request', async () => {
    const small = file(bytes.subarray(0, 1_000_000));
    const { onProgress, last } = watch();
    await send(small, null, { onProgress });
    assert.equal(last('upload')?.total, small.size);
  });

  it('of an upload with copies tells them apart', async () => {
    await send(base, null);
    const { onProgress, last } = watch();
    const sent = await send(moved, base, { onProgress });
    assert.ok(sent.bytesCopied > 0);
    assertUpload(last('upload'), sent);
  });

  it('of an upload that goes on tells what was there', async () => {
    const folder = tempDir();
    const stop = new AbortController();
    const first = watch(({ done }) => done >= SIZE / 3 && stop.abort());
    const interrupted = send(base, null, { notesFolder: folder, onProgress: first.onProgress, signal: stop.signal });
    await assert.rejects(interrupted, hasCode('CANCELLED'));
    const kept = first.last('upload', false)?.kept ?? 0;
    const { onProgress, last } = watch();
    const sent = await send(base, null, { notesFolder: folder, onProgress });
    assert.ok(kept > 0 && sent.bytesResumed >= kept, `${sent.bytesResumed} of ${kept} bytes were used again`);
    assertUpload(last('upload'), sent);
  });

  it('of an upload of the changes alone', async () => {
    await send(base, null);
    const { onProgress, last } = watch();
    const sent = await send(scattered, base, { onProgress, deltaFirst: true });
    assert.equal(sent.whole, false);
    assert.equal(last('upload')?.total, sent.bytesSent);
    assert.equal(last('compare')?.total, 2 * SIZE);
  });

  it('of a download over several connections, and of one that goes on', async () => {
    await send(base, null);
    const cache = await cacheOf();
    const stop = new AbortController();
    const first = watch(({ done }) => done >= SIZE / 3 && stop.abort());
    const interrupted = fetch(base, [], cache, { onProgress: first.onProgress, signal: stop.signal });
    await assert.rejects(interrupted, hasCode('CANCELLED'));
    const kept = first.last('download', false)?.kept ?? 0;
    const { onProgress, last } = watch();
    const got = await fetch(base, [], cache, { onProgress });
    assert.ok(kept > 0 && got.bytesResumed >= kept, `${got.bytesResumed} of ${kept} bytes were used again`);
    assert.equal(last('download')?.resumed, got.bytesResumed);
    assert.equal(got.bytesReceived + got.bytesResumed, SIZE);
  });

  it('of a download of the blocks that differ tells apart what was here', async () => {
    await send(base, null);
    await send(moved, base);
    const { onProgress, last } = watch();
    const got = await fetch(moved, [base], await cacheOf(base), { onProgress });
    assert.equal(got.from, 'ranges');
    assert.equal(last('download')?.copied, got.bytesSeeded);
    assert.equal(got.bytesReceived + got.bytesSeeded, SIZE);
  });

  it('of a version that is made from a delta, also by way of the one before', async () => {
    await send(base, null);
    await send(scattered, base, { deltaFirst: true });
    for (const cache of [await cacheOf(base), await cacheOf()]) {
      const { onProgress, last } = watch();
      const got = await fetch(scattered, [base], cache, { onProgress });
      assert.equal(got.from, 'delta');
      assert.equal(last('hash')?.total, SIZE);
      assert.equal(last('download')?.total, SIZE);
    }
  });

  it('of a version that is in the cache', async () => {
    const { onProgress, last } = watch();
    const got = await fetch(base, [], await cacheOf(base), { onProgress });
    assert.equal(got.from, 'cache');
    assert.equal(last('download')?.total, SIZE);
  });

  it('of two transfers at once', async () => {
    await send(base, null);
    const [up, down] = [watch(), watch()];
    const [sent] = await Promise.all([
      send(moved, null, { onProgress: up.onProgress }),
      fetch(base, [], await cacheOf(), { onProgress: down.onProgress }),
    ]);
    assertUpload(up.last('upload'), sent);
    assert.equal(down.last('download')?.total, SIZE);
  });

  it('of an upload whose noted parts are gone begins anew, and only then', async () => {
    const folder = tempDir();
    const stop = new AbortController();
    const interrupted = send(base, null, {
      ...{ notesFolder: folder, signal: stop.signal },
      onProgress: ({ phase, done }) => phase === 'upload' && done >= SIZE / 3 && stop.abort(),
    });
    await assert.rejects(interrupted, hasCode('CANCELLED'));
    server.uploads.clear();
    const { onProgress, last } = watch();
    const sent = await send(base, null, { notesFolder: folder, onProgress });
    assert.equal(sent.bytesResumed, 0);
    assertUpload(last('upload'), sent);
  });
});

/** Looks at every report: it never falls nor passes its total, but a phase may come again once it was through. */
function watch(then: (progress: Progress) => unknown = () => {}) {
  const latest = new Map<Phase, Progress>();
  const onProgress: OnProgress = (progress) => {
    const { phase, done, total, copied = 0, resumed = 0, kept = 0 } = progress;
    const said = JSON.stringify(progress);
    assert.ok(done >= 0 && (total === null || done <= total), `more than all of it: ${said}`);
    assert.ok(copied + resumed <= done && kept <= done, `the parts are more than the whole: ${said}`);
    const before = latest.get(phase);
    if (before && before.done !== before.total) {
      assert.equal(total, before.total, `another total in mid-transfer: ${said}`);
      assert.ok(done >= before.done, `it fell from ${before.done}: ${said}`);
      assert.ok(copied >= (before.copied ?? 0) && resumed >= (before.resumed ?? 0), `a part of it fell: ${said}`);
    }
    latest.set(phase, progress);
    then(progress);
  };
  return {
    onProgress,
    /** The last report of a phase; `ended` says that it has to be at its total. */
    last(phase: Phase, ended = true): Progress | undefined {
      const report = latest.get(phase);
      assert.ok(report, `nothing was said of ${phase}`);
      if (ended) assert.equal(report.done, report.total, `${phase} ended before its end`);
      return report;
    },
  };
}

function assertUpload(report: Progress | undefined, sent: Pick<SentObject, 'bytesCopied' | 'bytesResumed'>): void {
  assert.equal(report?.copied ?? 0, sent.bytesCopied);
  assert.equal(report?.resumed ?? 0, sent.bytesResumed);
  assert.equal(report?.total, SIZE);
}
