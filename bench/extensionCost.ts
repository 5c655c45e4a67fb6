// Runs in the extension host for bench/extension.mjs and writes what it measured to BENCH_REPORT.
import { statSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import * as vscode from 'vscode';
import type { DataManagerApi } from '../src/extension/api';

const SETTLE_MS = 5_000;

export async function run(): Promise<void> {
  const extension = vscode.extensions.getExtension<DataManagerApi>('datamanager.datamanager');
  if (!extension || extension.isActive)
    throw new Error('The extension is missing, or was active before it was asked to be.');
  // The workbench itself is still starting, on the same cores.
  await new Promise((settled) => setTimeout(settled, SETTLE_MS));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  const api = await extension.activate();
  const activated = performance.now();
  const heavyModules = loadedHeavyModules(extension.extensionPath);

  const [dataset] = (await api.datasets.getChildren()) ?? [];
  const shown = performance.now();
  if (!dataset) throw new Error('The tree shows no dataset.');
  const versions = (await api.datasets.getChildren(dataset)) ?? [];
  for (const version of versions) await api.datasets.getTreeItem(version);
  const expanded = performance.now();
  delay.disable();

  const manifest = path.join(vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? '', 'data/manifest.json');
  const report = {
    activationMs: round(activated - started),
    heavyModules,
    manifestBytes: statSync(manifest).size,
    datasetsMs: round(shown - activated),
    expandMs: round(expanded - shown),
    rows: versions.length,
    longestBlockMs: round(delay.max / 1e6),
  };
  writeFileSync(process.env.BENCH_REPORT ?? '', JSON.stringify(report));
}

function loadedHeavyModules(extensionPath: string): string[] {
  const cache = (Module as unknown as { _cache: Record<string, unknown> })._cache;
  return Object.keys(cache)
    .filter((file) => file.startsWith(path.join(extensionPath, 'dist')) && !file.endsWith('extension.js'))
    .map((file) => path.relative(extensionPath, file));
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10;
}
