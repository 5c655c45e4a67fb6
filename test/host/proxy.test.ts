import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import * as vscode from 'vscode';
import type { DataManagerApi } from '../../src/extension/api';
import { identify, runIn } from '../support/gitFixture';

// Names that only a proxy can know, so that what it sees is all that was asked.
const endpoints = ['http://bucket.invalid', 'https://bucket.invalid'] as const;
const entry = { version: 'v1', timestamp: '2026-01-01T00:00:00Z', sha256: 'a'.repeat(64), r2_object_key: 'x' };
const manifest = [
  { fileName: 'x.sqlite', latestVersion: 'v1', history: [{ ...entry, diffFromPrevious: null, commit: null }] },
];
const keys = { R2_ACCESS_KEY_ID: 'k'.repeat(32), R2_SECRET_ACCESS_KEY: 's'.repeat(64) };

describe('the proxy settings of VS Code', function () {
  this.timeout(60_000);
  let folder: string;
  let proxy: Server;
  const seen: string[] = [];

  before(async () => {
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(workspace);
    folder = path.join(workspace, 'proxied');
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    proxy = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      request.resume();
      response.writeHead(403).end();
    });
    proxy.on('connect', (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    const api = await vscode.extensions.getExtension<DataManagerApi>('datamanager.datamanager')?.activate();
    for (const endpoint of endpoints) {
      await run('initRepository', { folder, store: { type: 's3', endpoint, bucket: 'data' } });
    }
    writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest));
    await run('refresh', undefined);
    await until(async () => (await api?.repositories.current())?.some((state) => state.folder === folder));
    Object.assign(process.env, keys);
  });

  after(async () => {
    for (const name of Object.keys(keys)) delete process.env[name];
    await configure(undefined, undefined);
    rmSync(folder, { recursive: true, force: true });
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  });

  for (const [support, used] of [
    ['override', true],
    ['on', true],
    ['fallback', true],
    ['off', false],
  ] as const) {
    it(`are ${used ? 'used' : 'left alone'} with http.proxySupport = ${support}`, async () => {
      await configure(support, `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
      for (const endpoint of endpoints) {
        const { protocol, host } = new URL(endpoint);
        const wanted = protocol === 'https:' ? `CONNECT ${host}:443` : `${endpoint}/`;
        const store = { type: 's3', endpoint, bucket: 'data' };
        assert.equal(await goesThrough(wanted, { store }, 'verifyStore', { folder }), used, endpoint);
        const pull = [{ publicUrl: endpoint }, 'pullVersion', { folder, name: 'x.sqlite' }] as const;
        assert.equal(await goesThrough(wanted, ...pull), used, `${endpoint} as public address`);
      }
    });
  }

  async function goesThrough(wanted: string, settings: object, command: string, argument: unknown): Promise<boolean> {
    seen.length = 0;
    writeFileSync(path.join(folder, '.datamanager.json'), JSON.stringify({ schemaVersion: 1, ...settings }));
    await run(command, argument);
    return seen.some((request) => request.includes(wanted));
  }
});

async function configure(support: string | undefined, proxy: string | undefined): Promise<void> {
  const http = vscode.workspace.getConfiguration('http');
  await http.update('proxySupport', support, vscode.ConfigurationTarget.Global);
  await http.update('proxy', proxy, vscode.ConfigurationTarget.Global);
  // The extension host hears of it a moment later.
  await until(() => vscode.workspace.getConfiguration('http').inspect('proxy')?.globalValue === proxy);
  await new Promise((resolve) => setTimeout(resolve, 300));
}

async function run<T>(command: string, argument: unknown): Promise<T | undefined> {
  return vscode.commands.executeCommand<T | undefined>(`datamanager.${command}`, argument);
}

async function until(check: () => unknown): Promise<void> {
  for (const started = Date.now(); Date.now() - started < 10_000; ) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not happen within 10 s');
}
