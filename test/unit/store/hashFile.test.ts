import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { hashFile, sameStamp, stampFile } from '../../../src/core/store/hashFile';
import { asOrdinaryUser } from '../../support/ordinaryUser';
import { tempDir } from '../../support/tempDir';

const coded = (code: string) => (error: unknown) => DataManagerError.is(error) && error.code === code;

describe('hashFile', () => {
  for (const size of [1, 1 << 20, (1 << 20) + 1, 3_333_333]) {
    it(`hashes ${size} bytes`, async () => {
      const path = join(tempDir(), 'file');
      const bytes = randomBytes(size);
      writeFileSync(path, bytes);
      const seen: number[] = [];
      const hashed = await hashFile({ path, onProgress: ({ done }) => seen.push(done) });
      assert.equal(hashed.sha256, createHash('sha256').update(bytes).digest('hex'));
      assert.equal(hashed.size, size);
      assert.equal(seen.at(-1), size);
      assert.ok(sameStamp(hashed.stamp, await stampFile(path)));
    });
  }

  it('follows a symbolic link', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'file'), 'x');
    symlinkSync(join(folder, 'file'), join(folder, 'link'));
    assert.equal((await hashFile({ path: join(folder, 'link') })).size, 1);
  });

  it('refuses what is not a file with bytes, and does not hang on a pipe', async () => {
    const folder = tempDir();
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    writeFileSync(join(folder, 'empty'), '');
    await assert.rejects(hashFile({ path: join(folder, 'absent') }), coded('FILE_NOT_FOUND'));
    await assert.rejects(hashFile({ path: folder }), coded('FILE_NOT_REGULAR'));
    await assert.rejects(hashFile({ path: pipe }), coded('FILE_NOT_REGULAR'));
    await assert.rejects(hashFile({ path: '/dev/zero' }), coded('FILE_NOT_REGULAR'));
    await assert.rejects(hashFile({ path: join(folder, 'empty') }), coded('FILE_EMPTY'));
    await assert.rejects(hashFile({ path: join(folder, 'empty', 'below') }), coded('FILE_NOT_FOUND'));
  });

  it('says that a file may not be read', async () => {
    const folder = tempDir();
    const path = join(folder, 'private');
    writeFileSync(path, 'x');
    chmodSync(folder, 0o755);
    chmodSync(path, 0);
    await asOrdinaryUser(() => assert.rejects(hashFile({ path }), coded('FILE_UNREADABLE')));
  });

  it('notices that the file grew or was replaced meanwhile', async () => {
    const path = join(tempDir(), 'file');
    writeFileSync(path, randomBytes(3_000_000));
    const touched = (change: () => void) => {
      let once = change;
      return hashFile({
        path,
        onProgress: () => {
          once();
          once = () => {};
        },
      });
    };
    await assert.rejects(
      touched(() => appendFileSync(path, 'more')),
      coded('FILE_CHANGED'),
    );
    await assert.rejects(
      touched(() => {
        writeFileSync(`${path}.new`, randomBytes(3_000_004));
        renameSync(`${path}.new`, path);
      }),
      coded('FILE_CHANGED'),
    );
    assert.equal((await hashFile({ path })).size, 3_000_004);
  });

  it('can be cancelled', async () => {
    const path = join(tempDir(), 'file');
    writeFileSync(path, randomBytes(3_000_000));
    const stop = new AbortController();
    await assert.rejects(hashFile({ path, signal: stop.signal, onProgress: () => stop.abort() }), coded('CANCELLED'));
  });
});
