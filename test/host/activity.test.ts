import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import * as vscode from 'vscode';
import { initRepository } from '../../src/core/operations/initRepository';
import type { PublishResult } from '../../src/core/operations/publishVersion';
import type { PullResult } from '../../src/core/operations/pullVersion';
import { stampFile } from '../../src/core/store/hashFile';
import type { PublishRecord } from '../../src/core/transaction/journal';
import type { DataManagerApi } from '../../src/extension/api';
import type { ActivityNode } from '../../src/extension/tree/activityNodes';
import { bareRemote, cloneOf, git, identify, runIn } from '../support/gitFixture';
import { tempDir } from '../support/tempDir';

const name = 'prices.csv';

describe('the Activity view', () => {
  let api: DataManagerApi;
  let folder: string;
  let data: string;
  let bare: string;
  let store: string;

  before(async function () {
    this.timeout(60_000);
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(workspace, 'a folder is open');
    folder = path.join(workspace, 'activity');
    data = tempDir();
    bare = bareRemote();
    store = tempDir();
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    await initRepository({ git, folder, store: { type: 'folder', path: store } });
    runIn(folder, ['remote', 'add', 'origin', bare]);
    runIn(folder, ['push', '-q', '-u', 'origin', 'main']);
    const extension = vscode.extensions.getExtension<DataManagerApi>('datamanager.datamanager');
    assert.ok(extension);
    api = await extension.activate();
    await run('refresh');
    await until(async () => (await api.repositories.current()).some((state) => state.folder === folder));
    await run('clearActivity');
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rmSync(folder, { recursive: true, force: true });
  });

  it('remembers what was published and pulled, with what became of it', async () => {
    const file = csv('v1.csv', 'hour,price\n1,40\n');
    const answers = { folder, name, file, message: 'Import', parents: [] };
    assert.equal((await run<PublishResult>('createDataset', answers))?.pushed, true);
    await run<readonly PullResult[]>('pullVersion', { folder, name });
    const rows = await texts();
    assert.equal(rows[0]?.[0], `Pulling ${name} v1`);
    assert.match(rows[0]?.[1] ?? '', /^from the cache · now$/);
    assert.equal(rows[1]?.[0], `Creating ${name}`);
    assert.match(rows[1]?.[1] ?? '', /^v1, 16 B sent · now$/);
    await run('clearActivity');
    assert.deepEqual(await texts(), []);
  });

  it('keeps an error as a sentence, and offers to run it again', async () => {
    const file = csv('gone.csv', 'hour,price\n1,41\n');
    rmSync(path.join(folder, '.datamanager.json'));
    assert.equal(await run('updateDataset', { folder, name, file, message: '', parents: [] }), undefined);
    runIn(folder, ['checkout', '-q', '.datamanager.json']);
    const [row] = await nodes();
    assert.ok(row);
    const item = await api.activity.getTreeItem(row);
    assert.equal(item.contextValue, 'activity+again');
    assert.match(String(item.description), /^This repository does not say where its \w+ lives?\.$/);
    assert.equal((await run<PublishResult>('resumeActivity', row))?.version, 'v2');
    assert.deepEqual(
      (await texts()).map(([label]) => label),
      [`Updating ${name}`],
      'the row that failed is gone',
    );
    await run('clearActivity');
  });

  it('lists what waits to be pushed, and pushes it with a click', async () => {
    const file = csv('v3.csv', 'hour,price\n1,42\n');
    await run('updateDataset', { folder, name, file, message: 'Third', parents: [], push: false });
    const row = await untilNode('pending');
    const item = await api.activity.getTreeItem(row);
    assert.equal(item.label, '1 commit to push');
    assert.equal(item.contextValue, 'pending');
    assert.match(String(item.description), /^of main · prices\.csv v3$/);
    const children = (await api.activity.getChildren(row)) ?? [];
    assert.deepEqual(await labels(children), [`${name} v3`]);
    assert.equal((await run<{ pushed: boolean }>('pushPending', row))?.pushed, true);
    assert.equal(runIn(bare, ['log', '-1', '--format=%s', 'main']).trim(), 'Third');
    await until(async () => (await nodes()).every(({ kind }) => kind === 'activity'));
    await run('clearActivity');
  });

  it('shows a publish whose process died, and undoes it only when asked', async () => {
    const file = csv('v4.csv', 'hour,price\n1,43\n');
    const journals = await interrupt(file, 'UPLOADING');
    await run('refresh');
    const row = await untilNode('interrupted');
    const item = await api.activity.getTreeItem(row);
    assert.equal(item.label, `Interrupted: ${name}`);
    assert.match(String(item.description), /while uploading/);
    assert.equal(item.contextValue, 'interrupted+undo');
    assert.equal(readdirSync(journals).length, 1, 'nothing happened by itself');
    await run('undoInterrupted', row);
    assert.equal(existsSync(journals), false);
    assert.deepEqual(
      (await nodes()).map(({ kind }) => kind),
      ['activity'],
    );
    assert.equal(runIn(folder, ['log', '-1', '--format=%s']).trim(), 'Third');
  });

  it('finishes one by publishing its file', async () => {
    const file = csv('v4.csv', 'hour,price\n1,44\n');
    await interrupt(file, 'HASHED');
    await run('refresh');
    const result = await run<PublishResult>('finishInterrupted', await untilNode('interrupted'));
    assert.equal(result?.version, 'v4');
    assert.equal(runIn(bare, ['log', '-1', '--format=%s', 'main']).trim(), 'Fourth');
    await until(async () => (await nodes()).every(({ kind }) => kind === 'activity'));
    await run('clearActivity');
  });

  it('asks what to do when somebody else published the dataset in the same moment', async () => {
    const other = cloneOf(bare);
    await publishElsewhere(other.dir, 'hour,price\n1,50\n', 'Theirs');
    // Their push comes between our commit and our push.
    const hook = path.join(folder, '.git/hooks/post-commit');
    mkdirSync(path.dirname(hook), { recursive: true });
    writeFileSync(
      hook,
      `#!/bin/sh\nrm -f "$0"\nunset $(git rev-parse --local-env-vars)\ncd '${other.dir}' && git push -q origin main\n`,
    );
    chmodSync(hook, 0o755);
    const file = csv('mine.csv', 'hour,price\n1,51\n');
    const published = run<PublishResult>('updateDataset', { folder, name, file, message: 'Mine', parents: [] });
    const row = await until(async () =>
      (await nodes()).find((node) => node.kind === 'activity' && node.activity.state.kind === 'failed'),
    );
    assert.equal((await api.activity.getTreeItem(row)).contextValue, 'activity+conflict');
    // Escape: later.
    await until(async () => {
      await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
      return Promise.race([published.then(() => true), new Promise((done) => setTimeout(() => done(false), 200))]);
    });
    assert.equal(await published, undefined);
    assert.equal(runIn(bare, ['log', '-1', '--format=%s', 'main']).trim(), 'Theirs');
    const again = run<PublishResult>('resolveConflict', row);
    await accept(2, again);
    assert.equal((await again)?.version, 'v6');
    assert.equal(runIn(bare, ['log', '-1', '--format=%s', 'main']).trim(), 'Mine');
    assert.ok((await texts()).every(([, , context]) => context !== 'activity+conflict'));
    await run('clearActivity');
  });

  it('settles a conflict of a version that waits here', async () => {
    const file = csv('v7.csv', 'hour,price\n1,60\n');
    await run('updateDataset', { folder, name, file, message: 'Waits', parents: [], push: false });
    const other = cloneOf(bare);
    await publishElsewhere(other.dir, 'hour,price\n1,61\n', 'Theirs again');
    runIn(other.dir, ['push', '-q', 'origin', 'main']);
    const pending = await untilNode('pending');
    const pushed = run<{ pushed: boolean }>('pushPending', pending);
    await accept(3, pushed);
    await pushed;
    assert.equal(runIn(bare, ['log', '-1', '--format=%s', 'main']).trim(), 'Theirs again');
    assert.equal(runIn(folder, ['rev-parse', 'HEAD']), runIn(bare, ['rev-parse', 'main']));
    await until(async () => (await nodes()).every(({ kind }) => kind === 'activity'));
    assert.ok((await texts()).every(([, , context]) => context !== 'activity+conflict'));
  });

  it('makes the whole object in the background after only the changes were sent', async () => {
    await run('clearActivity');
    const settings = path.join(folder, '.datamanager.json');
    const text = readFileSync(settings, 'utf8');
    writeFileSync(settings, JSON.stringify({ ...JSON.parse(text), transfer: { deltaFirst: true } }));
    runIn(folder, ['commit', '-q', '-am', 'Delta first']);
    runIn(folder, ['push', '-q']);
    await until(async () => {
      const state = (await api.repositories.current()).find((candidate) => candidate.folder === folder);
      return state?.content.problem === null && state.content.settings.transfer.deltaFirst;
    });
    const bytes = randomBytes(1 << 20);
    const file = path.join(data, 'big.bin');
    writeFileSync(file, bytes);
    const answers = { folder, name: 'big.bin', file, message: 'Big', parents: [] };
    await run('createDataset', answers);
    bytes.fill(7, 1000, 2000);
    writeFileSync(file, bytes);
    const published = await run<PublishResult>('updateDataset', answers);
    assert.ok(published && published.transfer.bytesSent < 100_000, 'only the changes were sent');
    const row = await until(async () =>
      (await texts()).find(([label, description]) => label === 'Making big.bin whole' && / · now$/.test(description)),
    );
    assert.match(row[1], /^big\.bin v2 is whole now/);
    assert.ok(readFileSync(path.join(store, published.key)).equals(bytes));
    assert.deepEqual(await run('makeWholeObjects', { folder }), [], 'nothing is left to do');
  });

  function csv(file: string, text: string): string {
    writeFileSync(path.join(data, file), text);
    return path.join(data, file);
  }

  /** As a process leaves it that died while it published. */
  async function interrupt(file: string, state: PublishRecord['state']): Promise<string> {
    const journals = path.join(folder, '.git/datamanager/txn');
    const id = '6f1cf5d5-6d7a-4b8a-9d3c-0a4f2b1c9e55';
    mkdirSync(path.join(journals, id), { recursive: true });
    const record = {
      schemaVersion: 1,
      id,
      owner: { pid: 2 ** 22 + 1, host: hostname(), process: 'gone', started: null, at: Date.now() },
      started: new Date().toISOString(),
      root: folder,
      manifestPath: 'manifest.json',
      branch: 'main',
      kind: 'publish',
      state,
      name,
      target: 'existing',
      file,
      stamp: await stampFile(file),
      message: 'Fourth',
      base: null,
    };
    writeFileSync(path.join(journals, id, 'journal.json'), JSON.stringify(record));
    return journals;
  }

  async function publishElsewhere(dir: string, text: string, message: string): Promise<void> {
    const file = path.join(data, `theirs-${message}.csv`);
    writeFileSync(file, text);
    copyFileSync(path.join(folder, '.datamanager.json'), path.join(dir, '.datamanager.json'));
    await publishIn(dir, file, message);
  }

  async function publishIn(dir: string, file: string, message: string): Promise<void> {
    const { openRepository } = await import('../../src/core/repo/openRepository');
    const { updateDataset } = await import('../../src/core/operations/updateDataset');
    const { openStore } = await import('../../src/core/store/openStore');
    const { createCache } = await import('../../src/core/store/cache');
    const { readCatalog } = await import('../../src/core/catalog/readCatalog');
    const { createWorkerDiffEngine } = await import('../../src/core/sqldiff/workerDiffEngine');
    const extension = vscode.extensions.getExtension('datamanager.datamanager');
    const diffEngine = createWorkerDiffEngine({
      workerPath: path.join(extension?.extensionPath ?? '', 'dist/worker.js'),
    });
    const repository = await openRepository(dir);
    const settings = (await readCatalog(repository)).settings.store;
    assert.ok(settings);
    try {
      await updateDataset(
        {
          repository,
          git,
          openStore: () => openStore({ settings, credentials: null, baseFolder: dir }),
          cache: createCache({ folder: tempDir() }),
          diffEngine,
          now: () => new Date(),
        },
        name,
        { file, message, push: false },
      );
    } finally {
      await diffEngine.dispose();
    }
  }

  /** Takes the entry so many below the first of the quick pick, once it is there. */
  async function accept(below: number, command: Promise<unknown>): Promise<void> {
    const ended = command.then(() => true);
    // The pick is there when it can be accepted; nothing tells when that is.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (let i = 0; i < below; i++) await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await ended;
  }

  async function nodes(): Promise<ActivityNode[]> {
    return (await api.activity.getChildren()) ?? [];
  }

  function untilNode(kind: ActivityNode['kind']): Promise<ActivityNode> {
    return until(async () => (await nodes()).find((node) => node.kind === kind));
  }

  async function labels(rows: readonly ActivityNode[]): Promise<unknown[]> {
    return Promise.all(rows.map(async (node) => (await api.activity.getTreeItem(node)).label));
  }

  async function texts(): Promise<(readonly [string, string, string])[]> {
    return Promise.all(
      (await nodes()).map(async (node) => {
        const { label, description, contextValue } = await api.activity.getTreeItem(node);
        return [String(label), String(description), contextValue ?? ''] as const;
      }),
    );
  }
});

async function run<T>(command: string, argument?: unknown): Promise<T | undefined> {
  return vscode.commands.executeCommand<T | undefined>(`datamanager.${command}`, argument);
}

async function until<T>(check: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const started = Date.now(); Date.now() - started < 15_000; ) {
    const value = await check();
    if (value) return value as NonNullable<T>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within 15 s');
}
