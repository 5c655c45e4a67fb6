import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import initSqlJs from 'sql.js';
import { parseManifest } from '../../src/core/catalog/parseManifest';
import type { OperationContext } from '../../src/core/operations/context';
import { createDataset } from '../../src/core/operations/createDataset';
import { initRepository } from '../../src/core/operations/initRepository';
import { pendingCommits } from '../../src/core/operations/pendingCommits';
import { recover } from '../../src/core/operations/recover';
import { updateDataset } from '../../src/core/operations/updateDataset';
import type { DiffEngine } from '../../src/core/sqldiff/diffEngine';
import { createCache } from '../../src/core/store/cache';
import { openStore } from '../../src/core/store/openStore';
import type { StoreCredentials, StoreSettings } from '../../src/core/store/storeSettings';
import { lockFile } from '../../src/core/transaction/transactionLock';
import { checkedMetas } from './bucketCatalog';
import { childBundle } from './childBundle';
import type { ChildOrder } from './crashChild';
import { bareRemote, cloneOf, emptyRepository, type GitFixture, git, runIn } from './gitFixture';
import { tempDir } from './tempDir';

/**
 * What is going on when the process dies. `diverged`: a version of ours waits and a colleague has published; `diverged with files`:
 * they have also changed files that are not ours to write. `recover`: an update has died before, and its recovery dies too.
 */
export const situations = ['create', 'update', 'diverged', 'diverged with files', 'recover'] as const;
export type Situation = (typeof situations)[number];

/** When the process dies: behind a step, or so many milliseconds after it began. */
export type Death = { readonly step: number } | { readonly afterMs: number };

/** What a kill left and how it was mended. */
export interface KillReport {
  readonly situation: Situation;
  /** The last step that was reported before the end. */
  readonly lastStep: string;
  readonly left: readonly string[];
  readonly mended: readonly string[];
}

export interface StorePlace {
  readonly settings: StoreSettings;
  readonly credentials: StoreCredentials | null;
}

export interface CrashWorld {
  /** Steps of an operation that nobody kills, and how long it takes. */
  rehearse(situation: Situation): Promise<{ readonly steps: readonly string[]; readonly ms: number }>;
  /** Runs an operation in a process of its own, kills it, recovers, and checks that nothing is lost. */
  kill(situation: Situation, death: Death): Promise<KillReport>;
  /** How many versions there are by now, each checked against the store. */
  versions(): number;
}

interface Ended {
  readonly steps: readonly string[];
  readonly done: { readonly version: string; readonly sha256: string } | null;
  readonly failed: string | null;
  readonly ms: number;
}

/** A clone with a remote, a colleague, a store, and things of the user's that nobody may touch. */
export async function crashWorld(store: StorePlace, diffEngine: DiffEngine): Promise<CrashWorld> {
  const fixture = emptyRepository();
  const { credentials } = store;
  // A place of its own: all that is described there is compared with one manifest.
  const own = `world-${randomUUID()}`;
  const settings =
    store.settings.type === 's3'
      ? { ...store.settings, prefix: own }
      : { ...store.settings, path: join(store.settings.path, own) };
  const written = settings.type === 's3' ? { ...settings } : settings;
  await initRepository({ git, folder: fixture.dir, store: written });
  fixture.commit({ 'staged.txt': '1\n', 'dirty.txt': '1\n', 'theirs.txt': '1\n' });
  const remote = bareRemote();
  fixture.run('remote', 'add', 'origin', remote);
  fixture.run('push', '-q', '-u', 'origin', 'main');
  const colleague = cloneOf(remote);
  const cacheFolder = tempDir();
  const data = tempDir();
  const contextOf = async (clone: GitFixture): Promise<OperationContext> => ({
    repository: await clone.open(),
    git,
    openStore: () => openStore({ settings, credentials, baseFolder: clone.dir }),
    cache: createCache({ folder: cacheFolder }),
    diffEngine,
    now: () => new Date(),
  });
  const ours = await contextOf(fixture);
  const theirs = await contextOf(colleague);

  fixture.write('staged.txt', 'staged\n');
  fixture.run('add', 'staged.txt');
  fixture.write('staged.txt', 'staged and changed\n');
  fixture.write('dirty.txt', 'changed\n');
  fixture.write('untracked.txt', 'new\n');
  const status = fixture.status();
  const usersFiles = (): unknown => [
    fixture.status(),
    ...['staged.txt', 'dirty.txt', 'untracked.txt'].map((file) => readFileSync(join(fixture.dir, file), 'utf8')),
    fixture.run('show', ':staged.txt'),
  ];
  const untouched = usersFiles();

  let count = 0;
  const { Database } = await initSqlJs();
  const database = (): string => {
    const db = new Database();
    db.run('CREATE TABLE t(id INTEGER PRIMARY KEY, value REAL)');
    for (let i = 0; i < 50; i++) db.run('INSERT INTO t VALUES(?, ?)', [i, i === 7 ? ++count : i]);
    const file = join(data, `${count}.sqlite`);
    writeFileSync(file, db.export());
    db.close();
    return file;
  };

  /** Everything that was ever acknowledged: name and hash. */
  const acknowledged = new Set<string>();
  const publish = async (context: OperationContext, name: string, push = true): Promise<void> => {
    const result = await updateDataset(context, name, { file: database(), push, onConflict: 'on-top' });
    acknowledged.add(`${name} ${result.sha256}`);
    assert.equal(result.pushed, push, result.note ?? '');
  };
  const first = await createDataset(ours, 'mine.sqlite', { file: database() });
  acknowledged.add(`mine.sqlite ${first.sha256}`);
  await createDataset(theirs, 'theirs.sqlite', { file: database() });
  let created = 0;
  let recoveries = 0;

  const prepare = async (situation: Situation): Promise<void> => {
    if (situation === 'recover') {
      await prepare('diverged with files');
      // From the plan of the rebuild to the end of the push, each in turn.
      await run('diverged with files', { step: 4 + (recoveries++ % 12) });
      return;
    }
    if (!situation.startsWith('diverged')) return;
    await publish(ours, 'mine.sqlite', false);
    await publish(theirs, 'theirs.sqlite');
    if (situation === 'diverged') return;
    colleague.commit({ 'theirs.txt': `${count}\n` });
    colleague.run('push', '-q');
  };

  const run = async (situation: Situation, death: Death | null): Promise<Ended> => {
    const command = situation === 'create' || situation === 'recover' ? situation : 'update';
    const order: ChildOrder = {
      dir: fixture.dir,
      env: git.env,
      command,
      name: command === 'create' ? `new${created++}.sqlite` : 'mine.sqlite',
      file: database(),
      settings,
      credentials,
      cache: cacheFolder,
      workerPath: join(process.cwd(), 'dist', 'worker.js'),
      dieAt: death && 'step' in death ? death.step : null,
    };
    const orderFile = join(data, 'order.json');
    writeFileSync(orderFile, JSON.stringify(order));
    const child = spawn(process.execPath, [await childBundle(), orderFile], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let began = 0;
    let timer: NodeJS.Timeout | undefined;
    const errors: Buffer[] = [];
    child.stderr.on('data', (piece: Buffer) => errors.push(piece));
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString('utf8');
      if (began > 0 || !output.includes('ready\n')) return;
      began = performance.now();
      if (death && 'afterMs' in death) timer = setTimeout(() => child.kill('SIGKILL'), death.afterMs);
    });
    const code = await new Promise<number | null>((done) => child.on('close', done));
    clearTimeout(timer);
    const failed =
      /^failed (.*)$/m.exec(output)?.[1] ?? (code === null || code === 0 ? null : String(Buffer.concat(errors)));
    const [, version, hash] = /^done (\S+) (\S+)$/m.exec(output) ?? [];
    if (hash !== undefined) acknowledged.add(`${order.name} ${hash}`);
    return {
      steps: [...output.matchAll(/^step (\S+)$/gm)].map(([, step]) => step ?? ''),
      done: version !== undefined && hash !== undefined ? { version, sha256: hash } : null,
      failed,
      ms: performance.now() - began,
    };
  };

  const journals = (): readonly string[] => {
    const folder = join(ours.repository.commonDir, 'datamanager', 'txn');
    const ids = existsSync(folder) ? readdirSync(folder).filter((id) => !id.endsWith('.gone')) : [];
    return ids.flatMap((id) => {
      const file = join(folder, id, 'journal.json');
      if (!existsSync(file)) return [];
      const { kind, state } = JSON.parse(readFileSync(file, 'utf8')) as { kind: string; state?: string };
      return [`journal ${state ?? kind}`];
    });
  };
  const leftovers = (): readonly string[] => {
    const locks = ['index.lock', 'HEAD.lock', 'refs/heads/main.lock'];
    const found = locks.filter((lock) => existsSync(join(fixture.dir, '.git', lock)));
    const lock = existsSync(lockFile(ours.repository)) ? ['lock'] : [];
    return [...journals(), ...lock, ...found, ...(fixture.status() === status ? [] : ['files or index ahead'])];
  };

  const checked = new Map<string, string>();
  const checkedManifests = new Set<string>();
  /** Every entry of every manifest that any branch of either side has ever held. */
  const checkObjects = async (): Promise<void> => {
    const opened = await ours.openStore();
    for (const dir of [fixture.dir, remote]) {
      const commits = runIn(dir, ['log', '--all', '--format=%H', '--', 'manifest.json']).trim().split('\n');
      for (const commit of commits) {
        if (checkedManifests.has(commit)) continue;
        checkedManifests.add(commit);
        const { datasets } = parseManifest(runIn(dir, ['show', `${commit}:manifest.json`]));
        for (const { name, history } of datasets) {
          for (const entry of history) {
            if (checked.get(entry.key) === entry.sha256) continue;
            const hash = createHash('sha256');
            for await (const piece of opened.get(entry.key)) hash.update(piece);
            assert.equal(hash.digest('hex'), entry.sha256, `${name}@${entry.version}`);
            checked.set(entry.key, entry.sha256);
          }
        }
      }
    }
    for (const key of checked.keys()) assert.ok(await opened.head(key), `${key} is still there`);
  };
  const checkAcknowledged = (dir: string, ref: string): void => {
    const { datasets } = parseManifest(runIn(dir, ['show', `${ref}:manifest.json`]));
    for (const { name, history } of datasets) {
      assert.equal(new Set(history.map(({ version }) => version)).size, history.length, `${name}: unique numbers`);
    }
    for (const version of acknowledged) {
      const [name, hash] = version.split(' ');
      const times = datasets.find((dataset) => dataset.name === name)?.history.filter((entry) => entry.sha256 === hash);
      assert.equal(times?.length, 1, `${version} is in ${ref} once`);
    }
  };
  /** A dead process may have left some out, but none is about a version that was not published, or under another number. */
  const checkDescriptions = async (): Promise<void> => {
    const { datasets } = parseManifest(runIn(remote, ['show', 'main:manifest.json']));
    assert.ok((await checkedMetas(await ours.openStore(), datasets)).length > 0);
  };
  const checkAll = async (): Promise<void> => {
    assert.deepEqual(leftovers(), []);
    assert.deepEqual(usersFiles(), untouched);
    runIn(fixture.dir, ['fsck', '--strict', '--no-dangling']);
    checkAcknowledged(fixture.dir, 'HEAD');
    await checkObjects();
  };

  return {
    versions: () => checked.size,
    async rehearse(situation) {
      await prepare(situation);
      const { steps, ms, failed } = await run(situation, null);
      assert.equal(failed, null);
      await recover(ours, { onConflict: 'on-top' });
      await checkAll();
      return { steps, ms };
    },
    async kill(situation, death) {
      await prepare(situation);
      const { steps, failed } = await run(situation, death);
      assert.equal(failed, null);
      const left = leftovers();
      const { recovered } = await recover(ours, { onConflict: 'on-top' });
      await checkAll();
      await publish(ours, 'mine.sqlite');
      assert.deepEqual(leftovers(), []);
      checkAcknowledged(remote, 'main');
      await checkDescriptions();
      assert.deepEqual(await pendingCommits(ours), []);
      assert.equal(runIn(remote, ['rev-parse', 'main']), fixture.run('rev-parse', 'HEAD'));
      return {
        situation,
        lastStep: steps.at(-1) ?? 'none',
        left,
        mended: recovered.map(({ found, action }) => `${found} ${action}`),
      };
    },
  };
}
