// Measures deltas between pairs of files that it makes itself: bytes, seconds, processor seconds, peak of memory.
//   node bench/delta.mjs [--size 250m|1g|...] [--cases scattered,clustered,append,vacuum,deleted,csv] [--folder DIR] [--json]
// `plan` is what an upload with server-side copies would send instead. With --folder the files are kept for the next run.
// Needs sqlite3; compares with `zstd --patch-from` when there is one.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '250m' },
    cases: { type: 'string' },
    folder: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const rows = Math.round(sizeOf(options.size) * 8200); // of the table; with its two indexes they fill about one megabyte
const thousandth = Math.max(1, Math.floor(rows / 1000));

/**
 * SQL for pseudo-random numbers that are the same on every machine.
 *
 * @param {string} n
 * @param {number} salt
 */
const mixed = (n, salt) => `((${n} * 2654435761 + ${salt} * 40503) % 4294967291)`;

/**
 * @param {number} first
 * @param {number} last
 */
const inserted = (
  first,
  last,
) => `WITH RECURSIVE n(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i < ${last})
  INSERT INTO t SELECT i, printf('%08x%08x', ${mixed('i', 1)}, ${mixed('i * 7', 2)}), 'region' || (${mixed('i', 3)} % 40),
  2000 + i % 51, ${mixed('i', 4)} / 977.0, printf('note %08x%08x%08x', ${mixed('i', 5)}, ${mixed('i * 3', 6)}, ${mixed('i * 5', 7)}) FROM n;`;

const pragmas = 'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;';
const base = `${pragmas} PRAGMA page_size = 4096; BEGIN;
CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, region TEXT, year INTEGER, value REAL, note TEXT); ${inserted(1, rows)}
CREATE INDEX tk ON t(k); CREATE INDEX tr ON t(region, year); COMMIT;`;

/**
 * SQL from a database to its next version; `vacuumed` says that both were VACUUMed.
 *
 * @type {Record<string, { sql: string, vacuumed?: boolean } | 'csv'>}
 */
const cases = {
  scattered: { sql: `UPDATE t SET value = value + 1 WHERE ${mixed('id', 9)} % 1000 = 7;` },
  clustered: { sql: `UPDATE t SET value = value + 1 WHERE id BETWEEN ${thousandth * 500} AND ${thousandth * 501};` },
  append: { sql: inserted(rows + 1, rows + thousandth) },
  vacuum: { sql: 'VACUUM;' },
  deleted: { sql: `DELETE FROM t WHERE ${mixed('id', 9)} % 100 = 7; VACUUM;`, vacuumed: true },
  csv: 'csv',
};

/**
 * What bench/deltaChild.ts writes.
 *
 * @typedef {{ seconds: number, cpu: number, peakMiB: number }} Cost
 * @typedef {{ size: number, delta: number | null, make: Cost, apply: Cost | null, plan: { kind: string, bytesSent: number, requests: number } }} Measured
 * @typedef {Measured & { name: string, zstd: number | null }} Result
 */

const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'datamanager-bench-'));
mkdirSync(folder, { recursive: true });
try {
  const child = join(folder, 'child.cjs');
  await build({
    entryPoints: [join(here, 'deltaChild.ts')],
    outfile: child,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
  });
  /** @type {Result[]} */
  const results = [];
  for (const name of options.cases ? options.cases.split(',') : Object.keys(cases)) {
    const [before, after] = pairOf(name);
    const output = execFileSync(process.execPath, [child, before, after, join(folder, 'work')], { encoding: 'utf8' });
    results.push({ name, ...JSON.parse(output), zstd: zstdSize(before, after) });
    if (options.folder === undefined) rmSync(after);
  }
  report(results);
} finally {
  if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

/**
 * The two files of a case, made if they are not there yet.
 *
 * @param {string} name
 * @returns {[string, string]}
 */
function pairOf(name) {
  const what = cases[name];
  if (what === undefined) throw new Error(`There is no case "${name}". Cases: ${Object.keys(cases).join(', ')}.`);
  const database = once('before.sqlite', (path) => runSql(path, base));
  if (what === 'csv') {
    const some = Math.round(rows * 0.33);
    const select = (/** @type {string} */ where) => `SELECT * FROM t WHERE ${where} AND id <= ${some};`;
    const make = (/** @type {string} */ name, /** @type {string[]} */ selects) =>
      once(name, (path) => runSql(database, `.mode csv\n.output ${path}\n${selects.join('\n')}`));
    const row = "SELECT 0, 'inserted', 'region7', 2031, 1.25, 'a new row';";
    const third = Math.round(some / 3);
    return [
      make('before.csv', [select('1')]),
      make('csv.csv', [select(`id <= ${third}`), row, select(`id > ${third}`)]),
    ];
  }
  const before = what.vacuumed
    ? once('vacuumed.sqlite', (path) => {
        copyFileSync(database, path);
        runSql(path, `${pragmas} VACUUM;`);
      })
    : database;
  const after = once(`${name}.sqlite`, (path) => {
    copyFileSync(before, path);
    runSql(path, `${pragmas} ${what.sql}`);
  });
  return [before, after];
}

/**
 * @param {string} name
 * @param {(path: string) => void} make
 */
function once(name, make) {
  const path = join(folder, name);
  if (existsSync(path)) return path;
  make(`${path}.new`);
  renameSync(`${path}.new`, path);
  return path;
}

/**
 * @param {string} path
 * @param {string} sql
 */
function runSql(path, sql) {
  execFileSync('sqlite3', [path], { input: sql, stdio: ['pipe', 'ignore', 'inherit'] });
}

/**
 * Bytes, or null without zstd.
 *
 * @param {string} before
 * @param {string} after
 */
function zstdSize(before, after) {
  const patch = join(folder, 'patch.zst');
  const { status } = spawnSync('zstd', ['-q', '-f', '-3', '--long=31', `--patch-from=${before}`, after, '-o', patch]);
  const size = status === 0 ? statSync(patch).size : null;
  rmSync(patch, { force: true });
  return size;
}

/** @param {Result[]} results */
function report(results) {
  if (options.json) return console.log(JSON.stringify(results));
  console.log('case         target MB   delta MB    zstd MB  make s (cpu)  MiB  apply s (cpu)  MiB  plan MB');
  for (const { name, size, delta, zstd, make, apply, plan } of results) {
    const cells = [
      name.padEnd(10),
      mega(size).padStart(11),
      (delta === null ? 'too large' : mega(delta)).padStart(10),
      (zstd === null ? '-' : mega(zstd)).padStart(10),
      ...(apply ? [...costOf(make), ...costOf(apply)] : [...costOf(make), ''.padStart(13), '    ']),
      mega(plan.bytesSent).padStart(8),
    ];
    console.log(cells.join(' '));
  }
}

/** @param {Cost} cost */
function costOf({ seconds, cpu, peakMiB }) {
  return [`${seconds.toFixed(2)} (${cpu.toFixed(2)})`.padStart(13), peakMiB.toFixed(0).padStart(4)];
}

/** @param {number} bytes */
function mega(bytes) {
  return (bytes / 1e6).toFixed(bytes < 1e6 ? 4 : 2);
}

/**
 * Megabytes of a size such as 250m or 1g.
 *
 * @param {string} text
 */
function sizeOf(text) {
  const match = /^(\d+(?:\.\d+)?)([mg])$/i.exec(text);
  if (!match) throw new Error(`"${text}" is no size: write 250m or 1g.`);
  return Number(match[1]) * (match[2]?.toLowerCase() === 'g' ? 1000 : 1);
}
