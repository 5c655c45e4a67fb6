import assert from 'node:assert/strict';
import { compareFiles } from '../../../src/core/sqldiff/compareFiles';
import { definitionLines } from '../../../src/core/sqldiff/definitionText';
import type { DiffAnswer, DocumentPair } from '../../../src/core/sqldiff/diffEngine';
import { type OverviewPair, overviewText } from '../../../src/core/sqldiff/overviewText';
import { makeSqlite, newSqlJs } from '../../support/sqliteFixture';

const limits = { maxRows: 5000, maxBytes: 2 * 1024 * 1024 };

describe('documents of a side-by-side editor', () => {
  it('put the key first, then what changed, at the same places on both sides', async () => {
    const { sides } = await compare(
      "CREATE TABLE t(note TEXT, cost REAL, year INT, region TEXT, PRIMARY KEY(region, year)); INSERT INTO t VALUES('n',1.5,2030,'NORD'),('n',2.5,2040,'NORD')",
      'ALTER TABLE t ADD COLUMN rate REAL; UPDATE t SET cost=10.25, rate=0.5 WHERE year=2030',
    );
    assert.deepEqual(texts(sides, 't'), [
      ['region  year   cost  rate  note', 'NORD    2030   1.5         n'].join('\n').replace('rate', '    '),
      ['region  year   cost  rate  note', 'NORD    2030  10.25   0.5  n'].join('\n'),
    ]);
  });

  it('show a changed cell within fifty characters, however many columns there are', async () => {
    const columns = Array.from({ length: 60 }, (_, i) => `c${i}`);
    const { sides } = await compare(
      `CREATE TABLE t(region TEXT, tech TEXT, vintage INT, ${columns.join(', ')}, PRIMARY KEY(region, tech, vintage));
       INSERT INTO t(region, tech, vintage, c57) VALUES('KUESTE', 'HYDRO_RESERVOIR', 2050, 1)`,
      'UPDATE t SET c57 = 2',
    );
    for (const [text, value] of [
      [texts(sides, 't')[0], '1'],
      [texts(sides, 't')[1], '2'],
    ]) {
      const [names = '', row = ''] = (text ?? '').split('\n');
      const place = names.indexOf('c57');
      assert.ok(place > 0 && place < 50, names);
      assert.equal(row[place + 'c57'.length - 1], value);
    }
  });

  it('tell apart what looks alike', async () => {
    const values = [
      'NULL',
      "''",
      "'NULL'",
      '1',
      '1.0',
      "'1'",
      "x'31'",
      "'a'||char(10)||'b'",
      "'a\\nb'",
      "'a'||char(0)||'b'",
      "'a b'",
      "'a  b'",
      "'a '",
      "printf('%.*c', 300, 'x')||'1'",
      "printf('%.*c', 300, 'x')||'2'",
      'zeroblob(100)',
      "x'00'||zeroblob(100)",
    ];
    for (const before of values) {
      for (const after of values.filter((value) => value !== before)) {
        const { sides } = await compare(
          `CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1, ${before})`,
          `UPDATE t SET v = ${after}`,
        );
        const [left = '', right = ''] = texts(sides, 't').map((text) => (text ?? '').split('\n')[1]);
        assert.notEqual(left, right, `${before} and ${after}`);
        assert.doesNotMatch(`${left}${right}`, /[\0\n\r]/);
      }
    }
  }).timeout(60_000);

  it('come in pages, all with the same columns, until every changed row was shown', async () => {
    const pair = await files(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); CREATE TABLE u(x PRIMARY KEY);
       INSERT INTO t SELECT value, value, value FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1 FROM n WHERE value<25) SELECT value FROM n)`,
      'UPDATE t SET a = -a; UPDATE t SET b = -b WHERE id = 25; INSERT INTO u VALUES(1)',
    );
    const seen: string[] = [];
    let skip = 0;
    for (let page = 0; page < 3; page++) {
      const output = { kind: 'sides', maxRows: 10, maxBytes: 10_000, page: { table: 't', skip } } as const;
      const { sides = [] } = compareFiles(await newSqlJs(), { ...pair, output }, hooks);
      assert.deepEqual(
        sides.map(({ table, skipped, shown, omitted }) => ({ table, skipped, shown, omitted })),
        [{ table: 't', skipped: skip, shown: page === 2 ? 5 : 10, omitted: [15, 5, 0][page] }],
      );
      const [names, ...rows] = (sides[0]?.after ?? '').split('\n');
      assert.match(names ?? '', /^id +a +b/, 'b changes in the last row only, yet stands where it does there');
      if (page > 0) assert.equal(rows.shift(), `... ${skip} rows before these`);
      if (page < 2) assert.equal(rows.pop(), `... ${[15, 5][page]} rows more`);
      seen.push(...rows.map((row) => row.trim().split(' ')[0] ?? ''));
      skip += sides[0]?.shown ?? 0;
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 25 }, (_, i) => String(i + 1)),
    );
  });

  it('have lines in common between many changed rows, so that the editor never compares one huge block', async () => {
    const { sides } = await compare(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t SELECT value, value FROM
        (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1 FROM n WHERE value<60) SELECT value FROM n)`,
      'UPDATE t SET v = -v; DELETE FROM t WHERE id = 3',
    );
    const [before = [], after = []] = texts(sides, 't').map((text) => (text ?? '').split('\n'));
    const common = before.filter((line) => after.includes(line));
    assert.deepEqual(common, ['id    v', '... row 26', '... row 51']);
    assert.equal(before.indexOf('... row 26'), 26);
    assert.equal(after.indexOf('... row 26'), 25);
  });

  it('hold one row at least, however large it is', async () => {
    const pair = await files(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,''),(2,'')",
      "UPDATE t SET v = printf('%.*c', 150, 'x')",
    );
    const output = { kind: 'sides', maxRows: 10, maxBytes: 20 } as const;
    const { sides } = compareFiles(await newSqlJs(), { ...pair, output }, hooks);
    assert.deepEqual([sides?.[0]?.shown, sides?.[0]?.omitted], [1, 1]);
  });
});

describe('the summary document', () => {
  it('says what changed, in lines that correspond', async () => {
    const answer = await compare(
      `CREATE TABLE cost(tech TEXT, year INT, eur REAL, PRIMARY KEY(tech, year)); CREATE TABLE old(a); CREATE INDEX i ON cost(year);
       INSERT INTO cost VALUES('PV',2030,100.0),('PV',2040,50.0),('WIND',2030,0),('COAL',2030,7)`,
      `UPDATE cost SET eur = 110.0 WHERE tech='PV' AND year=2030; UPDATE cost SET eur = 25 WHERE tech='PV' AND year=2040;
       UPDATE cost SET eur = 3.5 WHERE tech='WIND'; DELETE FROM cost WHERE tech='COAL'; ALTER TABLE cost ADD COLUMN note TEXT; DROP TABLE old; DROP INDEX i;
       CREATE INDEX j ON cost(eur)`,
    );
    const { before, after, places } = summary(answer);
    assert.equal(
      after,
      [
        'v2',
        '3 rows updated, 1 deleted',
        '4 schema changes',
        '',
        'Schema: dropped',
        '',
        'Schema: changed',
        '  ~ table cost',
        '      + note TEXT',
        '',
        'Schema: new',
        '  + index j on cost',
        '',
        'Rows',
        '  cost  3  ~3 -1',
        '  old   0',
        '',
        'Changed columns',
        '  cost',
        '    eur  3 cells  -50.0 to +10.0 %',
        '',
        'Largest shifts by percent',
        '  cost.eur',
        '     25.0  -50.0 %  PV, 2040',
        '    110.0  +10.0 %  PV, 2030',
        '',
        'Other large shifts by amount',
        '  cost.eur',
        '    3.5  +3.5  WIND, 2030',
        '',
        'Rows are paired by',
        '  cost  tech, year (primary key)',
        '  old   their whole content',
      ].join('\n'),
    );
    assert.match(before, /\n {2}cost {2}4\n/);
    assert.match(
      before,
      /Schema: dropped\n {2}- table old\n {2}- index i on cost\n\nSchema: changed\n {2}~ table cost\n\n/,
    );
    assert.match(before, /\n {5}50\.0 {2}-50\.0 % {2}PV, 2040\n/);
    assert.deepEqual(names(after, places.after), ['cost', 'old']);
    assert.deepEqual(names(before, places.before), ['cost', 'old']);
  });

  it('lists the ten greatest, greatest first', async () => {
    const answer = await compare(
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v INT); INSERT INTO t SELECT value, 1000 FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value+1 FROM n WHERE value<50) SELECT value FROM n)',
      'UPDATE t SET v = v + (id * 37) % 50',
    );
    const { relative } = answer.overview?.shifts ?? {};
    assert.deepEqual(
      relative?.map(({ change }) => change),
      [49, 48, 47, 46, 45, 44, 43, 42, 41, 40],
    );
    assert.doesNotMatch(summary(answer).after, /Other large shifts/, 'the same cells are not listed twice');
  });

  it('says "all" of a table whose rows were all updated, and no number of rows that nobody counted', async () => {
    const answer = await compare(
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES(1,1),(2,2)',
      'UPDATE t SET v=9',
    );
    assert.match(summary(answer).after, /\n {2}t {2}2 {2}~all\n/);
    const tables = answer.summary.tables.map((table) => ({ ...table, unchanged: null }));
    const uncounted = summary({ ...answer, summary: { ...answer.summary, tables } });
    assert.match(uncounted.before, /\nRows\n {2}t\n/);
    assert.match(uncounted.after, /\nRows\n {2}t {2}~2\n/);
  });

  it('is exact with integers that a double could not hold', async () => {
    const answer = await compare(
      'CREATE TABLE t(id INTEGER PRIMARY KEY, v INT); INSERT INTO t VALUES(1, 9007199254740993)',
      'UPDATE t SET v = 9007199254740994',
    );
    assert.equal(answer.overview?.shifts.absolute[0]?.change, 1);
  });
});

describe('definitionLines', () => {
  it('writes a view that stands on one line a clause and a column a line', () => {
    const sql =
      "CREATE VIEW v AS SELECT a, f(b, c) x FROM t LEFT JOIN u ON t.a = u.a WHERE k = 'from, here' ORDER BY a";
    assert.deepEqual(definitionLines(sql), [
      'CREATE VIEW v AS',
      'SELECT a,',
      '  f(b, c) x',
      'FROM t',
      'LEFT JOIN u ON t.a = u.a',
      "WHERE k = 'from, here'",
      'ORDER BY a',
    ]);
    const written = 'CREATE VIEW v AS\n SELECT a,\n b FROM t';
    assert.deepEqual(definitionLines(written), written.split('\n'));
  });
});

const hooks = { isCancelled: () => false, onProgress: () => undefined, onText: () => undefined };

async function files(before: string, changes: string) {
  const older = await makeSqlite(before);
  return { before: older, after: await makeSqlite(changes, { from: older }), labels: { before: 'v1', after: 'v2' } };
}

async function compare(before: string, changes: string): Promise<DiffAnswer> {
  const request = { ...(await files(before, changes)), output: { kind: 'sides', ...limits } } as const;
  return compareFiles(await newSqlJs(), request, hooks);
}

function summary({ summary: counts, overview }: DiffAnswer): OverviewPair {
  return overviewText({ before: 'v1', after: 'v2' }, counts, overview ?? null);
}

function texts(sides: readonly DocumentPair[] | undefined, table: string): (string | null | undefined)[] {
  const pair = sides?.find((candidate) => candidate.table === table);
  return [pair?.before, pair?.after];
}

function names(text: string, places: OverviewPair['places']['after']): string[] {
  const lines = text.split('\n');
  return places.map(({ line, start, end }) => lines[line]?.slice(start, end) ?? '');
}
