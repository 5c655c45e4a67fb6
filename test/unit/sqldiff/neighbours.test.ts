import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { compareByPages } from '../../../src/core/sqldiff/compareByPages';
import { compareFiles } from '../../../src/core/sqldiff/compareFiles';
import type { DiffOutput, DiffRequest } from '../../../src/core/sqldiff/diffEngine';
import { LazyFile } from '../../../src/core/sqldiff/lazyFile';
import type { Row } from '../../../src/core/sqldiff/model';
import { queryAll } from '../../../src/core/sqldiff/openDatabase';
import { makeSqlite, newSqlJs } from '../../support/sqliteFixture';

const numbers = (count: number): string =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<${count}) SELECT i FROM n`;
const words = `CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t SELECT i, 'v'||i FROM (${numbers(100)});`;

/** Tables whose rows are found by a number `u` that never changes, and the order of their keys. */
const orders = [
  { name: 'rowid', create: 'CREATE TABLE t(a INTEGER PRIMARY KEY, b, c, v, u)', order: 'a' },
  { name: 'composite key', create: 'CREATE TABLE t(a, b, c, v, u, PRIMARY KEY(a, b, c))', order: 'a, b, c' },
  {
    name: 'WITHOUT ROWID, collations, descending',
    create: 'CREATE TABLE t(a COLLATE NOCASE, b COLLATE RTRIM, c, v, u, PRIMARY KEY(b, a DESC, c)) WITHOUT ROWID',
    order: 'b, a, c',
  },
  {
    name: 'unique index',
    create: 'CREATE TABLE t(a NOT NULL, b NOT NULL COLLATE NOCASE, c, v, u); CREATE UNIQUE INDEX i ON t(b DESC, a)',
    order: 'b, a',
  },
  {
    name: 'typed columns',
    create: 'CREATE TABLE t(a TEXT, b REAL, c INT, v, u, PRIMARY KEY(c, b, a))',
    order: 'c, b, a',
  },
  { name: 'declared, without an index', create: 'CREATE TABLE t(a, b, c, v, u)', order: 'a, b, c' },
  {
    name: 'UTF-16',
    create: "PRAGMA encoding='UTF-16le'; CREATE TABLE t(a TEXT, b TEXT, c, v, u, PRIMARY KEY(a, b, c))",
    order: 'a, b, c',
  },
];

describe('neighbouring rows', () => {
  it('stand around a changed row, the same on both sides', async () => {
    const { before, after } = await documents(words, "UPDATE t SET v='x' WHERE id=50", 2);
    assert.deepEqual(before, ['id  v', '48  v48', '49  v49', '50  v50', '51  v51', '52  v52']);
    assert.deepEqual(after, ['id  v', '48  v48', '49  v49', '50  x', '51  v51', '52  v52']);
  });

  it('are not repeated where two changes are close, and leave a mark where they are not', async () => {
    const { after } = await documents(
      words,
      "UPDATE t SET v='x' WHERE id IN (1, 7, 14, 99); DELETE FROM t WHERE id=40",
      3,
    );
    const ids = [
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      9,
      10,
      11,
      12,
      13,
      14,
      15,
      16,
      17,
      '⋯',
      37,
      38,
      39,
      41,
      42,
      43,
      '⋯',
      96,
      97,
      98,
    ];
    assert.deepEqual(
      keys(after),
      [...ids, 99, 100].map(String),
      'one row alone is shown rather than a mark in its place',
    );
  });

  it('are none that changed: an inserted or deleted row is there as such only', async () => {
    const changes = 'INSERT INTO t VALUES(200, 2), (201, 2); DELETE FROM t WHERE id IN (100, 98)';
    const { before, after } = await documents(words, changes, 1);
    assert.deepEqual(keys(before), ['97', '98', '99', '100']);
    assert.deepEqual(keys(after), ['97', '99', '200', '201']);
  });

  it('leave columns blank that only one side has', async () => {
    const changes = "ALTER TABLE t ADD COLUMN w DEFAULT 7; UPDATE t SET v='x' WHERE id=3";
    const { before, after } = await documents(words, changes, 1);
    assert.deepEqual(before, ['id  v', ' 2  v2', ' 3  v3', ' 4  v4']);
    assert.deepEqual(after, ['id  v   w', ' 2  v2', ' 3  x   7', ' 4  v4']);
  });

  it('are said to be missing where rows have no key', async () => {
    const { before, after } = await documents(
      "CREATE TABLE t(v); INSERT INTO t VALUES('a'),('b'),('c')",
      "UPDATE t SET v='d' WHERE v='b'",
      1,
    );
    const note = '... rows have no key: there are no neighbouring rows to show';
    assert.deepEqual(
      [before, after],
      [
        ['v', note, 'b'],
        ['v', note, 'd'],
      ],
    );
  });

  it('end where the file is damaged, and the changed rows are shown all the same', async () => {
    const pair = await files(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t SELECT i, printf('%.900c', 'x') FROM (${numbers(100)})`,
      "UPDATE t SET v='y' WHERE id IN (20, 60)",
    );
    const pageSize = 4096;
    for (const path of [pair.before, pair.after]) {
      const bytes = readFileSync(path);
      // The leaf that holds row 62: the only page with a cell of that rowid (payload size 904, varint 87 08).
      const cell = bytes.indexOf(Buffer.from([0x87, 0x08, 62]));
      assert.ok(cell > 0);
      bytes.fill(0, Math.floor(cell / pageSize) * pageSize, Math.ceil(cell / pageSize) * pageSize);
      writeFileSync(path, bytes);
    }
    const output = { kind: 'sides', maxRows: 100, maxBytes: 100_000, contextRows: 5 } as const;
    const options = { tempFolder: tmpdir(), sqlJs: await newSqlJs() };
    const { sides } = compareByPages({ ...pair, output }, hooks, options);
    const shown = keys((sides?.[0]?.after ?? '').split('\n'));
    assert.deepEqual([shown.includes('15'), shown.includes('20'), shown.includes('60')], [true, true, true]);
    assert.match(sides?.[0]?.after ?? '', /\n\.\.\. this table cannot be read by its key/);
  });

  it('go on from page to page', async () => {
    const pair = await files(words, "UPDATE t SET v='x' WHERE id IN (10, 11, 12, 13, 30, 32, 33, 34, 35, 50)");
    const shown: string[][] = [];
    for (const skip of [0, 5]) {
      const output = { kind: 'sides', maxRows: 5, maxBytes: 1000, contextRows: 1, page: { table: 't', skip } } as const;
      const { sides } = compareByPages({ ...pair, output }, hooks, { tempFolder: tmpdir(), sqlJs: await newSqlJs() });
      shown.push(keys((sides?.[0]?.after ?? '').split('\n')));
    }
    assert.deepEqual(shown, [
      ['9', '10', '11', '12', '13', '14', '⋯', '29', '30', '31', '...'],
      ['...', '31', '32', '33', '34', '35', '36', '⋯', '49', '50', '51'],
    ]);
  });

  it('stop at the limits of a page', async () => {
    const output = { kind: 'sides', maxRows: 10, maxBytes: 10_000, contextRows: 3 } as const;
    const pair = await files(words, "UPDATE t SET v='x' WHERE id % 10 = 0");
    const { sides } = compareFiles(await newSqlJs(), { ...pair, output }, hooks);
    const lines = (sides?.[0]?.after ?? '').split('\n').slice(1);
    assert.equal(lines.filter((line) => /v\d/.test(line)).length, 10);
    assert.equal(lines.filter((line) => /x$/.test(line)).length, 10);
    assert.equal(lines.filter((line) => line.startsWith('... neighbouring rows end here')).length, 1);
  });

  it('stand in the review text too', async () => {
    const pair = await files(words, "UPDATE t SET v='x' WHERE id IN (3, 50, 70)");
    const text = await review(pair, { kind: 'text', limit: 2, contextRows: 1 });
    assert.deepEqual(text.slice(text.indexOf('table t (key: id)') + 1, -1), [
      '    id=2  v=v2',
      '  ~ id=3  v: v3 -> x',
      '    id=4  v=v4',
      '  ⋯',
      '    id=49  v=v49',
      '  ~ id=50  v: v50 -> x',
      '    id=51  v=v51',
      '  ... 1 more rows',
    ]);
    const whole = await review(pair, { kind: 'text', limit: null, contextRows: 1 });
    assert.deepEqual(whole.slice(whole.indexOf('  ~ id=70  v: v70 -> x')).slice(0, 2), [
      '  ~ id=70  v: v70 -> x',
      '    id=71  v=v71',
    ]);
  });

  it('cost a seek, not a scan of the table', async () => {
    const pair = await files(
      `CREATE TABLE t(a TEXT, b INT, v, PRIMARY KEY(a, b)) WITHOUT ROWID; INSERT INTO t SELECT 'k'||(i % 100), i, hex(randomblob(100)) FROM (${numbers(30_000)})`,
      "UPDATE t SET v='x' WHERE a='k50' AND b%10000=50",
    );
    const readBytes = async (contextRows: number): Promise<number> => {
      let most = 0;
      const original = LazyFile.prototype.subarray;
      LazyFile.prototype.subarray = function (start, end) {
        most += end - start;
        return original.call(this, start, end);
      };
      try {
        const output = { kind: 'sides', maxRows: 10, maxBytes: 10_000, contextRows } as const;
        compareByPages({ ...pair, output }, hooks, { tempFolder: tmpdir(), sqlJs: await newSqlJs() });
      } finally {
        LazyFile.prototype.subarray = original;
      }
      return most;
    };
    const bytes = await readBytes(3);
    assert.ok(bytes > 0 && bytes < 1_000_000, `${bytes} bytes of some 7 MB were read`);
  });

  for (const { name, create, order } of orders) {
    it(`are those that SQLite's order gives: ${name}`, async () => {
      for (let seed = 1; seed <= 8; seed++) await checkAgainstOrder(create, order, seed);
    }).timeout(60_000);
  }
});

/** Compares what both forms of a comparison show with a table of the rows of both sides that SQLite puts in order. */
async function checkAgainstOrder(create: string, order: string, seed: number): Promise<void> {
  const random = generator(seed);
  const pick = (values: readonly string[]): string => values[Math.floor(random() * values.length)] ?? '0';
  const row = (u: number): string => {
    const key = [
      create.includes('INTEGER PRIMARY KEY') ? `${(u * 7) % 101}` : pick(values),
      pick(values),
      pick(values),
    ];
    return `INSERT OR IGNORE INTO t VALUES(${key.join(', ')}, 'old', ${u});`;
  };
  const rows = Array.from({ length: 60 }, (_, u) => row(u)).join('');
  // Neither a declared key nor a NULL is kept from repeating by the table itself.
  const distinct = /WITHOUT|UNIQUE/.test(create)
    ? ''
    : `DELETE FROM t WHERE u NOT IN (SELECT min(u) FROM t GROUP BY ${order});`;
  const some = [1, 2, 3, 4].map(() => Math.floor(random() * 60));
  const pair = await files(
    `${create}; ${rows} ${distinct}`,
    `UPDATE t SET v='new' WHERE u IN (${some.slice(1)}); DELETE FROM t WHERE u = ${some[0]}; ${row(60)} ${row(61)} ${distinct}`,
  );
  const keys = /PRIMARY|UNIQUE/.test(create) ? undefined : { t: ['a', 'b', 'c'] };
  const request = { ...pair, keys, output: { kind: 'sides', maxRows: 1000, maxBytes: 1e6, contextRows: 2 } } as const;
  const { sides: [bySql] = [] } = compareFiles(await newSqlJs(), request, hooks);
  const options = { tempFolder: tmpdir(), sqlJs: await newSqlJs() };
  const { sides: [byPages] = [] } = compareByPages(request, hooks, options);
  const { rows: changed } = compareFiles(
    await newSqlJs(),
    { ...request, output: { kind: 'rows', limit: null } },
    hooks,
  );
  assert.deepEqual(byPages, bySql);
  const table = changed?.tables[0];
  if (!table) return;
  assert.notEqual(table.table.key.kind, 'content');
  const numberOf = (values: Row | null): string | undefined => values?.[4]?.toString();
  const changes = new Set(table.rows.map(({ before, after }) => numberOf(after ?? before)));
  const deleted = table.rows.flatMap(({ kind, before }) => (kind === 'delete' ? (numberOf(before) ?? []) : []));
  const everything = await ordered(pair, deleted, order);
  const shown = withNeighbours(everything, changes, 2).filter((u) => !deleted.includes(u));
  const lines = (bySql?.after ?? '').split('\n').slice(1);
  assert.deepEqual(
    lines.map((line) => line.split(' ').at(-1)),
    shown,
    `seed ${seed}`,
  );
}

const values = [
  ...['NULL', '1', '2', '2.5', "'1'", "'a'", "'A'", "'B'", "'b '", "'b'", "'é'", "'😀'", "'\ufffd'"],
  ...["'z'", "x'00'", "x'7a'", '9007199254740993', '9007199254740992.0', "''", '-1', '9e999'],
];

/** The numbers `u` of all rows of the newer file and of those that were deleted, in order. */
async function ordered(pair: { before: string; after: string }, deleted: string[], order: string): Promise<string[]> {
  const { Database } = await newSqlJs();
  const [older, newer] = [new Database(readFileSync(pair.before)), new Database(readFileSync(pair.after))];
  newer.exec(`ATTACH '${older.filename}' AS older`);
  newer.exec(`INSERT INTO main.t SELECT * FROM older.t WHERE u IN (${deleted.join(', ')})`);
  return queryAll(newer, `SELECT u FROM main.t ORDER BY ${order}`).map(([u]) => String(u));
}

function withNeighbours(all: readonly string[], changes: ReadonlySet<string | undefined>, count: number): string[] {
  const places = all.flatMap((u, at) => (changes.has(u) ? [at] : []));
  const shown: string[] = [];
  for (const [n, at] of places.entries()) {
    const last = places[n - 1];
    if (last === undefined) shown.push(...all.slice(Math.max(0, at - count), at));
    else if (at - last - 1 <= 2 * count + 1) shown.push(...all.slice(last + 1, at));
    else shown.push(...all.slice(last + 1, last + 1 + count), '⋯', ...all.slice(at - count, at));
    shown.push(all[at] ?? '');
  }
  const last = places.at(-1);
  return last === undefined ? shown : [...shown, ...all.slice(last + 1, last + 1 + count)];
}

function generator(seed: number): () => number {
  let state = seed * 2654435761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 374761393) >>> 0;
    return state / 2 ** 32;
  };
}

const hooks = { isCancelled: () => false, onProgress: () => undefined, onText: () => undefined };

type Files = Pick<DiffRequest, 'before' | 'after' | 'labels'>;

async function files(before: string, changes: string): Promise<Files & { readonly before: string }> {
  const older = await makeSqlite(before);
  return { before: older, after: await makeSqlite(changes, { from: older }), labels: { before: 'v1', after: 'v2' } };
}

/** Lines of both documents of the table `t`. */
async function documents(before: string, changes: string, contextRows: number) {
  const output = { kind: 'sides', maxRows: 1000, maxBytes: 1e6, contextRows } as const;
  const request = { ...(await files(before, changes)), output };
  const { sides } = compareByPages(request, hooks, { tempFolder: tmpdir(), sqlJs: await newSqlJs() });
  const pair = sides?.find(({ table }) => table === 't');
  return { before: (pair?.before ?? '').split('\n'), after: (pair?.after ?? '').split('\n') };
}

/** The first cell of each row. */
function keys(lines: readonly string[]): string[] {
  return lines.slice(1).map((line) => line.trim().split(' ')[0] ?? '');
}

async function review(pair: Files, output: DiffOutput): Promise<string[]> {
  let text = '';
  const onText = (piece: string): void => {
    text += piece;
  };
  compareFiles(await newSqlJs(), { ...pair, output }, { ...hooks, onText });
  return text.split('\n');
}
