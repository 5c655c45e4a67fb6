import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import initSqlJs from 'sql.js';
import * as vscode from 'vscode';
import { initRepository } from '../../src/core/operations/initRepository';
import type { PullResult } from '../../src/core/operations/pullVersion';
import type { DataManagerApi } from '../../src/extension/api';
import type { CompareResult } from '../../src/extension/commands/compare';
import type { ShownRows } from '../../src/extension/commands/showMoreRows';
import { decodeAddress } from '../../src/extension/documents/comparison';
import { git, identify, runIn } from '../support/gitFixture';
import { tempDir } from '../support/tempDir';

describe('comparing files and versions in VS Code', () => {
  let api: DataManagerApi;
  let folder: string;
  let data: string;

  before(async function () {
    this.timeout(60_000);
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(workspace, 'a folder is open');
    folder = path.join(workspace, 'compare');
    data = tempDir();
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    await initRepository({ git, folder, store: { type: 'folder', path: tempDir() } });
    const extension = vscode.extensions.getExtension<DataManagerApi>('datamanager.datamanager');
    assert.ok(extension);
    api = await extension.activate();
    await until(async () => (await api.repositories.current()).some((state) => state.folder === folder));
    await makeDatabase(
      path.join(data, 'a.sqlite'),
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 1)',
    );
    await makeDatabase(
      path.join(data, 'b.sqlite'),
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, 2)',
    );
    await run('createDataset', {
      folder,
      name: 'a.sqlite',
      file: path.join(data, 'a.sqlite'),
      message: '',
      parents: [],
    });
  });

  after(async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    rmSync(folder, { recursive: true, force: true });
    await run('refresh', undefined);
    await until(async () => (await api.repositories.current()).length === 0);
  });
  afterEach(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  it('compares two files of the Explorer, the older one first, without a repository', async () => {
    const [a, b] = ['a.sqlite', 'b.sqlite'].map((name) => vscode.Uri.file(path.join(data, name)));
    assert.ok(a && b);
    utimesSync(a.fsPath, 1000, 1000);
    const result = await vscode.commands.executeCommand<CompareResult>('datamanager.compareSelectedFiles', b, [b, a]);
    assert.equal(result.title, 'a.sqlite ↔ b.sqlite');
    assert.deepEqual(result.tables, ['t']);
    await shows('a.sqlite ↔ b.sqlite/Summary of changes', 'after', /\n {2}t\n {4}v {2}1 cell {2}\+100 %/);
    await shows('t', 'before', /^id {2}v\n 1 {2}1$/);
  });

  it('compares a file with a version', async () => {
    const file = path.join(data, 'b.sqlite');
    const result = await run<CompareResult>('compareFileWithVersion', {
      folder,
      name: 'a.sqlite',
      version: 'v1',
      file,
    });
    assert.equal(result?.title, 'a.sqlite v1 ↔ b.sqlite');
    await shows('t', 'after', /^id {2}v\n 1 {2}2$/);
  });

  it('compares the local copy with its version, each time as it is then', async () => {
    const [pulled] = (await run<readonly PullResult[]>('pullVersion', { folder, name: 'a.sqlite' })) ?? [];
    assert.ok(pulled);
    const same = await run<CompareResult>('compareLocalCopy', { folder, name: 'a.sqlite' });
    assert.equal(same?.identical, true);
    for (const value of [5, 6]) {
      await makeDatabase(pulled.path, `CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, ${value})`);
      utimesSync(pulled.path, 2000 + value, 2000 + value);
      const edited = await until(async () => {
        const result = await run<CompareResult>('compareLocalCopy', { folder, name: 'a.sqlite' });
        return result && !result.identical ? result : undefined;
      });
      assert.equal(edited.title, 'a.sqlite v1 ↔ local copy');
      await shows('t', 'after', new RegExp(`^id {2}v\n 1 {2}${value}$`));
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    }
  });

  it('shows 50,000 changed rows a page at a time, and stays responsive', async function () {
    this.timeout(60_000);
    const rows = (value: string): string =>
      `CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, v REAL); INSERT INTO t SELECT value, 'row ' || value, ${value} FROM
        (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 50000) SELECT value FROM n)`;
    const [from, to] = [path.join(data, 'many-1.sqlite'), path.join(data, 'many-2.sqlite')];
    await makeDatabase(from, rows('value'));
    await makeDatabase(to, rows('value * 1.5'));
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 20);
    try {
      await run<CompareResult>('compareSelectedFiles', { from, to });
      const { lineCount } = await shows('t', 'after', /\n\.\.\. 45,000 rows more$/);
      assert.equal(lineCount, 1 + 5000 + 199 + 1, 'names, rows, a mark after every 25 rows, what is left');
      const shown = await until(async () => (await run<ShownRows>('showMoreRows', undefined)) ?? undefined);
      assert.deepEqual(shown, { table: 't', skipped: 5000, shown: 5000, omitted: 40_000 });
      assert.match(vscode.window.tabGroups.activeTabGroup.activeTab?.label ?? '', /5,001 to 10,000 of 50,000/);
      const next = await run<ShownRows>('showMoreRows', undefined);
      assert.equal(next?.skipped, 10_000, 'from the page in the active editor on');
    } finally {
      clearInterval(timer);
    }
    assert.ok(longest < 1000, `the extension host was busy for ${Math.round(longest)} ms`);
  });

  it('links a table of the summary to its rows, and the end of a page to the next one', async () => {
    const [from, to] = [path.join(data, 'many-1.sqlite'), path.join(data, 'many-2.sqlite')];
    await run<CompareResult>('compareSelectedFiles', { from, to });
    for (const [name, skip] of [
      ['many-1.sqlite ↔ many-2.sqlite/Summary of changes', 0],
      ['t', 5000],
    ] as const) {
      const { uri } = await shows(name, 'after', skip === 0 ? /50,000 rows updated/ : /45,000 rows more$/);
      const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>('vscode.executeLinkProvider', uri, 10);
      const [link] = links;
      assert.equal(link?.target?.scheme, 'command');
      const [options] = JSON.parse(link.target.query) as [{ table: string; skip: number }];
      assert.deepEqual([options.table, options.skip], ['t', skip]);
    }
  });

  it('shows neighbouring rows when the setting says so, also in documents that are open', async () => {
    const rows = (changed: string): string =>
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,'a'),(2,'b'),(3,'${changed}'),(4,'d'),(5,'e')`;
    const [from, to] = [path.join(data, 'context-1.sqlite'), path.join(data, 'context-2.sqlite')];
    await makeDatabase(from, rows('c'));
    await makeDatabase(to, rows('C'));
    await run<CompareResult>('compareSelectedFiles', { from, to });
    const table = 'context-1.sqlite ↔ context-2.sqlite/t';
    await shows(table, 'after', /^id {2}v\n 3 {2}C$/);
    const settings = vscode.workspace.getConfiguration('datamanager');
    await settings.update('diff.contextRows', 1, vscode.ConfigurationTarget.Global);
    try {
      await shows(table, 'before', /^id {2}v\n 2 {2}b\n 3 {2}c\n 4 {2}d$/);
      await shows(table, 'after', /^id {2}v\n 2 {2}b\n 3 {2}C\n 4 {2}d$/);
    } finally {
      await settings.update('diff.contextRows', undefined, vscode.ConfigurationTarget.Global);
    }
    await shows(table, 'after', /^id {2}v\n 3 {2}C$/);
  });

  it('compares versions of a text line by line', async () => {
    const file = path.join(data, 'costs.csv');
    writeFileSync(file, 'region;cost\nNORD;1\n');
    await run('createDataset', { folder, name: 'costs.csv', file, message: '', parents: [] });
    writeFileSync(file, 'region;cost\nNORD;2\nOST;3\n');
    await run('updateDataset', { folder, name: 'costs.csv', file, message: '', parents: [] });
    const result = await run<CompareResult>('comparePrevious', { folder, name: 'costs.csv' });
    assert.deepEqual(result?.lines, { added: 2, removed: 1 });
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    assert.ok(input instanceof vscode.TabInputTextDiff);
    const texts = [input.original, input.modified].map(async (uri) =>
      (await vscode.workspace.openTextDocument(uri)).getText(),
    );
    assert.deepEqual(await Promise.all(texts), ['region;cost\nNORD;1\n', 'region;cost\nNORD;2\nOST;3\n']);
  });

  it('shows sizes and hashes of any other file', async () => {
    const [from, to] = [path.join(data, 'one.bin'), path.join(data, 'two.bin')];
    writeFileSync(from, 'a\0b');
    writeFileSync(to, 'a\0bc');
    const result = await run<CompareResult>('compareSelectedFiles', { from, to });
    assert.deepEqual(result, { title: 'one.bin ↔ two.bin', identical: false, tables: [] });
    await shows('one.bin ↔ two.bin/Summary of changes', 'before', /size {4}3 bytes\n {2}sha256 {2}[0-9a-f]{64}$/);
  });
});

async function run<T>(command: string, argument: unknown): Promise<T | undefined> {
  return vscode.commands.executeCommand<T | undefined>(`datamanager.${command}`, argument);
}

/** Waits for a document with this text: those of editors that were closed stay for a while. */
function shows(name: string, side: 'before' | 'after', text: RegExp): Promise<vscode.TextDocument> {
  return until(() =>
    vscode.workspace.textDocuments.find(
      (document) =>
        document.uri.path.endsWith(`/${name}`) &&
        decodeAddress(document.uri.query)?.side === side &&
        text.test(document.getText()),
    ),
  );
}

async function makeDatabase(file: string, sql: string): Promise<void> {
  const { Database } = await initSqlJs();
  const database = new Database();
  database.exec(sql);
  writeFileSync(file, database.export());
  database.close();
}

async function until<T>(check: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (const started = Date.now(); Date.now() - started < 10_000; ) {
    const value = await check();
    if (value) return value as NonNullable<T>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within 10 s');
}
