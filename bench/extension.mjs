// Prints what the extension costs a person who opens VS Code: activation, and the tree of a manifest with 10,000 versions.
//   node bench/extension.mjs [--json]      needs `npm test` or `npm start` once before (VS Code server, Chromium, dist/)
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { installChromium, installServer, run } from '../scripts/install.mjs';

const VERSIONS = 10_000;
const root = path.resolve(import.meta.dirname, '..');
const scratch = mkdtempSync(path.join(tmpdir(), 'bench-extension-'));
const json = process.argv.includes('--json');

try {
  await installServer('floor');
  process.env.CHROMIUM = await installChromium();
  await run(process.execPath, ['esbuild.mjs']);
  const workspace = path.join(scratch, 'workspace');
  // One folder down, or VS Code would activate the extension (workspaceContains:manifest.json) before the clock runs.
  const repository = path.join(workspace, 'data');
  mkdirSync(repository, { recursive: true });
  await run('git', ['init', '-q', repository]);
  writeFileSync(path.join(repository, 'manifest.json'), manifest());
  const entry = path.join(scratch, 'extensionCost.js');
  await build({
    entryPoints: [path.join(root, 'bench/extensionCost.ts')],
    outfile: entry,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
    logLevel: 'warning',
  });
  const report = path.join(scratch, 'report.json');
  process.env.BENCH_REPORT = report;
  await runTests({
    vscodeExecutablePath: path.join(root, 'test/harness/code.mjs'),
    extensionDevelopmentPath: root,
    extensionTestsPath: entry,
    launchArgs: [workspace, '--disable-extensions', `--user-data-dir=${path.join(scratch, 'user')}`],
  });
  print(JSON.parse(readFileSync(report, 'utf8')));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** @param {Record<string, number | string[]>} cost */
function print(cost) {
  if (json) {
    console.log(JSON.stringify(cost, null, 2));
    return;
  }
  console.log(`activation                          ${cost.activationMs} ms`);
  console.log(
    `  heavy modules loaded by it        ${/** @type {string[]} */ (cost.heavyModules).join(', ') || 'none'}`,
  );
  console.log(`manifest with ${VERSIONS} versions       ${cost.manifestBytes} bytes`);
  console.log(`  from activation to the datasets   ${cost.datasetsMs} ms`);
  console.log(`  expanding the dataset (${cost.rows} rows)  ${cost.expandMs} ms`);
  console.log(`  longest block of the host         ${cost.longestBlockMs} ms`);
}

function manifest() {
  const history = Array.from({ length: VERSIONS }, (_, i) => {
    const number = VERSIONS - i;
    const sha256 = number.toString(16).padStart(64, '0');
    return {
      version: `v${number}`,
      timestamp: new Date(Date.UTC(2020, 0, 1) + number * 3_600_000).toISOString(),
      sha256,
      r2_object_key: `energy/${sha256}.sqlite`,
      diffFromPrevious: number === 1 ? null : `diffs/energy.sqlite/diff-v${number - 1}-to-v${number}.diff`,
      commit: null,
      size: 1_000_000 + number,
      description: `Revision ${number} of the cost curves`,
      author: 'Energy team',
    };
  });
  return `${JSON.stringify([{ fileName: 'energy.sqlite', latestVersion: `v${VERSIONS}`, history }], null, 2)}\n`;
}
