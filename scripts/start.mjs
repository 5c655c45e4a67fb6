// npm start: builds, plays the main job through on a demo repository in .demo/, then shows it in VS Code.
//   npm start -- --no-open     stops after the terminal part
// Node built-ins only until the dependencies are there.
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { installDependencies, installServer, onPath, run } from './install.mjs';

const root = path.resolve(import.meta.dirname, '..');
const demo = path.join(root, '.demo');
const repository = path.join(demo, 'repository');
const DATASET = 'energy/model.sqlite';

const { values: options } = parseArgs({ options: { 'no-open': { type: 'boolean', default: false } } });
try {
  await installDependencies();
  console.log('Building ...');
  await run(process.execPath, ['esbuild.mjs']);
  await playMainJob();
  if (!options['no-open']) await openInVscode();
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

async function playMainJob() {
  rmSync(demo, { recursive: true, force: true });
  const { writeDemoVersions } = await import('./demoDatabase.mjs');
  const [v1, v2, v3] = await writeDemoVersions(path.join(demo, 'input'));
  await makeGitRepository();

  say('A repository whose bytes live in a folder (it could be a bucket: --store s3://BUCKET)');
  await datamanager('init', '--store', `folder:${path.join(demo, 'store')}`);
  await datamanager('verify');
  say('Three versions of an energy-system model');
  await datamanager(
    'create',
    DATASET,
    v1,
    '--description',
    'Invented energy-system model',
    '-m',
    'Add the energy model',
  );
  await datamanager('update', DATASET, v2, '-m', 'Revise the cost curves, add small reactors');
  await datamanager('update', DATASET, v3, '-m', 'Add learning rates, drop INSEL');
  say('What there is, and how it came about');
  await datamanager('list');
  await datamanager('history', DATASET);
  say('What changed, row by row');
  await datamanager('diff', `${DATASET}@v1`, `${DATASET}@v2`, '--limit', '4');
  say('An old version back, byte for byte');
  const pulled = path.join(demo, 'pulled-v2.sqlite');
  await datamanager('pull', `${DATASET}@v2`, '-o', pulled);
  if (sha256(pulled) !== sha256(v2)) throw new Error('What was pulled is not what was published.');
  console.log(`sha256 ${sha256(pulled)}: the same as what was published.`);
}

async function makeGitRepository() {
  const remote = path.join(demo, 'remote.git');
  mkdirSync(repository, { recursive: true });
  await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', remote]);
  const commands = [
    ['init', '--quiet', '--initial-branch=main'],
    ['remote', 'add', 'origin', remote],
    // Local to the demo: the user's own name, mail address and signing key stay out of it.
    ['config', 'user.name', 'Demo'],
    ['config', 'user.email', 'demo@example.invalid'],
    ['config', 'commit.gpgsign', 'false'],
  ];
  for (const command of commands) await run('git', command, { cwd: repository });
}

/** Runs the command line on the demo repository as a person would, output and all. @param {string[]} args */
async function datamanager(...args) {
  const shown = args.map((arg) => (/[^\w./:@-]/.test(arg) ? JSON.stringify(arg) : arg)).join(' ');
  console.log(`\n$ datamanager ${shown.replaceAll(`${demo}${path.sep}`, `.demo${path.sep}`)}`);
  const env = { ...process.env, XDG_CACHE_HOME: path.join(demo, 'cache') };
  await run(process.execPath, [path.join(root, 'dist/cli.js'), '--yes', ...args], { cwd: repository, env, show: true });
}

async function openInVscode() {
  const code = desktopVscode();
  if (code) {
    say('Opening it in VS Code');
    // As an extension under development: nothing is installed into the user's own VS Code.
    spawn(code, ['--new-window', `--extensionDevelopmentPath=${root}`, repository], {
      stdio: 'ignore',
      detached: true,
    }).unref();
    return;
  }
  say('There is no desktop VS Code here: starting the VS Code server from npm');
  await installServer('floor');
  await run(process.execPath, ['scripts/package.mjs']);
  const { startServer } = await import('../test/harness/server.mjs');
  const server = await startServer({
    lane: 'floor',
    folder: path.join(demo, 'vscode'),
    vsix: [path.join(root, 'out/datamanager.vsix')],
    settings: { 'git.enabled': true },
    token: randomBytes(16).toString('hex'), // other users of this machine reach loopback too
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => server.stop());
  console.log(`\nOpen ${server.url(repository)}\nand choose Data Manager in the activity bar. Ctrl-C ends it.`);
  await server.ended;
}

/** The `code` command, where it can open a window. */
function desktopVscode() {
  if (process.platform === 'darwin') {
    const bundled = '/Applications/Visual Studio Code.app/Contents/Resources/app/bin/code';
    return onPath('code') ?? (existsSync(bundled) ? bundled : undefined);
  }
  const hasDisplay = process.env.DISPLAY || process.env.WAYLAND_DISPLAY || process.env.VSCODE_IPC_HOOK_CLI;
  const isRoot = process.getuid?.() === 0; // desktop VS Code refuses to start for root
  return hasDisplay && !isRoot ? onPath('code') : undefined;
}

/** @param {string} text */
function say(text) {
  console.log(`\n== ${text}`);
}

/** @param {string} file */
function sha256(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}
