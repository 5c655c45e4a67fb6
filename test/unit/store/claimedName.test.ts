import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { claimedName, isUnclaimed } from '../../../src/core/store/claimedName';

describe('claimedName', () => {
  it('keeps a file from everybody while its process lives', () => {
    assert.equal(isUnclaimed(claimedName('notes.jsonl'), 'notes.jsonl'), false);
    assert.equal(isUnclaimed(`notes.jsonl.${process.ppid}.0123456789ab.0123456789ab`, 'notes.jsonl'), false);
  });

  it('gives it to the next one when it was put back or its process is gone', () => {
    assert.equal(isUnclaimed('notes.jsonl', 'notes.jsonl'), true);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    assert.equal(isUnclaimed(`notes.jsonl.${dead}.0123456789ab.0123456789ab`, 'notes.jsonl'), true);
  });

  it('gives it to the next run that has the same process id, as in a container', () => {
    assert.equal(isUnclaimed(`notes.jsonl.${process.pid}.0123456789ab.0123456789ab`, 'notes.jsonl'), true);
  });

  it('knows nothing of other files', () => {
    for (const name of ['other.jsonl', 'notes.jsonl.notes', 'notes.jsonlx', 'notes']) {
      assert.equal(isUnclaimed(name, 'notes.jsonl'), false, name);
    }
  });
});
