// Measures our row diff against `sqldiff --primarykey` on pairs that it makes itself.
//   node bench/sqldiff.mjs [--size 100m|1g|...] [--cases u100,s01] [--runs 3] [--folder DIR] [--json]
// `warm` is our fifth run in one process, `indexed` the same with block indexes of both files at hand.
// Both write a whole SQL patch to a file; they run in turn, so that a busy machine slows both. Needs sqlite3 and sqldiff.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    size: { type: 'string', default: '100m' },
    cases: { type: 'string' },
    runs: { type: 'string', default: '3' },
    folder: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const megabytes = sizeOf(options.size);
const rows = Math.round(megabytes * 2460); // of the largest table; all four together fill about one megabyte

/**
 * SQL for pseudo-random numbers that are the same on every machine.
 *
 * @param {string} n
 * @param {number} salt
 */
const mixed = (n, salt) => `((${n} * 2654435761 + ${salt} * 40503) % 4294967291)`;
/** @param {number} count */
const numbers = (count) => `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) `;

const base = `
PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; BEGIN;
CREATE TABLE big(id INTEGER PRIMARY KEY, region TEXT, tech TEXT, year INTEGER, value REAL, unit TEXT, note TEXT);
INSERT INTO big ${numbers(rows)} SELECT i, 'region' || (${mixed('i', 1)} % 40), 'tech' || (${mixed('i', 2)} % 900), 2000 + i % 51,
  ${mixed('i', 3)} / 977.0, CASE i % 3 WHEN 0 THEN 'PJ' ELSE 'kt/a' END,
  CASE WHEN i % 4000 = 0 THEN hex(zeroblob(9000)) || i ELSE 'note ' || printf('%0140d', ${mixed('i', 4)}) END FROM n;
CREATE INDEX bigRegion ON big(region, year);
CREATE TABLE without(region TEXT, year INTEGER, tech TEXT, value REAL, PRIMARY KEY(region, year, tech)) WITHOUT ROWID;
INSERT INTO without ${numbers(Math.round(rows * 0.58))} SELECT 'region' || (i / 20000), 2000 + i / 400 % 50, 'technology' || (i % 400), ${mixed('i', 5)} / 31.0 FROM n;
CREATE TABLE texts(code TEXT PRIMARY KEY, value REAL, label TEXT);
INSERT INTO texts ${numbers(Math.round(rows * 0.37))} SELECT 'code-' || ${mixed('i', 6)} || '-' || i, i / 7.0, 'label ' || printf('%0120d', i) FROM n;
CREATE TABLE plain(a INTEGER, b REAL, c TEXT);
INSERT INTO plain ${numbers(Math.round(rows * 0.62))} SELECT i, ${mixed('i', 7)} / 3.0, 'row ' || printf('%0110d', ${mixed('i', 8)}) FROM n;
COMMIT;`;

const hundredth = Math.floor(rows / 100);
/** @type {Record<string, string>} */
const cases = {
  u100: `UPDATE big SET value = value + 0.5 WHERE id % ${hundredth} = 7;`,
  s01: `UPDATE big SET value = value * 1.25 WHERE id % 3000 = 17; DELETE FROM big WHERE id % 3000 = 1017;
    INSERT INTO big SELECT id + ${rows}, region, tech, year, value, unit, note FROM big WHERE id % 3000 = 2017;
    UPDATE without SET value = -value WHERE abs(CAST(value * 31 AS INTEGER)) % 1000 = 3;
    UPDATE texts SET label = label || '!' WHERE rowid % 1000 = 3; DELETE FROM texts WHERE rowid % 5000 = 7;`,
  c10: `UPDATE big SET value = value * 1.01 WHERE id BETWEEN ${rows * 0.4} AND ${rows * 0.5};
    UPDATE without SET value = value * 1.01 WHERE CAST(substr(region, 7) AS INTEGER) BETWEEN ${Math.floor((rows * 0.58 * 0.5) / 20000)} AND ${Math.floor((rows * 0.58 * 0.6) / 20000)};
    UPDATE texts SET value = value * 1.01 WHERE rowid BETWEEN ${rows * 0.1} AND ${rows * 0.137};`,
  schema: `ALTER TABLE big ADD COLUMN source TEXT DEFAULT 'x'; ALTER TABLE plain ADD COLUMN d REAL;
    UPDATE big SET source = 'y' WHERE id % ${hundredth} = 7; CREATE TABLE fresh(id INTEGER PRIMARY KEY, v TEXT);
    INSERT INTO fresh VALUES(1, 'a'), (2, 'b');`,
  ovfl: `UPDATE big SET note = substr(note, 1, 12000) || 'Z' || substr(note, 12002) WHERE id % 4000 = 0 AND id % 5 = 0;`,
  vacuum: `DELETE FROM big WHERE id % 200 = 9; UPDATE big SET value = value + 0.5 WHERE id % ${hundredth} = 7; COMMIT; VACUUM; BEGIN;`,
};

/**
 * Milliseconds, but for the last two.
 *
 * @typedef {{ name: string, sqldiff: number, ours: number, warm: number, indexed: number, peakMiB: number, patchBytes: number }} Result
 */

const wanted = options.cases ? options.cases.split(',') : Object.keys(cases);
const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'datamanager-bench-'));
mkdirSync(folder, { recursive: true });
try {
  const child = join(folder, 'child.js');
  await build({
    entryPoints: { child: join(here, 'sqldiffChild.ts'), reader: join(here, '../src/worker/reader.ts') },
    outdir: folder,
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
  });
  const before = join(folder, 'before.sqlite');
  if (!existsSync(before)) make(before, base);
  /** @type {Result[]} */
  const results = [];
  for (const name of wanted) {
    const after = join(folder, `${name}.sqlite`);
    if (!existsSync(after)) {
      copyFileSync(before, `${after}.new`);
      make(`${after}.new`, `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; ${cases[name]} COMMIT;`);
      renameSync(`${after}.new`, after);
    }
    results.push(measure(name, before, after, child));
    if (options.folder === undefined) rmSync(after);
  }
  report(before, results);
} finally {
  if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
}

/**
 * @param {string} path
 * @param {string} sql
 */
function make(path, sql) {
  execFileSync('sqlite3', [path], { input: sql, stdio: ['pipe', 'ignore', 'inherit'] });
}

/**
 * @param {string} name
 * @param {string} before
 * @param {string} after
 * @param {string} child
 * @returns {Result}
 */
function measure(name, before, after, child) {
  /** @type {number[]} */
  const theirs = [];
  /** @type {number[]} */
  const ours = [];
  let peak = 0;
  const patch = join(folder, 'patch.sql');
  for (const path of [before, after]) execFileSync('sha256sum', [path], { stdio: 'ignore' }); // both from the page cache
  for (let run = 0; run < Number(options.runs); run++) {
    theirs.push(timed(patch, 'sqldiff', ['--primarykey', before, after]).milliseconds);
    const own = timed(patch, process.execPath, [child, before, after]);
    ours.push(own.milliseconds);
    peak = Math.max(peak, Number(/peak (\d+)/.exec(own.stderr)?.[1] ?? 0) / 1024);
  }
  const patchBytes = statSync(patch).size;
  const warm = JSON.parse(
    execFileSync(process.execPath, [child, before, after, '5'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    }),
  );
  const [slow, fast] = [median(theirs), median(ours)];
  const [hot, indexed] = [median(warm.plain.slice(2)), median(warm.indexed.slice(2))];
  return { name, sqldiff: slow, ours: fast, warm: hot, indexed, peakMiB: peak, patchBytes };
}

/**
 * @param {string} outfile
 * @param {string} program
 * @param {string[]} args
 */
function timed(outfile, program, args) {
  const output = openSync(outfile, 'w');
  const start = performance.now();
  const { status, stderr } = spawnSync(program, args, { stdio: ['ignore', output, 'pipe'], encoding: 'utf8' });
  const milliseconds = performance.now() - start;
  closeSync(output);
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
  return { milliseconds, stderr };
}

/**
 * @param {string} before
 * @param {Result[]} results
 */
function report(before, results) {
  const size = statSync(before).size;
  if (options.json) {
    console.log(JSON.stringify({ bytes: size, node: process.version, results }));
    return;
  }
  console.log(`${(size / 1e6).toFixed(0)} MB a file, medians of ${options.runs} runs in turn, a new process each`);
  console.log('case      sqldiff      ours   ratio      warm   ratio   indexed   ratio   peak RSS      patch');
  for (const r of results) {
    const cells = [r.ours, r.warm, r.indexed].flatMap((own) => [seconds(own), times(r.sqldiff / own)]);
    const rest = [`${r.peakMiB.toFixed(0)} MiB`.padStart(10), `${(r.patchBytes / 1e6).toFixed(2)} MB`.padStart(10)];
    console.log(r.name.padEnd(8), seconds(r.sqldiff), ...cells, ...rest);
  }
}

/** @param {number} milliseconds */
function seconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(3)} s`.padStart(9);
}

/** @param {number} ratio */
function times(ratio) {
  return `${ratio.toFixed(1)}x`.padStart(7);
}

/** @param {number[]} list */
function median(list) {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
}

/** @param {string} text */
function sizeOf(text) {
  const match = /^(\d+(?:\.\d+)?)([mg])b?$/i.exec(text);
  if (!match) throw new Error(`--size ${text}: give it as 100m or 1g`);
  return Number(match[1]) * (match[2]?.toLowerCase() === 'g' ? 1000 : 1);
}
