import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataManagerError } from '../../../src/core/errors';
import { processMark } from '../../../src/core/repo/processMark';
import type { Repository } from '../../../src/core/repo/repository';
import { isLockAbandoned, lockFile, withTransactionLock } from '../../../src/core/transaction/transactionLock';
import { emptyRepository } from '../../support/gitFixture';

const doing = 'publishes a.sqlite';

/** A lock file that says of somebody else that he holds it. */
function foreignLock(repository: Repository, owner: object): void {
  const file = lockFile(repository);
  mkdirSync(dirname(file), { recursive: true });
  const since = new Date(Date.now() - 12_000).toISOString();
  writeFileSync(file, JSON.stringify({ id: 'other', owner, doing: 'publishes b.sqlite', since }));
}

describe('the transaction lock of a clone', () => {
  it('lets one after the other in, in one process too', async () => {
    const repository = await emptyRepository().open();
    let inside = 0;
    let most = 0;
    const run = () =>
      withTransactionLock(repository, { doing }, async () => {
        most = Math.max(most, ++inside);
        await sleep(20);
        inside--;
      });
    await Promise.all([run(), run(), run(), run()]);
    assert.equal(most, 1);
    assert.deepEqual(readdirSync(dirname(lockFile(repository))), []);
  });

  it('is let go when the work fails', async () => {
    const repository = await emptyRepository().open();
    const failing = withTransactionLock(repository, { doing }, async () => {
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.equal(await withTransactionLock(repository, { doing, waitMs: 0 }, async () => 'in'), 'in');
  });

  it('waits a bounded time for a living process, and names it', async () => {
    const repository = await emptyRepository().open();
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
    try {
      foreignLock(repository, { ...processMark(), pid: other.pid, process: 'other', started: null });
      const said: (string | undefined)[] = [];
      const options = {
        doing,
        waitMs: 200,
        onProgress: ({ detail }: { detail?: string | undefined }) => said.push(detail),
      };
      await assert.rejects(
        withTransactionLock(repository, options, async () => undefined),
        (error) => {
          assert.ok(DataManagerError.is(error, 'REPOSITORY_BUSY'));
          assert.match(error.message, new RegExp(`process ${other.pid}, which publishes b\\.sqlite since 1[2-9] s`));
          assert.equal(error.data.pid, other.pid);
          return true;
        },
      );
      assert.match(said[0] ?? '', /^for process \d+, which publishes b\.sqlite since \d+ s$/);
      assert.equal(await isLockAbandoned(repository), false);
    } finally {
      other.kill('SIGKILL');
    }
  });

  it('stops waiting when it is cancelled', async () => {
    const repository = await emptyRepository().open();
    foreignLock(repository, { ...processMark(), process: 'other', host: 'elsewhere' });
    const options = { doing, signal: AbortSignal.timeout(100) };
    await assert.rejects(
      withTransactionLock(repository, options, async () => undefined),
      (error) => DataManagerError.is(error, 'CANCELLED'),
    );
  });

  it('is taken over from a process that died, also when its pid has been used again', async () => {
    const repository = await emptyRepository().open();
    for (const owner of [
      { ...processMark(), pid: 4_194_303, process: 'gone' },
      { ...processMark(), pid: process.ppid, process: 'gone', started: '1' },
    ]) {
      foreignLock(repository, owner);
      assert.equal(await isLockAbandoned(repository), true);
      assert.equal(await withTransactionLock(repository, { doing, waitMs: 0 }, async () => 'in'), 'in');
      assert.deepEqual(readdirSync(dirname(lockFile(repository))), []);
    }
  });

  it('is taken over by one only, however many try, and although a successor died too', async () => {
    const repository = await emptyRepository().open();
    const dead = { ...processMark(), pid: 4_194_303, process: 'gone' };
    foreignLock(repository, dead);
    writeFileSync(
      `${lockFile(repository)}.after-other`,
      JSON.stringify({ id: 'second', owner: dead, doing: 'died as well', since: new Date().toISOString() }),
    );
    let inside = 0;
    let most = 0;
    const run = () =>
      withTransactionLock(repository, { doing }, async () => {
        most = Math.max(most, ++inside);
        assert.match(readFileSync(lockFile(repository), 'utf8'), /publishes a\.sqlite/);
        await sleep(5);
        inside--;
      });
    await Promise.all(Array.from({ length: 12 }, run));
    assert.equal(most, 1);
    assert.deepEqual(readdirSync(dirname(lockFile(repository))), []);
  });
});
