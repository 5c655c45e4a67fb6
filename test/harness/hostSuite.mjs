// Runs test/host inside a real VS Code, through @vscode/test-electron whichever VS Code it is. DM_VSCODE chooses:
//   server (default)  the VS Code server from npm with headless Chromium
//   desktop           desktop VS Code, downloaded (on Linux under xvfb-run -a)
//   /path/to/code     an installed desktop VS Code
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';

const root = path.resolve(import.meta.dirname, '../..');
const which = process.env.DM_VSCODE ?? 'server';
const executables = { server: path.join(import.meta.dirname, 'code.mjs'), desktop: undefined };
const scratch = mkdtempSync(path.join(tmpdir(), 'host-'));
const workspace = path.join(scratch, 'workspace');
mkdirSync(workspace);
try {
  await runTests({
    vscodeExecutablePath: which in executables ? executables[/** @type {keyof typeof executables} */ (which)] : which,
    extensionDevelopmentPath: process.env.DM_EXTENSION ?? root,
    extensionTestsPath: path.join(root, 'out/test/host/index.js'),
    launchArgs: [workspace, '--disable-extensions', `--user-data-dir=${path.join(scratch, 'user')}`],
  });
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
