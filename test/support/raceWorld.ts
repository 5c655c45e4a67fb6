import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../src/core/catalog/manifest';
import { parseManifest } from '../../src/core/catalog/parseManifest';
import { DataManagerError } from '../../src/core/errors';
import type { OperationContext } from '../../src/core/operations/context';
import { initRepository } from '../../src/core/operations/initRepository';
import { materializeVersions } from '../../src/core/operations/materializeVersions';
import { pendingCommits } from '../../src/core/operations/pendingCommits';
import type { PublishResult } from '../../src/core/operations/publishVersion';
import { pushFile } from '../../src/core/operations/pushFile';
import { recover } from '../../src/core/operations/recover';
import type { DiffEngine } from '../../src/core/sqldiff/diffEngine';
import { createCache } from '../../src/core/store/cache';
import { createFolderStore } from '../../src/core/store/folderStore';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { checkedMetas } from './bucketCatalog';
import { bareRemote, cloneOf, emptyRepository, type GitFixture, git, runIn } from './gitFixture';
import { type Answer, gitHttpServer } from './gitHttpServer';
import { tempDir } from './tempDir';

export interface RaceReport {
  readonly acknowledged: number;
  /** Of those, how many were pushed by their own publish, and how many waited for a later push. */
  readonly pushed: number;
  readonly waited: number;
  /** Publishes that stopped because somebody else had published the dataset, and were run again. */
  readonly conflicts: number;
  readonly requests: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly objects: number;
  readonly seconds: number;
}

export interface RaceOptions {
  readonly clones: number;
  /** Versions that each clone publishes: in turn of a dataset of its own and of one that all share. */
  readonly versions: number;
}

/** A server that is slow, refuses, drops connections, and loses replies of pushes that it has carried out. */
function badServer(faults: Record<string, number>): (request: string) => Answer {
  const answer = (kind: Answer): Answer => {
    faults[kind.kind] = (faults[kind.kind] ?? 0) + 1;
    return kind;
  };
  return (request) => {
    const dice = Math.random();
    if (dice < 0.1) return answer({ kind: 'delay', ms: Math.random() * 400 });
    if (dice < 0.13) return answer({ kind: 'drop' });
    if (dice < 0.15) return answer({ kind: 'status', status: 503, body: 'busy' });
    if (dice < 0.25 && request.startsWith('POST') && request.includes('receive-pack')) {
      return answer({ kind: 'dropAnswer' });
    }
    return { kind: 'serve' };
  };
}

/** Clones publish at once through a real `git http-backend`; throws when anything that was acknowledged is not there. */
export async function race(diffEngine: DiffEngine, { clones, versions }: RaceOptions): Promise<RaceReport> {
  const started = performance.now();
  const bare = bareRemote();
  const first = emptyRepository();
  const storeFolder = tempDir();
  await initRepository({ git, folder: first.dir, store: { type: 'folder', path: storeFolder } });
  first.run('push', '-q', bare, 'main');
  const server = await gitHttpServer(bare);
  // Not cloned through the server: it runs in this process, which waits for `git clone`.
  const fixtures = Array.from({ length: clones }, () => {
    const clone = cloneOf(bare);
    clone.run('remote', 'set-url', 'origin', server.url);
    return clone;
  });
  const faults: Record<string, number> = {};
  server.intercept = badServer(faults);

  const written = new Map<string, number>();
  const store = createFolderStore({ folder: storeFolder });
  const counting: typeof store = {
    ...store,
    put: async (key, source, monitor) => {
      const result = await store.put(key, source, monitor);
      if (result.created && !/\.(fate|meta\.json)$/.test(key))
        written.set(source.sha256, (written.get(source.sha256) ?? 0) + 1);
      return result;
    },
  };
  const acknowledged: { readonly name: string; readonly result: PublishResult }[] = [];
  let conflicts = 0;
  const data = tempDir();

  const contextOf = async (fixture: GitFixture): Promise<OperationContext> => ({
    repository: await fixture.open(),
    git,
    openStore: async () => counting,
    cache: createCache({ folder: tempDir() }),
    diffEngine,
    now: () => new Date(),
  });
  const publishAll = async (fixture: GitFixture, clone: number): Promise<OperationContext> => {
    const context = await contextOf(fixture);
    for (let version = 0; version < versions; version++) {
      const name = version % 2 === 0 ? `own${clone}.csv` : 'shared.csv';
      const file = join(data, `${clone}-${version}.csv`);
      writeFileSync(file, `clone,version\n${clone},${version}\n`);
      // Half of them agree beforehand, half look at what the others did (or would) and run the command again.
      const onConflict = clone % 2 === 0 ? 'on-top' : 'stop';
      const result = await persevere(context, () => pushFile(context, name, { file, onConflict }), {
        conflict: () => {
          conflicts++;
        },
        // The commit is there all the same: to publish again would be a second version, and finds the first unchanged.
        kept: () => pushFile(context, name, { file, push: false }),
      });
      acknowledged.push({ name, result });
    }
    return context;
  };

  try {
    const contexts = await Promise.all(fixtures.map(publishAll));
    server.intercept = null;
    // One after the other: whatever still waits is pushed.
    for (const context of contexts) {
      await recover(context, { onConflict: 'on-top' });
      assert.deepEqual(await pendingCommits(context), []);
    }
    for (const { dir } of fixtures) {
      runIn(dir, ['fsck', '--strict', '--no-dangling']);
      assert.equal(runIn(dir, ['status', '--porcelain', '--untracked-files=all']), '');
    }
  } finally {
    await server.close();
  }
  runIn(bare, ['fsck', '--strict', '--no-dangling']);

  const { datasets } = parseManifest(runIn(bare, ['show', 'main:manifest.json']));
  for (const { name, history } of datasets) {
    const numbers = history.map(({ number }) => number);
    assert.deepEqual(
      numbers,
      [...numbers.keys()].map((i) => history.length - i),
      `${name}: v${history.length} ... v1`,
    );
    for (const { key, sha256, version } of history) assert.ok(await store.head(key), `${name}@${version} ${sha256}`);
  }
  for (const { name, result } of acknowledged) {
    const entries = datasets.find((dataset) => dataset.name === name)?.history ?? [];
    assert.equal(entries.filter(({ sha256 }) => sha256 === result.sha256).length, 1, `${name} ${result.sha256}`);
    // What was said to be pushed was seen by everybody, so its number can't have changed.
    const entry = entries.find(({ sha256 }) => sha256 === result.sha256);
    if (result.pushed && result.status !== 'unchanged') assert.equal(entry?.version, result.version);
  }
  await checkDescriptions(store, datasets, () => contextOf(cloneOf(bare)));
  const all = datasets.flatMap(({ history }) => history.map(({ sha256 }) => sha256));
  assert.equal(all.length, clones * versions);
  assert.equal(runIn(bare, ['rev-list', '--min-parents=2', 'main']), '');
  for (const [sha256, times] of written) if (!all.includes(sha256) || times !== 1) assert.fail(`${sha256}: ${times}`);
  const pushed = acknowledged.filter(({ result }) => result.pushed).length;
  return {
    acknowledged: acknowledged.length,
    pushed,
    waited: acknowledged.length - pushed,
    conflicts,
    requests: server.requests.length,
    faults,
    objects: written.size,
    seconds: (performance.now() - started) / 1000,
  };
}

/**
 * What lies beside an object names the number that the version has in the end, whoever was overtaken by whom. What a lost answer left
 * out is there once objects were made whole.
 */
async function checkDescriptions(
  store: ObjectStore,
  datasets: readonly Dataset[],
  clone: () => Promise<OperationContext>,
): Promise<void> {
  assert.ok((await checkedMetas(store, datasets)).length > 0);
  await materializeVersions(await clone(), null, {});
  const all = datasets.flatMap(({ name, history }) => history.map(({ version }) => `${name}@${version}`));
  assert.deepEqual(await checkedMetas(store, datasets), all.sort());
}

/** Does what a person would: runs the command again after a conflict, and settles those of versions that wait. */
async function persevere(
  context: OperationContext,
  publish: () => Promise<PublishResult>,
  { conflict, kept }: { readonly conflict: () => void; readonly kept: () => Promise<PublishResult> },
): Promise<PublishResult> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await publish();
    } catch (error) {
      if (!DataManagerError.is(error) || attempt > 50) throw error;
      if (error.code === 'DATASET_CONFLICT') {
        conflict();
        if (error.data.pending === true) await recover(context, { onConflict: 'on-top' }).catch(ignoreTrouble);
        continue;
      }
      if (error.data.pending === true) return kept();
      if (error.code !== 'PUSH_REJECTED') throw error;
    }
  }
}

function ignoreTrouble(error: unknown): void {
  if (!DataManagerError.is(error)) throw error;
}
