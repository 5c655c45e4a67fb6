// The files that bench/transfer.mjs sends around: a database, what changes of it look like, and a CSV file with one more row.
import { execFileSync } from 'node:child_process';
import { closeSync, copyFileSync, existsSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Of the table below, with its index, a megabyte of database holds so many rows. */
const ROWS_A_MEGABYTE = 7280;
/** A CSV file is a quarter as large as the database. */
const CSV_ROWS_A_MEGABYTE = 3480;
const MIB = 1 << 20;

/**
 * SQL for pseudo-random numbers that are the same on every machine.
 *
 * @param {string} n
 * @param {number} salt
 */
const mixed = (n, salt) => `((${n} * 2654435761 + ${salt} * 40503) % 4294967291)`;

/** @param {string} first @param {string} last */
const insert = (first, last) => `INSERT INTO measurement
  WITH RECURSIVE n(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM n WHERE i < ${last})
  SELECT i, 'region' || (${mixed('i', 1)} % 4000), 1990 + ${mixed('i', 2)} % 61, ${mixed('i', 3)} / 977.0,
    printf('%010d %010d %010d %010d %010d %010d %010d %010d', ${[4, 5, 6, 7, 8, 9, 10, 11].map((salt) => mixed('i', salt)).join(', ')}) FROM n;`;

const QUICK = 'PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;';

/**
 * What happens to the database, 0.1 % of its rows each time; `rows` is how many there are.
 *
 * @type {Record<string, (rows: number) => string>}
 */
export const CHANGES = {
  scattered: () => 'UPDATE measurement SET value = value * 1.25 WHERE id % 1000 = 17;',
  clustered: (rows) =>
    `UPDATE measurement SET value = value * 1.25 WHERE id BETWEEN ${rows / 2} AND ${rows / 2 + rows / 1000};`,
  appended: (rows) => insert(String(rows + 1), String(Math.floor(rows * 1.001))),
  vacuum: () => 'DELETE FROM measurement WHERE id % 1000 = 17; COMMIT; VACUUM; BEGIN;',
};

/**
 * Makes the files that are not there yet and gives their paths.
 *
 * @param {string} folder
 * @param {number} megabytes of the database
 * @param {string} name of a change, or `base`
 */
export function database(folder, megabytes, name) {
  const rows = Math.floor(megabytes * ROWS_A_MEGABYTE);
  return made(join(folder, `${name}-${megabytes}.sqlite`), (draft) => {
    const change = CHANGES[name];
    if (!change) {
      const table = `CREATE TABLE measurement(id INTEGER PRIMARY KEY, region TEXT, year INTEGER, value REAL, note TEXT);
        CREATE INDEX byYear ON measurement(year, id);`;
      sqlite(draft, `PRAGMA page_size = 4096; ${QUICK} BEGIN; ${table} ${insert('1', String(rows))} COMMIT;`);
      return;
    }
    copyFileSync(database(folder, megabytes, 'base'), draft);
    sqlite(draft, `${QUICK} BEGIN; ${change(rows)} COMMIT;`);
  });
}

/**
 * A CSV file, with one more row in its middle if asked for.
 *
 * @param {string} folder
 * @param {number} megabytes of the database beside it
 * @param {boolean} inserted
 */
export function csv(folder, megabytes, inserted) {
  const rows = Math.floor(megabytes * CSV_ROWS_A_MEGABYTE);
  return made(join(folder, `${inserted ? 'inserted' : 'rows'}-${megabytes}.csv`), (draft) => {
    const file = openSync(draft, 'w');
    for (let first = 0; first < rows; first += 10_000) {
      let text = '';
      for (let i = first; i < Math.min(rows, first + 10_000); i++) {
        if (inserted && i === Math.floor(rows / 2)) text += '-1,region,2026,0.5,inserted\n';
        const mix = (/** @type {number} */ salt) => (i * 48_271 + salt * 69_621 * (i % 977)) % 2_147_483_647;
        text += `${i},region${mix(1) % 4000},${1990 + (mix(2) % 61)},${mix(3) / 977},${mix(4)} ${mix(5)} ${mix(6)}\n`;
      }
      writeSync(file, text);
    }
    closeSync(file);
  });
}

/**
 * A file of any size that costs no disk and no time: holes, and a number at the start of each MiB, as the server in
 * discardingStore.ts makes it up for a download.
 *
 * @param {string} folder
 * @param {number} bytes
 */
export function sparse(folder, bytes) {
  return made(join(folder, `sparse-${bytes}.bin`), (draft) => {
    const file = openSync(draft, 'w');
    ftruncateSync(file, bytes);
    const number = Buffer.alloc(8);
    for (let at = 0; at + 8 <= bytes; at += MIB) {
      number.writeBigUInt64BE(BigInt(at / MIB + 1));
      writeSync(file, number, 0, 8, at);
    }
    closeSync(file);
  });
}

/** @param {string} path @param {(draft: string) => void} make */
function made(path, make) {
  if (!existsSync(path)) {
    make(`${path}.new`);
    renameSync(`${path}.new`, path);
  }
  return path;
}

/** @param {string} path @param {string} sql */
function sqlite(path, sql) {
  execFileSync('sqlite3', [path], { input: sql, stdio: ['pipe', 'ignore', 'inherit'] });
}
