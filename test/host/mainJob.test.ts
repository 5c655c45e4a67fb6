import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import initSqlJs from 'sql.js';
import * as vscode from 'vscode';
import { initRepository } from '../../src/core/operations/initRepository';
import type { PublishResult } from '../../src/core/operations/publishVersion';
import type { PullResult } from '../../src/core/operations/pullVersion';
import type { StoreReport } from '../../src/core/operations/verifyStore';
import type { DataManagerApi } from '../../src/extension/api';
import type { CompareResult } from '../../src/extension/commands/compare';
import {
  type ComparedVersion,
  type Comparison,
  decodeAddress,
  encodeAddress,
} from '../../src/extension/documents/comparison';
import type { DatasetNode } from '../../src/extension/tree/datasetNodes';
import type { HistoryNode } from '../../src/extension/tree/historyNodes';
import { git, identify, runIn } from '../support/gitFixture';
import { tempDir } from '../support/tempDir';

const name = 'energy/utopia.sqlite';

describe('the main job in VS Code', () => {
  let api: DataManagerApi;
  let folder: string;
  let store: string;
  let data: string;

  before(async function () {
    this.timeout(60_000);
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(workspace, 'a folder is open');
    folder = path.join(workspace, 'model');
    store = tempDir();
    data = tempDir();
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    const extension = vscode.extensions.getExtension<DataManagerApi>('datamanager.datamanager');
    assert.ok(extension);
    api = await extension.activate();
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rmSync(folder, { recursive: true, force: true });
  });

  it('shows a repository that another program makes, by itself', async () => {
    assert.deepEqual(await api.repositories.current(), []);
    await initRepository({ git, folder, store: { type: 'folder', path: store } });
    await until(async () => (await api.repositories.current()).some((state) => state.folder === folder));
    assert.deepEqual(await datasets(), []);
  });

  it('publishes a file as a new dataset', async () => {
    await makeDatabase(path.join(data, 'v1.sqlite'), [
      'CREATE TABLE Technology (tech TEXT PRIMARY KEY, cost REAL)',
      "INSERT INTO Technology VALUES ('COAL', 1.5), ('WIND', 2.25)",
      'CREATE TABLE Region (name TEXT PRIMARY KEY)',
      "INSERT INTO Region VALUES ('north')",
    ]);
    const result = await run<PublishResult>('createDataset', {
      folder,
      name,
      file: path.join(data, 'v1.sqlite'),
      message: 'First import',
      parents: [],
    });
    assert.equal(result?.status, 'created');
    assert.equal(result.version, 'v1');
    const [dataset] = await datasets();
    assert.equal(dataset?.kind, 'dataset');
    const item = await api.datasets.getTreeItem(dataset);
    assert.equal(item.label, name);
    assert.match(String(item.description), /^v1 · local · \d/);
    assert.match(item.accessibilityInformation?.label ?? '', /newest version 1, local,/);
  });

  it('publishes the next version, and says unchanged for the same bytes', async () => {
    await makeDatabase(path.join(data, 'v2.sqlite'), [
      'CREATE TABLE Technology (tech TEXT PRIMARY KEY, cost REAL)',
      "INSERT INTO Technology VALUES ('COAL', 1.75), ('WIND', 2.25), ('SUN', 0.5)",
      'CREATE TABLE Region (name TEXT PRIMARY KEY)',
      "INSERT INTO Region VALUES ('north')",
    ]);
    const options = { folder, name, file: path.join(data, 'v2.sqlite'), message: 'Revise the cost of coal' };
    assert.equal((await run<PublishResult>('updateDataset', options))?.status, 'updated');
    const objects = readdirSync(store, { recursive: true }).length;
    assert.equal((await run<PublishResult>('updateDataset', options))?.status, 'unchanged');
    assert.equal(readdirSync(store, { recursive: true }).length, objects);
    const [dataset] = await datasets();
    const versions = (await api.datasets.getChildren(dataset)) ?? [];
    assert.deepEqual(
      versions.map((version) => version.kind === 'version' && version.entry.version),
      ['v2', 'v1'],
    );
  });

  it('compares a version with the one before, side by side', async () => {
    const result = await run<CompareResult>('comparePrevious', { folder, name, version: 'v2' });
    assert.deepEqual(result?.tables, ['Technology']);
    await until(() => /utopia\.sqlite v1 ↔ v2/.test(vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? ''));
    const shown = (part: 'Summary of changes' | 'Technology'): vscode.TextDocument[] =>
      vscode.workspace.textDocuments.filter(({ uri }) => uri.path.endsWith(` v1 ↔ v2/${part}`));
    await until(() => shown('Technology').length === 2);
    const text = (side: string): string =>
      shown('Technology')
        .find(({ uri }) => decodeAddress(uri.query)?.side === side)
        ?.getText() ?? '';
    const [before, after] = [text('before'), text('after')];
    const summary = shown('Summary of changes').find(({ uri }) => decodeAddress(uri.query)?.side === 'after');
    assert.equal(summary?.languageId, 'datamanager-summary');
    assert.match(summary.getText(), /1 row updated, 1 inserted/);
    assert.match(summary.getText(), /Technology\.cost\n +1\.75 +\+16\.7 % +COAL/);
    assert.equal(shown('Technology')[0]?.languageId, 'datamanager-rows');
    assert.match(before ?? '', /COAL.*1\.5\b/);
    assert.match(after ?? '', /COAL.*1\.75\b/);
    assert.match(after ?? '', /SUN/);
    assert.doesNotMatch(`${before}${after}`, /WIND/, 'equal rows are left out');
  });

  it('makes a document from its address alone, as after a reload of the window', async () => {
    const [state] = await api.repositories.current();
    assert.ok(state?.content.problem === null);
    const [v2, v1] = state.content.manifest.datasets[0]?.history ?? [];
    assert.ok(v1 && v2);
    // From v2 back to v1: nobody has compared these, so nothing is remembered.
    const comparison: Comparison = { folder, name, before: versionOf(v2), after: versionOf(v1), at: null };
    const part = { kind: 'table', table: 'Technology', skip: 0 } as const;
    const address = encodeAddress({ comparison, part, side: 'after' });
    const text = (
      await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme: 'datamanager', ...address }))
    ).getText();
    assert.match(text, /COAL.*1\.5\b/);
    assert.doesNotMatch(text, /SUN/);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('shows what a first version brought', async () => {
    const result = await run<CompareResult>('comparePrevious', { folder, name, version: 'v1' });
    assert.ok(result?.tables.includes('Technology'), JSON.stringify(result));
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('pulls a version to where the dataset belongs', async () => {
    const [pulled] = (await run<readonly PullResult[]>('pullVersion', { folder, name, version: 'v1' })) ?? [];
    assert.equal(pulled?.path, path.join(folder, 'energy', 'utopia.sqlite'));
    assert.deepEqual(readFileSync(pulled.path), readFileSync(path.join(data, 'v1.sqlite')));
  });

  it('leaves the local file as it was when the object is damaged', async () => {
    await makeDatabase(path.join(data, 'v3.sqlite'), ['CREATE TABLE Other (x)']);
    const file = path.join(data, 'v3.sqlite');
    const published = await run<PublishResult>('updateDataset', { folder, name, file, message: '', parents: [] });
    assert.ok(published);
    const object = path.join(store, published.key);
    const bytes = readFileSync(object);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    rmSync(object);
    writeFileSync(object, bytes);
    removeFromCache(published.sha256);
    rmSync(file);
    const local = path.join(folder, 'energy', 'utopia.sqlite');
    const before = readFileSync(local);
    assert.equal(await run('pullVersion', { folder, name, version: 'v3' }), undefined, 'it fails, with a notification');
    assert.deepEqual(readFileSync(local), before);
    assert.deepEqual(readdirSync(path.dirname(local)), ['utopia.sqlite'], 'and nothing is left beside it');
  });

  it('shows by itself what Git does outside', async () => {
    const head = runIn(folder, ['rev-parse', 'HEAD']).trim();
    runIn(folder, ['reset', '-q', '--hard', 'HEAD~1']);
    const newest = async (): Promise<string | undefined> => {
      const [dataset] = await datasets();
      return dataset?.kind === 'dataset' ? dataset.dataset.history[0].version : undefined;
    };
    await until(async () => (await newest()) === 'v2');
    runIn(folder, ['reset', '-q', '--hard', head]);
    await until(async () => (await newest()) === 'v3');
  });

  it('shows that a local copy was changed', async () => {
    const local = path.join(folder, 'energy', 'utopia.sqlite');
    const states = async (): Promise<string> => {
      const [dataset] = await datasets();
      return String(dataset && (await api.datasets.getTreeItem(dataset)).description);
    };
    writeFileSync(local, Buffer.concat([readFileSync(local), Buffer.from('more')]));
    await until(async () => / · (changed locally|local v2) · /.test(await states()));
  });

  it('lists branches, commits and the versions that they brought', async () => {
    const branches = (await api.history.getChildren()) ?? [];
    assert.deepEqual(await labels(branches), ['main']);
    const commits = (await api.history.getChildren(branches[0])) ?? [];
    const subjects = await labels(commits);
    assert.deepEqual(subjects.slice(1), ['Revise the cost of coal', 'First import', 'Set up Data Manager']);
    const changes = (await api.history.getChildren(commits[1])) ?? [];
    assert.deepEqual(await labels(changes), [`${name} v2`]);
    const result = await run<CompareResult>('comparePrevious', changes[0]);
    assert.equal(result?.title, `${name} v1 ↔ v2`);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
  });

  it('links a version to its parent, and shows both ends', async () => {
    const file = path.join(data, 'report.sqlite');
    await makeDatabase(file, ['CREATE TABLE Report (x)']);
    const options = { folder, name: 'report.sqlite', file, message: 'Report', parents: [`${name}@v2`] };
    assert.equal((await run<PublishResult>('createDataset', options))?.status, 'created');
    const report = (await datasets()).find((node) => node.kind === 'dataset' && node.dataset.name === 'report.sqlite');
    const [version] = (await api.datasets.getChildren(report)) ?? [];
    const [parents] = (await api.datasets.getChildren(version)) ?? [];
    assert.equal(parents?.kind, 'parents');
    const related = (await api.datasets.getChildren(parents)) ?? [];
    const items = await Promise.all(related.map((node) => api.datasets.getTreeItem(node)));
    assert.deepEqual(
      items.map(({ label }) => label),
      [`${name} v2`],
    );
  });

  it('pulls all selected rows', async () => {
    const rows = (await datasets()).filter((node) => node.kind === 'dataset' && node.dataset.name === 'report.sqlite');
    const [v2] = ((await api.datasets.getChildren((await datasets())[0])) ?? []).filter(
      (node) => node.kind === 'version' && node.entry.version === 'v2',
    );
    assert.ok(rows[0] && v2);
    rmSync(path.join(folder, 'energy', 'utopia.sqlite'));
    const pulled = await vscode.commands.executeCommand<readonly PullResult[]>('datamanager.pullVersion', v2, [
      v2,
      rows[0],
    ]);
    assert.deepEqual(
      pulled.map((result) => `${result.name} ${result.version}`),
      [`${name} v2`, 'report.sqlite v1'],
    );
    for (const { path: file } of pulled) assert.ok(existsSync(file));
  });

  it('verifies the store and copies a hash', async () => {
    assert.equal((await run<StoreReport>('verifyStore', { folder }))?.ok, true);
    const sha256 = await run<string>('copySha256', { folder, name, version: 'v1' });
    assert.match(sha256 ?? '', /^[0-9a-f]{64}$/);
    assert.equal(await vscode.env.clipboard.readText(), sha256);
  });

  it('shows a manifest with a fault as a problem, and mends itself', async () => {
    const manifest = path.join(folder, 'manifest.json');
    const text = readFileSync(manifest, 'utf8');
    writeFileSync(manifest, `${text.slice(0, 40)}!!`);
    await until(async () => (await datasets())[0]?.kind === 'problem');
    writeFileSync(manifest, text);
    await until(async () => (await datasets())[0]?.kind === 'dataset');
  });

  async function datasets(): Promise<DatasetNode[]> {
    return (await api.datasets.getChildren()) ?? [];
  }

  async function labels(nodes: readonly HistoryNode[]): Promise<unknown[]> {
    return Promise.all(nodes.map(async (node) => (await api.history.getTreeItem(node)).label));
  }
});

function versionOf({ version, sha256 }: { version: string; sha256: string }): ComparedVersion {
  return { kind: 'version', version, sha256 };
}

async function run<T>(command: string, argument: unknown): Promise<T | undefined> {
  return vscode.commands.executeCommand<T | undefined>(`datamanager.${command}`, argument);
}

async function makeDatabase(file: string, statements: readonly string[]): Promise<void> {
  const { Database } = await initSqlJs();
  const database = new Database();
  for (const statement of statements) database.run(statement);
  writeFileSync(file, database.export());
  database.close();
}

// The cache is the user's; here HOME is the harness's throw-away folder.
function removeFromCache(sha256: string): void {
  const root = process.env.XDG_CACHE_HOME;
  assert.ok(root, 'the harness gives the host a cache folder of its own');
  const file = path.join(root, 'datamanager', sha256.slice(0, 2), sha256);
  assert.ok(existsSync(file));
  rmSync(file);
}

async function until<T>(check: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const started = Date.now(); Date.now() - started < 10_000; ) {
    const value = await check();
    if (value) return value as NonNullable<T>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within 10 s');
}
