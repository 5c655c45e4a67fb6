import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import type { OperationContext } from '../../../src/core/operations/context';
import { createDataset } from '../../../src/core/operations/createDataset';
import { linkVersions } from '../../../src/core/operations/linkVersions';
import { materializeVersions } from '../../../src/core/operations/materializeVersions';
import { recover } from '../../../src/core/operations/recover';
import { resolveConflict } from '../../../src/core/operations/resolveConflict';
import { updateDataset } from '../../../src/core/operations/updateDataset';
import { createCache } from '../../../src/core/store/cache';
import { createFolderStore } from '../../../src/core/store/folderStore';
import type { ObjectStore } from '../../../src/core/store/objectStore';
import { metaKey } from '../../../src/core/transfer/companions';
import { manifestOfBucket, metasOf } from '../../support/bucketCatalog';
import { cloneOf } from '../../support/gitFixture';
import { type Workbench, workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';

function csv(text: string): string {
  const file = join(tempDir(), 'table.csv');
  writeFileSync(file, text);
  return file;
}

const storeOf = ({ storeFolder }: Workbench): ObjectStore => createFolderStore({ folder: storeFolder });
const manifestOf = ({ fixture }: Workbench): string => readFileSync(join(fixture.dir, 'manifest.json'), 'utf8');
const described = async (bench: Workbench): Promise<readonly string[]> =>
  [...(await metasOf(storeOf(bench))).values()].map(({ dataset, entry }) => `${dataset.name}@${entry.version}`).sort();

/** The context, with a store that does something else with descriptions. */
function withPut({ context, ...bench }: Workbench, put: ObjectStore['put']): OperationContext {
  const store = storeOf({ context, ...bench });
  const other: ObjectStore = {
    ...store,
    put: (key, ...rest) => (key.endsWith('.meta.json') ? put(key, ...rest) : store.put(key, ...rest)),
  };
  return { ...context, openStore: async () => other };
}

describe('the description beside each object', () => {
  it('is enough to make the manifest again', async () => {
    const bench = await workbench();
    const { context, fixture } = bench;
    const first = csv('a,b\n1,2\n');
    const about = { source: 'https://example.org/table', description: 'A table', message: 'First import\n\nof many' };
    const created = await createDataset(context, 'energy/table.csv', { file: first, ...about });
    await createDataset(context, 'clean.sqlite', {
      file: await bench.database('clean.sqlite', 'CREATE TABLE t(a)'),
      parents: ['energy/table.csv@v1'],
    });
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));

    // What a person adds to the dataset goes along with its next version, members that we don't know too.
    const [table, clean] = JSON.parse(manifestOf(bench));
    const more = { license: 'CC0-1.0', tags: ['energy'], keys: { cost: ['tech'] }, owner: 'Ada' };
    fixture.commit({ 'manifest.json': `${JSON.stringify([{ ...table, ...more }, clean], null, 2)}\n` });
    await updateDataset(context, 'energy/table.csv', { file: csv('a,b\n1,3\n'), parents: ['clean.sqlite@v1'] });
    assert.match(manifestOf(bench), /"owner": "Ada"/);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));

    const text = readFileSync(join(bench.storeFolder, metaKey(created.key)), 'utf8');
    for (const place of [dirname(first), bench.storeFolder, fixture.dir]) assert.equal(text.includes(place), false);
    assert.match(text, /"originalFile": "table\.csv"/);
  });

  it('is there for each of several versions with the same bytes', async () => {
    const bench = await workbench();
    const { context } = bench;
    const [a, b] = [csv('a\n1\n'), csv('a\n2\n')];
    await createDataset(context, 'x.csv', { file: a });
    await updateDataset(context, 'x.csv', { file: b });
    const back = await updateDataset(context, 'x.csv', { file: a });
    const other = await createDataset(context, 'y.csv', { file: a, description: 'The same' });
    assert.deepEqual([back.transfer.bytesSent, other.transfer.bytesSent], [0, 0]);
    assert.equal(other.key, back.key);
    assert.deepEqual(await described(bench), ['x.csv@v1', 'x.csv@v2', 'x.csv@v3', 'y.csv@v1']);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));
    const keys = [...(await metasOf(storeOf(bench))).keys()].filter((key) => key.startsWith(back.key));
    const marks = keys.map((key) => key.slice(back.key.length).replace(/[0-9a-f]{16}/, 'ID')).sort();
    assert.deepEqual(marks, ['.also-ID.meta.json', '.also-ID.meta.json', '.meta.json']);
  });

  it('stands beside what somebody else has put in its place', async () => {
    const bench = await workbench();
    const { context } = bench;
    const file = csv('a\n1\n');
    const { key } = await createDataset(context, 'x.csv', { file });
    writeFileSync(join(bench.storeFolder, metaKey(key)), '[{"fileName":"x.csv"');
    assert.deepEqual(await materializeVersions(context, null, {}), []);
    rmSync(join(bench.storeFolder, metaKey(key)));
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));
  });

  it('is written when the version has its number for good, by whoever pushes it', async () => {
    const bench = await workbench({ remote: true });
    const { context, fixture } = bench;
    await createDataset(context, 'x.csv', { file: csv('a\n1\n') });
    assert.deepEqual(await described(bench), ['x.csv@v1']);
    const otherFixture = cloneOf(bench.remote ?? '');
    const other = { ...context, repository: await otherFixture.open(), cache: createCache({ folder: tempDir() }) };

    await updateDataset(context, 'x.csv', { file: csv('a\n2\n'), push: false });
    assert.deepEqual(await described(bench), ['x.csv@v1']);
    await updateDataset(other, 'x.csv', { file: csv('a\n3\n') });
    assert.deepEqual(await described(bench), ['x.csv@v1', 'x.csv@v2']);
    assert.equal((await recover(context, { onConflict: 'on-top' })).note, null);
    assert.deepEqual(await described(bench), ['x.csv@v1', 'x.csv@v2', 'x.csv@v3']);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));

    // Offline, then along with the next publish.
    const url = fixture.run('remote', 'get-url', 'origin').trim();
    fixture.run('remote', 'set-url', 'origin', join(tempDir(), 'away'));
    await createDataset(context, 'y.csv', { file: csv('b\n1\n') });
    assert.equal((await described(bench)).includes('y.csv@v1'), false);
    fixture.run('remote', 'set-url', 'origin', url);
    await createDataset(context, 'z.csv', { file: csv('c\n1\n') });
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));

    // Along with a link.
    await createDataset(context, 'w.csv', { file: csv('d\n1\n'), push: false });
    await linkVersions(context, { parent: 'z.csv@v1', child: 'w.csv@v1' });
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));

    // By who settles a conflict.
    await updateDataset(context, 'x.csv', { file: csv('a\n4\n'), push: false });
    otherFixture.run('pull', '-q');
    await updateDataset(other, 'x.csv', { file: csv('a\n5\n') });
    await resolveConflict(context, { kind: 'on-top', name: 'x.csv' }, {});
    const settled = (await described(bench)).filter((version) => /^x\.csv@v[45]$/.test(version));
    assert.deepEqual(settled, ['x.csv@v4', 'x.csv@v5']);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));
  }).timeout(60_000);

  it('has the number that the version got while it was being pushed', async () => {
    const bench = await workbench({ remote: true });
    const { context } = bench;
    await createDataset(context, 'x.csv', { file: csv('a\n1\n') });
    const otherFixture = cloneOf(bench.remote ?? '');
    const other = { ...context, repository: await otherFixture.open(), cache: createCache({ folder: tempDir() }) };
    await updateDataset(other, 'x.csv', { file: csv('a\n2\n'), push: false });
    const overtaken: OperationContext = {
      ...context,
      onStep: (step) => {
        if (step === 'COMMITTED') otherFixture.run('push', '-q');
      },
    };
    const mine = await updateDataset(overtaken, 'x.csv', { file: csv('a\n3\n'), onConflict: 'on-top' });
    assert.deepEqual([mine.version, mine.pushed], ['v3', true]);
    assert.deepEqual(await described(bench), ['x.csv@v1', 'x.csv@v3']);
    // The other one was pushed by hand: whoever makes objects whole describes it as well.
    assert.deepEqual(await materializeVersions(context, 'x.csv', {}), []);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));
  }).timeout(60_000);

  it('is left out for what waits, also when objects are made whole, and on a branch that nobody has', async () => {
    const bench = await workbench({ remote: true });
    const { context, fixture } = bench;
    await createDataset(context, 'x.csv', { file: csv('a\n1\n'), push: false });
    await materializeVersions(context, null, {});
    assert.deepEqual(await described(bench), []);
    fixture.run('checkout', '-q', '--detach');
    await materializeVersions(context, null, {});
    assert.deepEqual(await described(bench), []);
    fixture.run('checkout', '-q', 'main');
    fixture.run('push', '-q');
    await materializeVersions(context, null, {});
    assert.deepEqual(await described(bench), ['x.csv@v1']);
  }).timeout(30_000);

  it('does not fail a publish that is done, and is made up for by the next who makes objects whole', async () => {
    const bench = await workbench({ remote: true });
    const refused = withPut(bench, async () => {
      throw new DataManagerError('STORE_REFUSED', 'No.');
    });
    assert.equal((await createDataset(refused, 'x.csv', { file: csv('a\n1\n') })).pushed, true);
    assert.deepEqual(await materializeVersions(refused, null, {}), []);
    assert.deepEqual(await described(bench), []);
    assert.deepEqual(await materializeVersions(bench.context, null, {}), []);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));
  }).timeout(30_000);

  it('keeps nobody waiting: neither after a cancel nor for a store that does not answer', async () => {
    const bench = await workbench({ remote: true });
    const { context } = bench;
    const cancel = new AbortController();
    const cancelled: OperationContext = {
      ...context,
      onStep: (step) => {
        if (step === 'PUSHED') cancel.abort();
      },
    };
    const { signal } = cancel;
    assert.equal((await createDataset(cancelled, 'x.csv', { file: csv('a\n1\n'), signal })).pushed, true);
    assert.deepEqual(await described(bench), []);
    await assert.rejects(materializeVersions(context, null, { signal }), (error) =>
      DataManagerError.is(error, 'CANCELLED'),
    );

    const silent = withPut(bench, (_, __, options) => {
      return new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new DataManagerError('CANCELLED', 'Cancelled.')));
      });
    });
    const { timeout } = AbortSignal;
    let patience = 0;
    AbortSignal.timeout = (ms) => {
      patience = ms;
      return timeout.call(AbortSignal, 50);
    };
    try {
      assert.equal((await createDataset(silent, 'y.csv', { file: csv('b\n1\n') })).pushed, true);
    } finally {
      AbortSignal.timeout = timeout;
    }
    assert.equal(patience, 10_000);
  }).timeout(30_000);

  it('is there for the delta of a version whose object is still to be made', async () => {
    const bench = await workbench();
    const { context, fixture, storeFolder } = bench;
    const settings = JSON.parse(readFileSync(join(fixture.dir, '.datamanager.json'), 'utf8'));
    fixture.commit({ '.datamanager.json': JSON.stringify({ ...settings, transfer: { deltaFirst: true } }) });
    const rows = Array.from({ length: 20_000 }, (_, i) => `${i},${i * 7}\n`);
    await createDataset(context, 'x.csv', { file: csv(rows.join('')) });
    const next = csv(['new,1\n', ...rows].join(''));
    const { key } = await updateDataset(context, 'x.csv', { file: next });
    assert.equal(await storeOf(bench).head(key), null);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));
    // Lost with its object's folder, made again with it.
    rmSync(join(storeFolder, metaKey(key)));
    assert.equal((await materializeVersions(context, null, {})).length, 1);
    assert.equal(await manifestOfBucket(storeOf(bench)), manifestOf(bench));
  }).timeout(30_000);

  it('goes with the number of requests', async () => {
    const bench = await workbench();
    const counted = { requests: 0 };
    const store = storeOf(bench);
    const counting: ObjectStore = {
      ...store,
      put: async (...args) => {
        counted.requests++;
        return { ...(await store.put(...args)), requests: 1 };
      },
      get: (...args) => {
        counted.requests++;
        return store.get(...args);
      },
      head: (...args) => {
        counted.requests++;
        return store.head(...args);
      },
    };
    const context = { ...bench.context, openStore: async () => counting };
    const file = csv('a\n1\n');
    for (const expected of [2, 4]) {
      counted.requests = 0;
      const name = expected === 2 ? 'x.csv' : 'y.csv';
      const { transfer } = await createDataset(context, name, { file });
      assert.deepEqual([transfer.requests, counted.requests], [expected, expected], name);
    }
  });
});
