#!/usr/bin/env node
// Stands in for the desktop `code` executable where Electron can't be had: takes the command line that
// @vscode/test-electron passes, runs the same extension tests in the extension host of VS Code's server with the
// workbench in headless Chromium, and exits with their exit code.
// Own codes: 97 no result in time, 98 the page crashed, 130 interrupted.
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { format } from 'node:util';
import { openBrowser } from './browser.mjs';
import { startServer } from './server.mjs';

const LIMIT_MS = Number(process.env.VSCODE_TEST_LIMIT_MS ?? 240_000);

// What VS Code itself says in every run and that tells nothing about ours.
const NOISE = new RegExp(
  [
    '^Resolv(ed|ing) connection token',
    '^Creating a socket',
    '^\\[reconnection-grace-time\\]',
    '^Updating additional builtin',
    '^Ignoring fetching additional builtin',
    '^\\[Service Worker\\]',
    '^\\[AgentHost',
    '^\\[AccountPolicyGate\\]',
    '^Timed out waiting for authentication provider',
    'Could not locate the bindings file',
    './build/Release/watchdog',
  ].join('|'),
);

/** @type {string[]} */
const developed = [];
let tests = '';
let folder = '';
for (const argument of process.argv.slice(2)) {
  const [, name, value = ''] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
  if (name === undefined) folder ||= path.resolve(argument);
  else if (name === 'extensionDevelopmentPath') developed.push(path.resolve(value));
  else if (name === 'extensionTestsPath') tests = path.resolve(value);
}

const server = await startServer({ testDriver: true, logFiles: true });
folder ||= path.join(server.dir, 'empty');
mkdirSync(folder, { recursive: true });
const { browser, context } = await openBrowser();
try {
  process.exitCode = await runTests(await context.newPage());
} finally {
  await browser.close().catch(() => {});
  await server.stop();
}

/**
 * @param {import('playwright-core').Page} page
 * @returns {Promise<number>}
 */
async function runTests(page) {
  /** @type {(code: number) => void} */
  let finish = () => {};
  /** @type {Promise<number>} */
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => finish(130));
  page.on('crash', () => finish(98));
  page.on('pageerror', (error) => console.error('[page]', error.message));
  // The workbench calls these two while it runs extension tests.
  await page.exposeFunction('codeAutomationExit', finish);
  await page.exposeFunction('codeAutomationLog', (/** @type {string} */ type, /** @type {unknown[]} */ args) => {
    const text = format(...args);
    if (process.env.VSCODE_TEST_VERBOSE || !NOISE.test(text)) (type === 'error' ? console.error : console.log)(text);
  });
  const timer = setTimeout(() => finish(97), LIMIT_MS);
  await page.goto(
    server.url(folder, [
      ...developed.map((extension) => /** @type {const} */ (['extensionDevelopmentPath', server.remote(extension)])),
      ['extensionTestsPath', server.remote(tests)],
      ['skipWelcome', 'true'],
      // At 'warn' mocha's own lines are dropped. Our log is to hold all that it can, so that the tests see it.
      ['logLevel', 'info,datamanager.datamanager:trace'],
    ]),
  );
  const code = await finished;
  clearTimeout(timer);
  if (code === 97) {
    const picture = path.resolve('out/shots/host-timeout.png');
    await page.screenshot({ path: picture });
    console.error(`The tests gave no result in ${LIMIT_MS} ms; see ${picture}`);
  }
  return code;
}
