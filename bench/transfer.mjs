// Measures what a publish and a pull move, and how long and how much they work for it, against `rclone` and @aws-sdk/lib-storage.
//   node bench/transfer.mjs [--size 1g] [--cases full,shaped,scattered,clustered,appended,vacuum,csv,rss] [--servers ceph,sink,r2]
//                           [--runs 2] [--shaped-size 200m] [--rss-size 10g] [--folder DIR] [--no-lib-storage] [--json]
// Everything runs on this machine: the servers in processes of their own (Ceph's S3 gateway on an in-memory disk; `sink`, which
// forgets uploads and makes up downloads; Cloudflare's R2 emulator), the clients in turn, a new process each. Bytes of the deltas
// are counted on the wire by a relay; `shaped` is a relay too, see shapedRelay.mjs. CPU is user + system of the client alone.
// The load of the machine stands beside each number; compare within one run only. Before each whole download the machine's memory is
// made ready, for every client alike.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { installCeph, installRclone } from '../scripts/install.mjs';
import { CHANGES, csv, database, sparse } from './transferData.mjs';

const here = import.meta.dirname;
/** In the project, from where miniflare is found. */
const built = join(here, '../out/bench');
const HEADER =
  'server  case                            client           sent   received     copied  requests   seconds    CPU s        RSS   load';
/** The SDK's advice about Node versions is not for here. */
const ENV = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
const PART = 5 << 20;
const MIB = 1 << 20;
const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '1g' },
    cases: { type: 'string', default: 'full,shaped,scattered,clustered,appended,vacuum,csv,rss' },
    servers: { type: 'string' },
    runs: { type: 'string', default: '2' },
    'shaped-size': { type: 'string', default: '200m' },
    'rss-size': { type: 'string', default: '10g' },
    folder: { type: 'string' },
    'no-lib-storage': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/**
 * @typedef {{ endpoint: string, port: number, bucket: string, credentials: { accessKeyId: string, secretAccessKey: string } }} Server
 * @typedef {{ path: string, sha256: string, size: number, key: string }} Version
 * @typedef {{ seconds: number, cpu: number, rss: number, sent?: number, received?: number, copied?: number, requests?: number, how?: string }} Figures
 * @typedef {Figures & { server: string, case: string, client: string, load: number }} Row
 * @typedef {{ target: string, value: string, met: boolean }} Verdict
 */

const megabytes = sizeOf(options.size);
const cases = options.cases.split(',');
const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'datamanager-bench-'));
const scratch = mkdtempSync(join(tmpdir(), 'datamanager-bench-'));
mkdirSync(folder, { recursive: true });
/** @type {Row[]} */
const rows = [];
/** @type {Verdict[]} */
const verdicts = [];
/** @type {(() => Promise<void>)[]} */
const running = [];

try {
  await bundle('transferChild.ts');
  await bundle('transferServer.ts');
  await bundle('../src/worker/follower.ts', 'follower.cjs');
  const noRclone = await installRclone();
  if (noRclone) say(`rclone's lines are missing: ${noRclone}.`);
  const libStorage = options['no-lib-storage'] ? null : installLibStorage();
  const clients = ['ours', ...(noRclone ? [] : ['rclone']), ...(libStorage ? ['lib-storage'] : [])];
  const noCeph = await installCeph();
  if (noCeph) say(`The R2 emulator stands in for Ceph: ${noCeph}.`);
  const servers = options.servers?.split(',') ?? [noCeph ? 'r2' : 'ceph', 'sink'];
  const real = servers.filter((name) => name !== 'sink');

  if (cases.includes('full')) for (const name of servers) await full(name, clients, libStorage);
  if (cases.includes('shaped')) await shaped(real[0] ?? 'sink', clients, libStorage);
  for (const name of [...Object.keys(CHANGES), 'csv']) {
    if (cases.includes(name)) for (const server of real) await changed(server, name);
  }
  if (cases.includes('rss')) await memory();
  report();
} finally {
  for (const stop of running.reverse()) await stop();
  rmSync(scratch, { recursive: true, force: true });
  if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

/**
 * The whole database up and down again, by each client in turn.
 *
 * @param {string} serverName
 * @param {string[]} clients
 * @param {string | null} libStorage
 */
async function full(serverName, clients, libStorage) {
  const path = serverName === 'sink' ? sparse(folder, megabytes * 1e6) : database(folder, megabytes, 'base');
  const file = await versionOf(path);
  for (let run = 0; run < Number(options.runs); run++) {
    // A server that keeps everything in memory starts anew for each round.
    await withServer(serverName, async (server) => {
      for (const client of clients) {
        const figures = await upload(client, server, file, libStorage);
        add(serverName, 'full upload', client, { sent: file.size, ...figures });
      }
      const wanted = serverName === 'sink' ? { ...file, key: `utopia/made-up-${file.size}` } : file;
      for (const client of run % 2 === 0 ? clients : [...clients].reverse()) {
        claimMemory(file.size);
        const figures = await download(client, server, wanted, libStorage);
        add(serverName, 'full download', client, { received: file.size, ...figures });
      }
    });
  }
  if (!clients.includes('rclone')) return;
  compareWith(serverName, 'full upload', 'cpu', 0.5);
  compareWith(serverName, 'full upload', 'seconds', 1.0);
  compareWith(serverName, 'full download', 'seconds', 1.5);
}

/**
 * Has the machine hand out the memory that two copies of a file need in the page cache, and free it again: a virtual machine takes
 * back what lies idle, and who is first to want it again waits up to a second for 1 GB.
 *
 * @param {number} bytes
 */
function claimMemory(bytes) {
  const path = join(scratch, 'memory');
  const piece = Buffer.alloc(MIB);
  const file = openSync(path, 'w');
  for (let written = 0; written < 2.2 * bytes; written += piece.length) writeSync(file, piece);
  closeSync(file);
  rmSync(path);
}

/**
 * The same over a line of 100 Mbit/s and 50 ms.
 *
 * @param {string} serverName
 * @param {string[]} clients
 * @param {string | null} libStorage
 */
async function shaped(serverName, clients, libStorage) {
  const file = await versionOf(database(folder, sizeOf(options['shaped-size']), 'base'));
  await withServer(serverName, async (server) => {
    const relay = await startRelay(server.port, ['100', '50']);
    const far = at(server, relay.port);
    for (const client of clients) {
      const figures = await upload(client, far, file, libStorage);
      add(serverName, 'shaped upload', client, { sent: file.size, ...figures });
    }
    for (const client of clients) {
      const figures = await download(client, far, file, libStorage);
      add(serverName, 'shaped download', client, { received: file.size, ...figures });
    }
    await relay.stop();
  });
  if (!clients.includes('rclone')) return;
  compareWith(serverName, 'shaped upload', 'seconds', 1.0);
  compareWith(serverName, 'shaped download', 'seconds', 1.0);
}

/**
 * A new version beside an old one that is in the store and on this machine.
 *
 * @param {string} serverName
 * @param {string} name
 */
async function changed(serverName, name) {
  const isCsv = name === 'csv';
  const before = await versionOf(isCsv ? csv(folder, megabytes, false) : database(folder, megabytes, 'base'));
  const after = await versionOf(isCsv ? csv(folder, megabytes, true) : database(folder, megabytes, name));
  await withServer(serverName, async (server) => {
    const relay = await startRelay(server.port, []);
    const counted = at(server, relay.port);
    await ours({ action: 'prepare', store: server, path: before.path, key: before.key });
    for (const deltaFirst of [true, false]) {
      await relay.counts();
      const key = deltaFirst ? `early/${after.key}` : after.key;
      const figures = await ours({
        action: 'publish',
        store: counted,
        path: after.path,
        key,
        base: before,
        deltaFirst,
      });
      const wire = await relay.counts();
      const what = `${name}: publish${deltaFirst ? ' delta first' : ''}`;
      add(serverName, what, 'ours', { ...figures, sent: wire.sent, received: wire.received, requests: wire.requests });
      if (deltaFirst && name === 'scattered')
        judge('delta-first publish of the scattered change: <= 0.5 MB sent', mb(wire.sent), wire.sent <= 0.5e6);
      if (!deltaFirst && name === 'clustered')
        judge(
          'publish of the clustered change: <= 3 parts sent',
          `${(wire.sent / PART).toFixed(2)} x 5 MiB`,
          wire.sent <= 3.05 * PART,
        );
    }
    await relay.counts();
    const figures = await ours({
      action: 'pull',
      store: counted,
      path: join(scratch, 'out'),
      wanted: after,
      base: before,
    });
    const wire = await relay.counts();
    add(serverName, `${name}: pull`, 'ours', {
      ...figures,
      sent: wire.sent,
      received: wire.received,
      requests: wire.requests,
    });
    if (name === 'scattered') {
      const met = wire.received <= 0.5e6 && wire.requests <= 3;
      judge(
        'pull of the scattered change: <= 0.5 MB in <= 3 requests',
        `${mb(wire.received)} in ${wire.requests}`,
        met,
      );
    }
    await relay.stop();
  });
}

/** What a transfer of any size takes of memory. */
async function memory() {
  const file = await versionOf(sparse(folder, sizeOf(options['rss-size']) * 1e6));
  await withServer('sink', async (server) => {
    const up = await ours({ action: 'upload', store: server, path: file.path, key: file.key });
    add('sink', `${options['rss-size']} upload`, 'ours', { ...up, sent: file.size });
    const wanted = { ...file, key: `utopia/made-up-${file.size}` };
    const down = await ours({ action: 'download', store: server, path: join(scratch, 'out'), wanted });
    add('sink', `${options['rss-size']} download`, 'ours', down);
    const peak = Math.max(up.rss, down.rss);
    judge(`memory of a ${options['rss-size']} transfer: <= 150 MiB above idle`, mib(peak), peak <= 150 * MIB);
  });
}

/**
 * @param {string} client
 * @param {Server} store
 * @param {Version} file
 * @param {string | null} libStorage
 * @returns {Promise<Figures>}
 */
async function upload(client, store, file, libStorage) {
  const key = `${client}/${file.key}`;
  if (client === 'ours') return ours({ action: 'upload', store, path: file.path, key: file.key });
  if (client === 'rclone') return rcloneCopy(store, file.path, `:s3:${store.bucket}/${key}`);
  return child(join(libStorage ?? '', 'libStorageChild.mjs'), { action: 'upload', store, path: file.path, key });
}

/**
 * @param {string} client
 * @param {Server} store
 * @param {Version} file what our upload has left in the store
 * @param {string | null} libStorage
 * @returns {Promise<Figures>}
 */
async function download(client, store, file, libStorage) {
  const path = join(scratch, 'out');
  if (client === 'ours') return ours({ action: 'download', store, path, wanted: file });
  const figures =
    client === 'rclone'
      ? await rcloneCopy(store, `:s3:${store.bucket}/${file.key}`, path)
      : await child(join(libStorage ?? '', 'libStorageChild.mjs'), { action: 'download', store, path, key: file.key });
  if (statSync(path).size !== file.size) throw new Error(`${client} made another file.`);
  rmSync(path);
  return figures;
}

/**
 * Our engine in a process of its own, with a cache of its own.
 *
 * @param {Record<string, unknown>} task
 */
async function ours(task) {
  const cacheFolder = mkdtempSync(join(scratch, 'cache-'));
  const figures = await child(join(built, 'transferChild.cjs'), { cacheFolder, notesFolder: scratch, ...task });
  rmSync(cacheFolder, { recursive: true, force: true });
  return figures;
}

/**
 * @param {string} script
 * @param {Record<string, unknown>} task
 * @returns {Promise<Figures>}
 */
async function child(script, task) {
  const process_ = spawn(process.execPath, [script, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: ENV,
  });
  let output = '';
  for await (const text of process_.stdout.setEncoding('utf8')) output += text;
  const code = await ended(process_);
  if (code !== 0) throw new Error(`${script} ended with exit code ${code}`);
  return JSON.parse(output);
}

/**
 * @param {Server} server
 * @param {string} from
 * @param {string} to
 * @returns {Promise<Figures>}
 */
async function rcloneCopy(server, from, to) {
  const env = {
    // What AWS_* says is for other programs.
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))),
    RCLONE_CONFIG: join(scratch, 'rclone.conf'),
    RCLONE_S3_PROVIDER: 'Other',
    RCLONE_S3_ENDPOINT: server.endpoint,
    RCLONE_S3_ACCESS_KEY_ID: server.credentials.accessKeyId,
    RCLONE_S3_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
    RCLONE_S3_NO_CHECK_BUCKET: 'true',
    TIMEFORMAT: '%R %U %S',
  };
  const shell = spawn('bash', ['-c', 'time rclone -q copyto --ignore-times "$@"', 'bash', from, to], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const children = `/proc/${shell.pid}/task/${shell.pid}/children`;
  let peak = 0;
  const watch = setInterval(async () => {
    const pid = (await readFile(children, 'utf8').catch(() => '')).trim();
    const status = pid && (await readFile(`/proc/${pid}/status`, 'utf8').catch(() => ''));
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024);
  }, 20);
  let errors = '';
  for await (const text of shell.stderr.setEncoding('utf8')) errors += text;
  const code = await ended(shell);
  clearInterval(watch);
  const times = /([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(errors)?.slice(1).map(Number);
  if (code !== 0 || !times) throw new Error(`rclone failed: ${errors}`);
  const [seconds = 0, user = 0, system = 0] = times;
  return { seconds, cpu: user + system, rss: peak };
}

/**
 * @param {string} name
 * @param {(server: Server) => Promise<void>} use
 */
async function withServer(name, use) {
  const data = mkdtempSync(join(scratch, 'server-'));
  const { first, stop } = await startProcess([join(built, 'transferServer.cjs'), name, data]);
  await use(JSON.parse(first));
  await stop();
  rmSync(data, { recursive: true, force: true });
}

/**
 * @param {number} port
 * @param {string[]} shape
 */
async function startRelay(port, shape) {
  const { first, next, stop } = await startProcess([join(here, 'shapedRelay.mjs'), String(port), ...shape]);
  /** @returns {Promise<{ sent: number, received: number, requests: number }>} since the last call */
  const counts = async () => JSON.parse(await next());
  return { port: Number(first), counts, stop };
}

/**
 * A helper that lives until its stdin ends. `next` asks it for a line.
 *
 * @param {string[]} args
 */
async function startProcess(args) {
  const helper = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env: ENV });
  const lines = createInterface({ input: helper.stdout })[Symbol.asyncIterator]();
  const line = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${args[0]} ended early`);
    return /** @type {string} */ (value);
  };
  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    helper.stdin.end();
    await ended(helper);
  };
  running.push(stop);
  const first = await line();
  const next = () => {
    helper.stdin.write('\n');
    return line();
  };
  return { first, next, stop };
}

/** @param {import('node:child_process').ChildProcess} process_ */
function ended(process_) {
  if (process_.exitCode !== null) return process_.exitCode;
  return new Promise((resolve) => process_.once('exit', resolve));
}

/** @param {Server} server @param {number} port @returns {Server} the same behind another port */
function at(server, port) {
  return { ...server, port, endpoint: server.endpoint.replace(`:${server.port}`, `:${port}`) };
}

/** @param {string} source @param {string} [name] */
async function bundle(source, name = source.replace(/\.ts$/, '.cjs')) {
  await build({
    entryPoints: [join(here, source)],
    outfile: join(built, name),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    external: ['miniflare'],
    logLevel: 'warning',
  });
}

function installLibStorage() {
  const to = join(folder, 'lib-storage');
  try {
    if (!existsSync(join(to, 'node_modules/@aws-sdk/lib-storage'))) {
      mkdirSync(to, { recursive: true });
      const packages = ['@aws-sdk/lib-storage', '@aws-sdk/client-s3'].map((name) => `${name}@3.1169.0`);
      execFileSync('npm', ['install', '--no-audit', '--no-fund', '--prefix', to, ...packages], { stdio: 'ignore' });
    }
    copyFileSync(join(here, 'libStorageChild.mjs'), join(to, 'libStorageChild.mjs'));
    return to;
  } catch {
    say('@aws-sdk/lib-storage could not be installed: its lines are missing.');
    return null;
  }
}

/** @param {string} path @returns {Promise<Version>} */
async function versionOf(path) {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: MIB })) hash.update(piece);
  const sha256 = hash.digest('hex');
  return { path, sha256, size: statSync(path).size, key: `utopia/${sha256}` };
}

/** @param {string} server @param {string} name @param {string} client @param {Figures} figures */
function add(server, name, client, figures) {
  const row = { server, case: name, client, ...figures, load: loadavg()[0] ?? 0 };
  if (rows.length === 0) say(HEADER);
  rows.push(row);
  say(line(row));
}

/**
 * Our best run against rclone's. Two percent are the noise of a line that both of them fill.
 *
 * @param {string} server
 * @param {string} what
 * @param {'cpu' | 'seconds'} figure
 * @param {number} limit
 */
function compareWith(server, what, figure, limit) {
  const best = (/** @type {string} */ client) =>
    Math.min(
      ...rows
        .filter((row) => row.server === server && row.case === what && row.client === client)
        .map((row) => row[figure]),
    );
  const ratio = best('ours') / best('rclone');
  const name = figure === 'cpu' ? 'CPU' : 'wall';
  judge(`${what}, ${server}: ${name} <= ${limit.toFixed(1)}x rclone's`, `${ratio.toFixed(2)}x`, ratio <= limit * 1.02);
}

/** @param {string} target @param {string} value @param {boolean} met */
function judge(target, value, met) {
  verdicts.push({ target, value, met });
}

/** @param {Row} row */
function line(row) {
  const amounts = [row.sent, row.received, row.copied].map((bytes) =>
    (bytes === undefined ? '-' : mb(bytes)).padStart(11),
  );
  const times = [row.seconds, row.cpu].map((value) => value.toFixed(2).padStart(9));
  const ends = [mib(row.rss).padStart(11), row.load.toFixed(1).padStart(7)];
  const requests = String(row.requests ?? '-').padStart(10);
  return [
    row.server.padEnd(8),
    row.case.padEnd(32),
    row.client.padEnd(10),
    ...amounts,
    requests,
    ' ',
    ...times,
    ...ends,
  ].join('');
}

function report() {
  if (options.json) {
    console.log(JSON.stringify({ node: process.version, megabytes, rows, verdicts }));
    return;
  }
  console.log("\nRSS: peak above idle; rclone's whole. Targets (best of the runs):");
  for (const { target, value, met } of verdicts) console.log(`${met ? 'met    ' : 'NOT MET'}  ${target}: ${value}`);
}

/** @param {string} text */
function say(text) {
  (options.json ? console.error : console.log)(text);
}

/** @param {number} bytes */
function mb(bytes) {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
}

/** @param {number} bytes */
function mib(bytes) {
  return `${(bytes / MIB).toFixed(0)} MiB`;
}

/** @param {string} text @returns {number} megabytes */
function sizeOf(text) {
  const match = /^(\d+(?:\.\d+)?)([mg])b?$/i.exec(text);
  if (!match) throw new Error(`${text}: give a size as 100m or 1g`);
  return Number(match[1]) * (match[2]?.toLowerCase() === 'g' ? 1000 : 1);
}
