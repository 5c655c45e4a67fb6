import assert from 'node:assert/strict';
import type { PendingCommit } from '../../../src/core/operations/pendingCommits';
import type { JournalRecord } from '../../../src/core/transaction/journal';
import type { Activity, ActivityState } from '../../../src/extension/activity/activityList';
import type { Figures } from '../../../src/extension/activity/transferMeter';
import { activityNode, activityRoots, countNeeds, pendingVersions } from '../../../src/extension/tree/activityNodes';
import { activityRow } from '../../../src/extension/tree/activityRow';
import { activityTooltip, figureFacts } from '../../../src/extension/tree/activityTooltip';
import { repositoryState, words } from './treeFixture';

const figures: Figures = {
  phase: 'upload',
  done: 41_200_000,
  total: 91_500_000,
  percent: 45,
  copied: 30_000_000,
  resumed: 5_000_000,
  kept: 41_200_000,
  speed: 12_100_000,
  secondsLeft: 4.2,
  detail: null,
};

function activity(state: ActivityState, more: Partial<Activity> = {}): Activity {
  return {
    id: 'activity:1',
    task: { kind: 'publish', title: 'Updating utopia.sqlite', folder: '/data/energy', again: async () => undefined },
    state,
    startedAt: words.now - 12_000,
    endedAt: state.kind === 'running' || state.kind === 'stopping' ? null : words.now - 1000,
    figures,
    ...more,
  };
}

const failed = (conflict: Extract<ActivityState, { kind: 'failed' }>['conflict'] = null): ActivityState => ({
  kind: 'failed',
  sentence: 'The disk is full.',
  hint: 'Make room.',
  conflict,
});

const conflict = {
  folder: '/data/energy',
  name: 'prices.csv',
  base: null,
  theirs: { version: 'v2', sha256: 'b', author: 'Grace Hopper', timestamp: '2026-02-28T23:50:00Z' },
  mine: null,
  file: null,
  pending: true,
  sentence: 'prices.csv has got v2 in the meantime.',
};

const pending: readonly PendingCommit[] = [
  { oid: 'a'.repeat(40), subject: 'Revise costs', versions: [{ name: 'utopia.sqlite', version: 'v3' }] },
  { oid: 'b'.repeat(40), subject: 'Link', versions: [] },
];

const interrupted = {
  kind: 'publish',
  id: 'j1',
  name: 'raw](http://evil).sqlite',
  state: 'UPLOADING',
  started: '2026-02-28T23:00:00Z',
  file: '/data/raw.sqlite',
  owner: { pid: 4711 },
} as unknown as JournalRecord;

const work = (commits: readonly PendingCommit[] = [], records: readonly JournalRecord[] = [], folder?: string) => ({
  state: repositoryState([], [], folder),
  branch: 'main',
  pending: commits,
  interrupted: records,
});

const rowOf = (state: ActivityState, more: Partial<Activity> = {}) =>
  activityRow(activityNode(activity(state, more)), words);

describe('a row of the Activity view', () => {
  it('says percent and time left first, then phase, bytes and speed', () => {
    const row = rowOf({ kind: 'running' });
    assert.equal(row.description, '45 % · 4 s left · uploading 41.2 MB of 91.5 MB · 12.1 MB/s');
    assert.equal(row.contextValue, 'activity+running');
    assert.equal(row.spoken, `Updating utopia.sqlite, ${row.description}`);
  });

  it('tells apart what was confirmed, copied and there from before', () => {
    const facts = new Map(figureFacts(activity({ kind: 'running' }), words));
    assert.equal(facts.get('Confirmed'), '41.2 MB of 91.5 MB');
    assert.equal(facts.get('Copied in the store'), '30.0 MB');
    assert.equal(facts.get('There from before'), '5.0 MB');
    assert.equal(facts.get('Speed'), '12.1 MB/s');
    const download = activity({ kind: 'running' }, { figures: { ...figures, phase: 'download' } });
    assert.equal(new Map(figureFacts(download, words)).get('On this machine already'), '30.0 MB');
  });

  it('says whom it waits for', () => {
    const waiting: Figures = {
      ...figures,
      ...{ phase: 'waiting', done: 0, total: null, percent: null, speed: null, secondsLeft: null },
      detail: 'for process 4711, which publishes\nx since 3 s',
    };
    const { description } = rowOf({ kind: 'running' }, { figures: waiting });
    assert.equal(description, 'waiting for process 4711, which publishes x since 3 s');
  });

  it('says what is kept when it is paused, and promises nothing otherwise', () => {
    assert.equal(rowOf({ kind: 'paused', kept: 25_000_000 }).description, 'Paused, 25.0 MB are kept');
    const { description, contextValue } = rowOf({ kind: 'paused', kept: 0 });
    assert.deepEqual([description, contextValue], ['Paused', 'activity+again']);
    assert.equal(rowOf({ kind: 'stopping' }).contextValue, 'activity', 'nothing to do but wait');
  });

  it('keeps the outcome, or the sentence of an error with what to do', () => {
    assert.equal(rowOf({ kind: 'done', sentence: 'v2, 3.1 MB sent' }).description, 'v2, 3.1 MB sent · now');
    assert.equal(rowOf(failed()).description, 'The disk is full.');
    assert.match(activityTooltip(activityNode(activity(failed())), words), /Make room/);
  });

  it('tells of a conflict who published what, and offers to settle it', () => {
    const row = rowOf(failed(conflict));
    assert.equal(row.label, 'Conflict: prices.csv');
    assert.equal(row.description, 'Grace Hopper published v2 of prices.csv, 10 minutes ago');
    assert.equal(row.contextValue, 'activity+conflict');
  });

  it('names the versions that wait to be pushed, and shows each below', () => {
    const [node] = activityRoots([], [work(pending)]);
    assert.ok(node?.kind === 'pending');
    const row = activityRow(node, words);
    assert.equal(row.label, '2 commits to push');
    assert.equal(row.description, 'of main · utopia.sqlite v3');
    assert.match(activityTooltip(node, words), /2 commits of main wait to be pushed/);
    const below = pendingVersions(node).map((child) => activityRow(child, words));
    assert.deepEqual(
      below.map(({ label, command }) => [label, command?.id]),
      [
        ['utopia.sqlite v3', 'datamanager.comparePrevious'],
        ['Link', undefined],
      ],
    );
  });

  it('offers undo only for what can not have been committed', () => {
    const context = (state: string): string => {
      const record = { ...interrupted, state } as JournalRecord;
      const [node] = activityRoots([], [work([], [record])]);
      return node ? activityRow(node, words).contextValue : '';
    };
    for (const state of ['INTENT', 'HASHED', 'UPLOADING', 'UPLOADED']) assert.equal(context(state), 'interrupted+undo');
    for (const state of ['COMMIT_BUILT', 'PUSHING']) assert.equal(context(state), 'interrupted');
    const rebuild = { ...interrupted, kind: 'rebuild' } as unknown as JournalRecord;
    const [node] = activityRoots([], [work([], [rebuild])]);
    assert.equal(node && activityRow(node, words).contextValue, 'interrupted');
  });

  it('lets a journal put neither links nor lines into a row', () => {
    const [node] = activityRoots([], [work([], [interrupted])]);
    assert.ok(node);
    assert.doesNotMatch(activityTooltip(node, words), /(?<!\\)\]\(/);
    assert.match(activityRow(node, words).description ?? '', /^while uploading · 1 hour ago$/);
  });

  it('has what runs first, then what needs a person, then what was', () => {
    const rows = [
      activity({ kind: 'done', sentence: '' }, { id: 'activity:4' }),
      activity(failed(conflict), { id: 'activity:3' }),
      activity({ kind: 'paused', kept: 0 }, { id: 'activity:2' }),
      activity({ kind: 'running' }),
    ];
    const roots = activityRoots(rows, [work(pending, [interrupted]), work(pending, [], '/data/other')]);
    assert.deepEqual(
      roots.map(({ id }) => id),
      [
        'activity:1',
        'activity:3',
        'journal:j1',
        'pending:/data/energy',
        'pending:/data/other',
        'activity:4',
        'activity:2',
      ],
    );
    assert.equal(countNeeds(roots), 4);
    const other = roots.find(({ id }) => id === 'pending:/data/other');
    assert.match(String(other && activityRow(other, words).description), /^other · of main/);
  });
});
