// npm test: installs what is missing, builds, checks, then runs every suite and ends with `N passed, N failed`.
//   npm test -- [--only unit,store,host,e2e] [--grep TEXT]
// Node built-ins only until the dependencies are there.
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startGuarded } from '../test/harness/guarded.mjs';
import { installCeph, installChromium, installDependencies, installServer, run } from './install.mjs';

const root = path.resolve(import.meta.dirname, '..');

/** How a suite is run, and how long it may take. A suite in `vscode` needs a VS Code server and Chromium. */
const SUITES = {
  unit: { command: ['test/harness/mochaSuite.mjs', 'unit'], minutes: 20, vscode: false },
  store: { command: ['test/harness/mochaSuite.mjs', 'store'], minutes: 10, vscode: false },
  host: { command: ['test/harness/hostSuite.mjs'], minutes: 6, vscode: true },
  e2e: { command: ['test/harness/mochaSuite.mjs', 'e2e'], minutes: 12, vscode: true },
};

const { values: options } = parseArgs({ options: { only: { type: 'string' }, grep: { type: 'string' } } });
const chosen = /** @type {(keyof typeof SUITES)[]} */ (options.only?.split(',') ?? Object.keys(SUITES));
for (const name of chosen) {
  if (name in SUITES) continue;
  console.error(`There is no suite "${name}". Suites: ${Object.keys(SUITES).join(', ')}.`);
  process.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
/** @type {import('../test/harness/guarded.mjs').Guarded | undefined} */
let current;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, async () => {
    await current?.stop();
    process.exit(130);
  });
}

if (await step('install', install)) {
  const built = await step('build', () => run(process.execPath, ['esbuild.mjs', '--tests']));
  await step('types', async () => {
    for (const project of ['tsconfig.json', 'tsconfig.core.json']) {
      await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project, '--noEmit']);
    }
  });
  await step('lint', () => run(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '.']));
  const packed =
    built && (!chosen.includes('e2e') || (await step('package', () => run(process.execPath, ['scripts/package.mjs']))));
  for (const name of chosen) {
    // After a failed build the old output would be tested: say nothing rather than something untrue.
    if (built && (packed || name !== 'e2e')) await runSuite(name);
  }
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;

async function install() {
  await installDependencies();
  if (chosen.includes('store')) {
    const missing = await installCeph();
    if (missing) console.log(`The store suite runs without Ceph radosgw: ${missing}.`);
  }
  if (!chosen.some((name) => SUITES[name].vscode)) return;
  await installServer(process.env.VSCODE_LANE ?? 'floor');
  process.env.CHROMIUM = await installChromium();
}

/**
 * Something that has to succeed before or beside the tests: its failure counts as one failed test.
 *
 * @param {string} name
 * @param {() => Promise<unknown>} action
 */
async function step(name, action) {
  const started = Date.now();
  try {
    await action();
    heading(name, started, 'ok');
    return true;
  } catch (error) {
    total.failed += 1;
    heading(name, started, 'FAILED');
    console.log(error instanceof Error ? error.message : error);
    return false;
  }
}

/** @param {keyof typeof SUITES} name */
async function runSuite(name) {
  console.log(`\n== ${name}`);
  const started = Date.now();
  const { command, minutes } = SUITES[name];
  const report = path.join(root, 'out/reports', `${name}.json`);
  rmSync(report, { force: true });
  mkdirSync(path.dirname(report), { recursive: true });
  // A suite's temporary files are its own and go with it, also those of programs that it starts. Below /tmp, as the
  // path of a Unix socket has room for about a hundred characters and the temporary folder of macOS takes half of it.
  const scratch = mkdtempSync(path.join(process.platform === 'win32' ? tmpdir() : '/tmp', 'dm-test-'));
  chmodSync(scratch, 0o755); // tests of access rights become another user, who has to get through here
  const env = { ...process.env, TMPDIR: scratch, DM_REPORT: report, ...(options.grep && { DM_GREP: options.grep }) };
  current = startGuarded([process.execPath, '--enable-source-maps', ...command], { env, cwd: root, remove: scratch });
  let hung = false;
  const timer = setTimeout(() => {
    hung = true;
    current?.stop();
  }, minutes * 60_000);
  const code = await current.ended;
  clearTimeout(timer);

  const counts = readReport(report);
  for (const key of /** @type {(keyof typeof total)[]} */ (Object.keys(total))) total[key] += counts?.[key] ?? 0;
  const problem = whyNotTrusted(counts, code, hung ? `it was stopped after ${minutes} minutes` : undefined);
  if (problem) {
    total.failed += 1;
    console.log(`The suite counts as failed: ${problem}.`);
  }
  const summary = counts ? `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` : 'no report';
  heading(name, started, summary);
}

/**
 * Why a suite is red although no test of it is: one that died half-way must not look like one that passed.
 *
 * @param {typeof total | undefined} counts
 * @param {number} code
 * @param {string | undefined} hung
 */
function whyNotTrusted(counts, code, hung) {
  if (hung) return hung;
  if (!counts) return `it ended with exit code ${code} and gave no report`;
  if (counts.passed + counts.failed === 0 && !options.grep) return 'no test of it passed';
  if (code !== 0 && counts.failed === 0) return `it ended with exit code ${code}`;
  return undefined;
}

/**
 * @param {string} file
 * @returns {typeof total | undefined}
 */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param {string} name @param {number} started @param {string} outcome */
function heading(name, started, outcome) {
  console.log(`== ${name}: ${outcome} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
