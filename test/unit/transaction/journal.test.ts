import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  abandonedJournals,
  journalFolder,
  openJournal,
  type PublishRecord,
} from '../../../src/core/transaction/journal';
import type { TransactionStep } from '../../../src/core/transaction/steps';
import { emptyRepository } from '../../support/gitFixture';

const intent = {
  kind: 'publish',
  state: 'INTENT',
  name: 'a.sqlite',
  target: 'new',
  file: '/data/a.sqlite',
  stamp: { size: 1, mtimeMs: 2, ino: 3 },
  message: null,
  branch: 'main',
  base: null,
} as const;

describe('a transaction journal', () => {
  it('is on the disk at every step, and gone at the end', async () => {
    const repository = await emptyRepository().open();
    const steps: TransactionStep[] = [];
    const journal = await openJournal<PublishRecord>(repository, intent, (step) => steps.push(step));
    const file = join(journalFolder(repository), journal.record.id, 'journal.json');
    await journal.note({ state: 'HASHED', sha256: 'ab' });
    const onDisk = JSON.parse(readFileSync(file, 'utf8')) as PublishRecord;
    assert.deepEqual([onDisk.state, onDisk.sha256, onDisk.root], ['HASHED', 'ab', repository.root]);
    await journal.close();
    assert.deepEqual(steps, ['INTENT', 'HASHED', 'DONE']);
    assert.equal(existsSync(journalFolder(repository)), false);
  });

  it('is for recovery once its process is over, or has given it up, and not before', async () => {
    const repository = await emptyRepository().open();
    const journal = await openJournal<PublishRecord>(repository, intent);
    assert.deepEqual(await abandonedJournals(repository), []);
    const file = join(journalFolder(repository), journal.record.id, 'journal.json');
    const dead = { ...journal.record, owner: { ...journal.record.owner, pid: 4_194_303, process: 'gone' } };
    writeFileSync(file, JSON.stringify(dead));
    assert.equal((await abandonedJournals(repository)).length, 1);
    writeFileSync(file, JSON.stringify(journal.record));
    assert.equal((await abandonedJournals(repository)).length, 0);
    journal.abandon();
    assert.equal((await abandonedJournals(repository)).length, 1);
  });
});
