import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import * as vscode from 'vscode';
import { initRepository } from '../../src/core/operations/initRepository';
import type { DataManagerApi } from '../../src/extension/api';
import { git, identify, runIn } from '../support/gitFixture';

describe('the proxy of VS Code', () => {
  let folder: string;
  let proxy: Server;
  const seen: string[] = [];

  before(async function () {
    this.timeout(60_000);
    const workspace = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(workspace);
    folder = path.join(workspace, 'proxied');
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    proxy = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      request.resume();
      response.writeHead(404).end();
    });
    proxy.on('connect', (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 503 Not here\r\n\r\n');
    });
    await new Promise<void>((done) => proxy.listen(0, '127.0.0.1', done));
    await initRepository({ git, folder, store: null });
    const extension = vscode.extensions.getExtension<DataManagerApi>('datamanager.datamanager');
    await extension?.activate();
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    proxy.closeAllConnections();
    await new Promise((done) => proxy.close(done));
  });

  for (const support of ['override', 'on', 'fallback', 'off']) {
    it(`with ${support}`, async function () {
      this.timeout(60_000);
      const config = vscode.workspace.getConfiguration('http');
      await config.update('proxySupport', support, vscode.ConfigurationTarget.Global);
      await config.update(
        'proxy',
        `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        vscode.ConfigurationTarget.Global,
      );
      await new Promise((done) => setTimeout(done, 500));
      for (const scheme of ['http', 'https']) {
        seen.length = 0;
        writeFileSync(
          path.join(folder, '.datamanager.json'),
          JSON.stringify({ schemaVersion: 1, publicUrl: `${scheme}://pub.invalid`, store: null }),
        );
        writeFileSync(
          path.join(folder, 'manifest.json'),
          JSON.stringify([
            {
              fileName: 'x.sqlite',
              latestVersion: 'v1',
              history: [
                {
                  version: 'v1',
                  timestamp: '2026-01-01T00:00:00Z',
                  sha256: 'a'.repeat(64),
                  r2_object_key: 'x',
                  diffFromPrevious: null,
                  commit: null,
                },
              ],
            },
          ]),
        );
        await vscode.commands.executeCommand('datamanager.refresh', undefined);
        await new Promise((done) => setTimeout(done, 700));
        await vscode.commands.executeCommand('datamanager.pullVersion', { folder, name: 'x.sqlite' });
        console.log(support, scheme, JSON.stringify(seen));
      }
    });
  }
});
