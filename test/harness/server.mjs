// VS Code's own server from npm: real workbench, real Node extension host, no Electron and no display needed.
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run, serverFiles } from '../../scripts/install.mjs';
import { startGuarded } from './guarded.mjs';

/** Nothing that moves, asks, advertises or goes to the network. */
export const QUIET_SETTINGS = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.welcomePage.walkthroughs.openOnInstall': false,
  'workbench.tips.enabled': false,
  'workbench.reduceMotion': 'on',
  'workbench.enableExperiments': false,
  'workbench.settings.enableNaturalLanguageSearch': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'files.autoSave': 'off',
  'git.enabled': false,
  'json.schemaDownload.enable': false,
  'npm.fetchOnlinePackageInfo': false,
  'typescript.surveys.enabled': false,
};

/**
 * Starts VS Code on loopback in a folder of its own: private HOME, settings and extensions.
 *
 * @param {object} [options]
 * @param {string} [options.lane] which pinned VS Code, see scripts/install.mjs
 * @param {string} [options.folder] keep everything there; without it, in a temporary folder that goes with the server
 * @param {Record<string, unknown>} [options.settings] on top of QUIET_SETTINGS
 * @param {readonly string[]} [options.vsix] packaged extensions to install first
 * @param {NodeJS.ProcessEnv} [options.env] further environment of the extension host
 * @param {boolean} [options.testDriver] let the page's address name extension tests; hides notification toasts
 * @param {boolean} [options.trust] ask for workspace trust as a desktop would
 * @param {boolean} [options.logFiles] write log files, below `data/logs` of its folder
 * @param {string} [options.token] what the address must carry; none: whoever reaches loopback gets in
 */
export async function startServer({
  lane = process.env.VSCODE_LANE ?? 'floor',
  folder,
  settings = {},
  vsix = [],
  env = {},
  testDriver = false,
  trust = false,
  logFiles = false,
  token,
} = {}) {
  const { node, main } = serverFiles(lane);
  if (!existsSync(main)) throw new Error(`The VS Code server (${lane}) is not installed; npm test installs it.`);
  const dir = folder ?? mkdtempSync(path.join(tmpdir(), 'vscode-'));
  const home = path.join(dir, 'home');
  const data = path.join(dir, 'data');
  const temporary = path.join(dir, 'tmp');
  for (const sub of [home, temporary, path.join(data, 'User')]) mkdirSync(sub, { recursive: true });
  const { 'security.workspace.trust.enabled': _, ...askingTrust } = QUIET_SETTINGS;
  const profile = { ...(trust ? askingTrust : QUIET_SETTINGS), ...settings };
  writeFileSync(path.join(data, 'User/settings.json'), JSON.stringify(profile, null, 2));

  // VS Code leaves sockets and caches in its temporary folder. A socket's path must stay short, though.
  const ownTemporary = temporary.length < 50 ? { TMPDIR: temporary } : {};
  const writing = logFiles && { NODE_OPTIONS: `--require=${path.join(import.meta.dirname, 'logFiles.cjs')}` };
  const serverEnv = { ...cleanEnvironment(home), ...ownTemporary, ...writing, ...env };
  const command = [node, main, '--accept-server-license-terms', '--server-data-dir', data, '--user-data-dir', data];
  command.push('--extensions-dir', path.join(dir, 'extensions'));
  for (const file of vsix) {
    const [program = '', ...args] = [...command, '--force', '--install-extension', file];
    await run(program, args, { cwd: dir, env: serverEnv });
  }
  const port = await freePort();
  command.push('--host', '127.0.0.1', '--port', String(port), '--disable-telemetry', '--log', 'warn');
  if (token) {
    const file = path.join(dir, 'token'); // as an argument, every user of the machine could read it
    writeFileSync(file, token, { mode: 0o600 });
    command.push('--connection-token-file', file);
  } else command.push('--without-connection-token');
  if (!trust) command.push('--disable-workspace-trust');
  if (testDriver) command.push('--enable-smoke-test-driver');

  const log = openSync(path.join(dir, 'server.log'), 'a');
  const remove = folder || process.env.VSCODE_TEST_KEEP ? undefined : dir;
  const server = startGuarded(command, { env: serverEnv, cwd: dir, output: log, remove });
  closeSync(log);
  const started = Date.now();
  while (
    !(await fetch(`http://127.0.0.1:${port}/version`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    const late = Date.now() - started > 30_000;
    if (late || !server.running()) {
      await server.stop();
      throw new Error(`The VS Code server ${late ? 'was not up in 30 s' : 'ended at once'}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    dir,
    ended: server.ended,
    stop: server.stop,
    /**
     * The address that shows a folder or a .code-workspace file.
     *
     * @param {string} opened
     * @param {readonly (readonly [string, string])[]} [payload] settings of the workbench page, see test/harness/code.mjs
     */
    url(opened, payload) {
      const kind = opened.endsWith('.code-workspace') ? 'workspace' : 'folder';
      const query = new URLSearchParams({ ...(token && { tkn: token }), [kind]: opened });
      if (payload) query.set('payload', JSON.stringify(payload));
      return `http://127.0.0.1:${port}/?${query}`;
    },
    /** @param {string} file its address for the workbench in the browser */
    remote: (file) => `vscode-remote://127.0.0.1:${port}${file}`,
  };
}

/** @param {string} home */
function cleanEnvironment(home) {
  // Neither an outer VS Code nor npm nor the user's own configuration leaks in.
  const outer = Object.entries(process.env).filter(
    ([name]) => !/^(VSCODE_|npm_|ELECTRON_|XDG_|GIT_|NODE_OPTIONS$)/.test(name),
  );
  return {
    ...Object.fromEntries(outer),
    HOME: home,
    XDG_CACHE_HOME: path.join(home, 'cache'),
    XDG_CONFIG_HOME: path.join(home, 'config'),
    XDG_DATA_HOME: path.join(home, 'share'),
    // VS Code puts its sockets there and leaves them; without it they stay in the system's temporary folder.
    XDG_RUNTIME_DIR: home,
    GIT_CONFIG_NOSYSTEM: '1',
    EXTENSIONS_GALLERY: '{}', // no marketplace, else the server keeps asking for one
  };
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(address && typeof address === 'object' ? address.port : 0));
    });
  });
}
