import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type UploadSubject, uploadNotes } from '../../../src/core/store/uploadNotes';
import { tempDir } from '../../support/tempDir';

const DAY_MS = 24 * 3600 * 1000;
const subject: UploadSubject = { location: 's3://data', key: 'utopia/3f5a.db', sha256: 'a'.repeat(64), size: 100 };
const upload = { uploadId: 'first', putId: 'put', partBytes: 10 };
const part = (number: number) => ({ number, etag: `"${number}"` });

describe('uploadNotes', () => {
  let folder: string;
  beforeEach(() => {
    folder = tempDir();
  });
  const open = (about: Partial<UploadSubject> = {}, now = Date.now) =>
    uploadNotes(folder, { ...subject, ...about }, now);
  const onlyFile = (): string => {
    const names = readdirSync(folder);
    assert.equal(names.length, 1, names.join(', '));
    return join(folder, names[0] ?? '');
  };
  /** Notes of an upload of which two parts were confirmed, as a process that died leaves them. */
  const crashed = async () => {
    const notes = open();
    await notes.begin(upload);
    await notes.confirm(part(1));
    await notes.confirm(part(2));
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    renameSync(onlyFile(), onlyFile().replace(`.${process.pid}.`, `.${dead}.`));
  };

  it('give what was confirmed to the next process, once', async () => {
    await crashed();
    assert.deepEqual(await open().load(), { upload, parts: [part(1), part(2)] });
    assert.equal(await open().load(), null);
  });

  it('stay with the upload that is running: another one of the same bytes has its own', async () => {
    const first = open();
    await first.begin(upload);
    const second = open();
    assert.equal(await second.load(), null);
    await second.begin({ ...upload, uploadId: 'second' });
    await first.confirm(part(1));
    await second.confirm(part(2));
    await first.keep();
    assert.deepEqual(await open().load(), { upload, parts: [part(1)] });
    await second.clear();
    assert.equal(readdirSync(folder).length, 1);
  });

  it('can be gone on with in the same process once they are put back', async () => {
    const notes = open();
    await notes.begin(upload);
    await notes.confirm(part(1));
    await notes.keep();
    assert.deepEqual((await open().load())?.parts, [part(1)]);
  });

  it('lose the line that a crash tore, and not the one behind it', async () => {
    await crashed();
    appendFileSync(onlyFile(), '{"number":3,"et');
    const next = open();
    await next.load();
    await next.confirm(part(4));
    await next.keep();
    assert.deepEqual((await open().load())?.parts, [part(1), part(2), part(4)]);
  });

  it('are removed when they say nothing: garbage, no first line, other bytes, too old', async () => {
    const wrecks: Readonly<Record<string, () => Promise<unknown>>> = {
      garbage: async () => writeFileSync(onlyFile(), Buffer.from([0, 255, 10, 7, 123, 10])),
      empty: async () => writeFileSync(onlyFile(), ''),
      headless: async () => writeFileSync(onlyFile(), readFileSync(onlyFile(), 'utf8').replace(/^.*\n/, '')),
    };
    for (const [name, wreck] of Object.entries(wrecks)) {
      await crashed();
      await wreck();
      assert.equal(await open().load(), null, name);
      assert.deepEqual(readdirSync(folder), [], name);
    }
    await crashed();
    assert.equal(await open({ sha256: 'b'.repeat(64) }).load(), null);
    await crashed();
    assert.equal(await open({}, () => Date.now() + 7 * DAY_MS).load(), null);
    assert.deepEqual(readdirSync(folder), []);
  });

  it('are not those of another bucket or key', async () => {
    await crashed();
    assert.equal(await open({ location: 's3://other' }).load(), null);
    assert.equal(await open({ key: 'utopia/other.db' }).load(), null);
    assert.equal(readdirSync(folder).length, 1);
  });

  it('of files that were never published again do not pile up', async () => {
    await crashed();
    const old = new Date(Date.now() - 7 * DAY_MS);
    utimesSync(onlyFile(), old, old);
    await open({ key: 'utopia/other.db' }).begin(upload);
    assert.match(readFileSync(onlyFile(), 'utf8'), /other\.db/);
  });
});
