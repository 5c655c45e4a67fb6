import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { isAlive, processMark } from '../../../src/core/repo/processMark';

describe('the mark of a process', () => {
  it('tells a living process from a dead one, and from another with its pid', async () => {
    const mine = processMark();
    assert.equal(isAlive(mine), true);
    assert.equal(isAlive({ ...mine, process: 'an older process with our pid' }), false);

    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { stdio: 'ignore' });
    const theirs = { ...mine, pid: child.pid ?? 0, process: 'theirs', started: null };
    assert.equal(isAlive(theirs), true);
    if (process.platform === 'linux') assert.equal(isAlive({ ...theirs, started: '1' }), false);
    assert.equal(isAlive({ ...theirs, at: 0 }), false, 'written before the machine was started');
    assert.equal(isAlive({ ...theirs, host: 'another machine' }), true);

    const ended = new Promise((done) => child.once('close', done));
    child.kill('SIGKILL');
    await ended;
    assert.equal(isAlive(theirs), false);
  });
});
