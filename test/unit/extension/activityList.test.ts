import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataManagerError, throwIfCancelled } from '../../../src/core/errors';
import type { Monitor } from '../../../src/core/progress';
import {
  ActivityList,
  type ActivityState,
  type ActivityTask,
  recentActivities,
} from '../../../src/extension/activity/activityList';

const task = (more: Partial<ActivityTask<string>> = {}): ActivityTask<string> => ({
  kind: 'publish',
  title: 'Updating utopia.sqlite',
  folder: '/data/energy',
  outcome: (result) => result,
  again: async () => undefined,
  ...more,
});

describe('the list of what this window does', () => {
  it('shows a task while it runs, and what became of it', async () => {
    const list = new ActivityList();
    const states: string[] = [];
    list.subscribe((change) => states.push(change.kind === 'state' ? change.activity.state.kind : change.kind));
    const result = await list.run(task(), async ({ onProgress }) => {
      assert.equal(list.all[0]?.state.kind, 'running');
      onProgress?.({ phase: 'upload', done: 1, total: 2 });
      assert.equal(list.all[0]?.figures?.percent, 50);
      return 'v2, 1 B sent';
    });
    assert.equal(result, 'v2, 1 B sent');
    assert.deepEqual(list.all[0]?.state, { kind: 'done', sentence: 'v2, 1 B sent' });
    assert.equal(list.all[0]?.figures?.percent, 50, 'the last figures stay');
    assert.deepEqual(states, ['rows', 'figures', 'done']);
  });

  it('runs several at once, the newest first', async () => {
    const list = new ActivityList();
    const both = ['one', 'two'].map((title) => list.run(task({ title }), () => sleep(20, title)));
    assert.deepEqual(
      list.all.map(({ task: { title } }) => title),
      ['two', 'one'],
    );
    await Promise.all(both);
  });

  it('pauses at once, and says what is kept for the next run', async () => {
    const list = new ActivityList();
    const running = list.run(task(), transfer({ done: 30, kept: 25 }));
    const rejected = assert.rejects(running, (error) => DataManagerError.is(error, 'CANCELLED'));
    await sleep(30);
    const [row] = list.all;
    assert.ok(row);
    list.stop(row.id);
    assert.equal(row.state.kind, 'stopping');
    await rejected;
    assert.deepEqual(row.state, { kind: 'paused', kept: 25 });
  });

  it('takes the cancel of the notification for a pause too', async () => {
    const list = new ActivityList();
    const running = list.run(task(), async (monitor, abort) => {
      setTimeout(() => abort.abort(), 10);
      return transfer({ done: 1, kept: 0 })(monitor);
    });
    await assert.rejects(running);
    assert.deepEqual(list.all[0]?.state, { kind: 'paused', kept: 0 });
  });

  it('keeps the sentence of an error, and the conflict that it tells of', async () => {
    const list = new ActivityList();
    await fails(list, new DataManagerError('DISK_FULL', 'The disk is full.', { hint: 'Make room.' }));
    assert.deepEqual(list.all[0]?.state, {
      kind: 'failed',
      sentence: 'The disk is full.',
      hint: 'Make room.',
      conflict: null,
    });
    const theirs = { version: 'v2', sha256: 'b', author: 'Grace Hopper', timestamp: '2026-03-01T00:00:00Z' };
    const data = { name: 'a.csv', base: null, theirs, mine: { version: 'v2', sha256: 'c' }, file: null, pending: true };
    await fails(list, new DataManagerError('DATASET_CONFLICT', 'a.csv has got v2.', { hint: 'datamanager ...', data }));
    const state = stateOf(list);
    assert.ok(state?.kind === 'failed');
    assert.equal(state.hint, null, 'not a command line');
    assert.deepEqual(state.conflict?.theirs, theirs);
    assert.equal(state.conflict.pending, true);
    assert.equal(state.conflict.folder, '/data/energy');
  });

  it('keeps no row for a question: one that was closed, or one that comes', async () => {
    const list = new ActivityList();
    await fails(list, new DataManagerError('CANCELLED', 'Dismissed.'));
    await fails(list, new DataManagerError('CONFIRMATION_NEEDED', 'Push yours too?'));
    assert.deepEqual(list.all, []);
  });

  it('shows brief work only when it takes long, fetches something or fails', async () => {
    const list = new ActivityList();
    const brief = task({ kind: 'compare', brief: true });
    await list.run(brief, async () => 'Compared');
    assert.deepEqual(list.all, []);
    await list.run(brief, async ({ onProgress }) => {
      await sleep(350);
      assert.equal(list.all.length, 1);
      onProgress?.({ phase: 'compare', done: 1, total: 1 });
      return 'Compared';
    });
    assert.deepEqual(list.all, []);
    await fails(list, new DataManagerError('NOT_SQLITE', 'It is none.'), { brief: true });
    assert.equal(stateOf(list)?.kind, 'failed');
  });

  it('remembers only the last ones, and forgets all when told, but nothing that runs', async () => {
    const list = new ActivityList();
    const running = list.run(task({ title: 'long' }), () => sleep(100, 'done'));
    for (let i = 0; i < recentActivities + 5; i++) await list.run(task({ title: `${i}` }), async () => 'done');
    assert.equal(list.all.length, recentActivities + 1);
    assert.equal(list.all[0]?.task.title, `${recentActivities + 4}`);
    list.clear();
    assert.deepEqual(
      list.all.map(({ task: { title } }) => title),
      ['long'],
    );
    await running;
  });
});

function stateOf(list: ActivityList): ActivityState | undefined {
  return list.all[0]?.state;
}

function transfer({ done, kept }: { readonly done: number; readonly kept: number }) {
  return async ({ signal, onProgress }: Monitor): Promise<string> => {
    onProgress?.({ phase: 'upload', done, total: 100, kept });
    await sleep(5_000, undefined, signal ? { signal } : {}).catch(() => undefined);
    throwIfCancelled(signal);
    return 'done';
  };
}

function fails(list: ActivityList, error: Error, more: Partial<ActivityTask<string>> = {}): Promise<void> {
  return assert.rejects(
    list.run(task(more), () => Promise.reject(error)),
    (thrown) => thrown === error,
  );
}
