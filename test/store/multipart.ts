import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CopySource, ObjectStore, UploadNotes } from '../../src/core/store/objectStore';
import { uploadNotes } from '../../src/core/store/uploadNotes';
import { tempDir } from '../support/tempDir';
import { hasCode, inMemory, onDisk, readAll } from './contract';

const PART = 5 << 20;

/** What every S3 server must let us do with uploads in parts: copy parts from another object, and go on after an interruption. */
export function describeMultipart(name: string, makeStore: () => ObjectStore): void {
  describe(`${name}: uploads in parts`, () => {
    let store: ObjectStore;
    before(() => {
      store = makeStore();
    });

    it('copies parts that the store has, also from another place in the object, and sends the rest', async () => {
      const base = randomBytes(4 * PART + 1000);
      const next = Buffer.concat([base.subarray(0, PART + 17), randomBytes(333), base.subarray(PART + 17)]);
      await store.put('base', inMemory(base));
      const parts = new Map([
        [1, { first: 0, last: PART - 1 }],
        [3, { first: 2 * PART - 333, last: 3 * PART - 334 }],
        [5, { first: 4 * PART - 333, last: base.length - 1 }],
      ]);
      const seen: (number | undefined)[] = [];
      const put = await store.put('shifted', onDisk(next), {
        copy: { key: 'base', size: base.length, partBytes: PART, parts },
        onProgress: ({ copied }) => seen.push(copied),
      });
      assert.equal(put.bytesSent, 2 * PART);
      assert.equal(put.bytesCopied, next.length - 2 * PART);
      assert.equal(seen.at(-1), put.bytesCopied);
      assert.ok((await readAll(store.get('shifted'))).equals(next));
    });

    it('sends what can not be copied', async () => {
      const bytes = randomBytes(2 * PART + 5);
      const copy = copyOf('not-there', 3 * PART, [[1, 0]]);
      const put = await store.put('sent-after-all', onDisk(bytes), { copy });
      assert.equal(put.bytesSent, bytes.length);
      assert.equal(put.bytesCopied, 0);
      assert.ok((await readAll(store.get('sent-after-all'))).equals(bytes));
    });

    it('leaves no object when the copied bytes are not those of the file', async () => {
      const bytes = randomBytes(3 * PART);
      await store.put('other-bytes', inMemory(randomBytes(3 * PART)));
      const copy = copyOf('other-bytes', 3 * PART, [
        [1, 0],
        [2, PART],
      ]);
      await assert.rejects(store.put('wrong-copy', onDisk(bytes), { copy }), hasCode('STORE_FAILED'));
      assert.equal(await store.head('wrong-copy'), null);
    });

    it('goes on with an upload that was cancelled, with what the server has of it', async () => {
      const folder = tempDir();
      const source = onDisk(randomBytes(6 * PART));
      const first = await interrupt(store, 'resumed', source, folder, 2 * PART);
      assert.ok(first >= 2 * PART);
      assert.equal(await store.head('resumed'), null);
      // What a crash leaves of the last line.
      const [file = ''] = readdirSync(folder);
      appendFileSync(join(folder, file), '{"number":6,"et');
      const seen: number[] = [];
      const put = await store.put('resumed', source, {
        notes: notesFor(store, 'resumed', source, folder),
        copy: copyOf('base', 0, []),
        onProgress: ({ resumed }) => seen.push(resumed ?? 0),
      });
      assert.ok(put.bytesResumed >= first, `${put.bytesResumed} of ${first} bytes were used again`);
      assert.equal(put.bytesSent, 6 * PART - put.bytesResumed);
      assert.equal(seen.at(-1), put.bytesResumed);
      assert.ok((await readAll(store.get('resumed'))).equals(readFileSync(source.path)));
      assert.deepEqual(readdirSync(folder), []);
    });

    it('begins anew when the server has forgotten the upload, or the notes are about other bytes', async () => {
      const folder = tempDir();
      const source = onDisk(randomBytes(3 * PART));
      await interrupt(store, 'forgotten', source, folder, PART);
      const [file = ''] = readdirSync(folder);
      const noted = readFileSync(join(folder, file), 'utf8');
      writeFileSync(join(folder, file), noted.replace(/"uploadId":"[^"]*"/, '"uploadId":"no-such-upload"'));
      const put = await store.put('forgotten', source, {
        notes: notesFor(store, 'forgotten', source, folder),
        copy: copyOf('base', 0, []),
      });
      assert.equal(put.bytesSent, 3 * PART);
      assert.ok((await readAll(store.get('forgotten'))).equals(readFileSync(source.path)));
      assert.deepEqual(readdirSync(folder), []);

      await interrupt(store, 'changed', source, folder, PART);
      const changed = onDisk(randomBytes(3 * PART));
      const again = await store.put('changed', changed, { notes: notesFor(store, 'changed', changed, folder) });
      assert.equal(again.bytesResumed, 0);
      assert.ok((await readAll(store.get('changed'))).equals(readFileSync(changed.path)));
    });

    it('begins anew when the server has not got the parts that were noted', async () => {
      const folder = tempDir();
      const source = onDisk(randomBytes(4 * PART));
      await interrupt(store, 'wrong-parts', source, folder, 2 * PART);
      const [file = ''] = readdirSync(folder);
      const noted = readFileSync(join(folder, file), 'utf8').split('\n');
      const wrong = noted.map((line, i) => (i === 0 ? line : line.replace(/"etag":.*}/, '"etag":"\\"0123\\""}')));
      writeFileSync(join(folder, file), wrong.join('\n'));
      const notes = notesFor(store, 'wrong-parts', source, folder);
      const put = await store.put('wrong-parts', source, { notes, copy: copyOf('base', 0, []) });
      assert.equal(put.bytesSent, 4 * PART);
      assert.ok((await readAll(store.get('wrong-parts'))).equals(readFileSync(source.path)));
      assert.deepEqual(readdirSync(folder), []);
    });

    it('lets two send the same bytes at once, of whom one goes on with what is there', async () => {
      const folder = tempDir();
      const source = onDisk(randomBytes(6 * PART));
      const first = await interrupt(store, 'twice', source, folder, 2 * PART);
      const put = () =>
        store.put('twice', source, {
          notes: notesFor(store, 'twice', source, folder),
          copy: copyOf('base', 0, []),
        });
      const both = await Promise.all([put(), put()]);
      const resumed = both.map(({ bytesResumed }) => bytesResumed).filter((bytes) => bytes > 0);
      assert.ok(resumed.length <= 1 && (resumed[0] ?? first) >= first, `${resumed} bytes were used again`);
      assert.ok(both.some(({ created }) => created));
      assert.ok((await readAll(store.get('twice'))).equals(readFileSync(source.path)));
      assert.deepEqual(readdirSync(folder), []);
    });

    it('gives up what had broken off when somebody else has brought the object meanwhile', async () => {
      const folder = tempDir();
      const source = onDisk(randomBytes(3 * PART));
      await interrupt(store, 'brought', source, folder, PART);
      await store.put('brought', source);
      const put = await store.put('brought', source, { notes: notesFor(store, 'brought', source, folder) });
      assert.deepEqual([put.created, put.bytesSent], [false, 0]);
      assert.deepEqual(readdirSync(folder), []);
    });

    it('sees a file that changed while its upload was interrupted', async () => {
      const folder = tempDir();
      const bytes = randomBytes(3 * PART);
      const source = onDisk(bytes);
      await interrupt(store, 'touched', source, folder, PART);
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      writeFileSync(source.path, bytes);
      const notes = notesFor(store, 'touched', source, folder);
      const copy = copyOf('base', 0, []);
      await assert.rejects(store.put('touched', source, { notes, copy }), hasCode('FILE_CHANGED'));
      assert.equal(await store.head('touched'), null);
      assert.deepEqual(readdirSync(folder), []);
    });
  });
}

/** A plan that copies whole parts, given as [number of the part, first byte in the source]. */
function copyOf(key: string, size: number, parts: readonly (readonly [number, number])[]): CopySource {
  const ranges = parts.map(([number, first]) => [number, { first, last: first + PART - 1 }] as const);
  return { key, size, partBytes: PART, parts: new Map(ranges) };
}

function notesFor(store: ObjectStore, key: string, source: ReturnType<typeof onDisk>, folder: string): UploadNotes {
  const { sha256 } = source;
  const { size } = source as { size: number };
  return uploadNotes(folder, { location: store.location, key, sha256, size }, Date.now);
}

/** Begins to upload and stops when so many bytes are confirmed; resolves to how many were. */
async function interrupt(
  store: ObjectStore,
  key: string,
  source: ReturnType<typeof onDisk>,
  folder: string,
  bytes: number,
): Promise<number> {
  const stop = new AbortController();
  let confirmed = 0;
  const put = store.put(key, source, {
    notes: notesFor(store, key, source, folder),
    copy: copyOf('base', 0, []),
    signal: stop.signal,
    onProgress: ({ done }) => {
      confirmed = done;
      if (done >= bytes) stop.abort();
    },
  });
  await assert.rejects(put, hasCode('CANCELLED'));
  return confirmed;
}
