import assert from 'node:assert/strict';
import { DataManagerError } from '../../../../src/core/errors';
import { columnAffinity, defaultValue } from '../../../../src/core/sqldiff/pages/defaultValue';
import { sqlTokens } from '../../../../src/core/sqldiff/pages/sqlTokens';
import { exactColumns, readRows } from '../../../../src/core/sqldiff/rowReader';
import { exactText } from '../../../support/exactness';
import { newSqlJs } from '../../../support/sqliteFixture';

const clauses = [
  'NULL 0 -1 +3 5 007 -007 1.0 1.5 -2.50 .5 5. 1e3 1E3 1e-7 -1e20 1e300 -0.0 0.1 0x10 -0x10 (7) ((-7)) (1e3) TRUE FALSE abc',
  "'' 'x' '12' '1.5' '-1e3' '1e' '12a' '0x10' '.' '5.' '.5' '+5' '-0' '1_0' x'00ff' x'31'",
  '9223372036854775807 9223372036854775808 -9223372036854775808 99999999999999999999 0.30000000000000004',
].flatMap((line) => line.split(' '));
const types = [
  '',
  'TEXT',
  'INTEGER',
  'REAL',
  'NUMERIC',
  'BLOB',
  'ANY',
  'VARCHAR(10)',
  'DOUBLE PRECISION',
  'DECIMAL(10,2)',
];

describe('defaultValue', () => {
  it('is what SQLite puts into rows that are older than the column', async () => {
    const sqlJs = await newSqlJs();
    let left = 0;
    for (const strict of [false, true]) {
      for (const type of strict ? ['ANY', 'TEXT', 'BLOB'] : types) {
        for (const clause of [...clauses, "' 12 '", "char(9)||'5'", '"quoted"', '(1+1)']) {
          const database = new sqlJs.Database();
          database.exec(`CREATE TABLE t(a INT)${strict ? ' STRICT' : ''}; INSERT INTO t VALUES(1)`);
          try {
            database.exec(`ALTER TABLE t ADD COLUMN b ${type} DEFAULT ${clause}`);
          } catch {
            database.close();
            continue; // no constant, or none that a STRICT column takes
          }
          const [row] = readRows(database, `SELECT ${exactColumns(['b'])} FROM t`, 1, 'UTF-8');
          database.close();
          try {
            const value = defaultValue(sqlTokens(clause), columnAffinity(type, strict)) ?? null;
            assert.equal(exactText(value), exactText(row?.[0] ?? null), `${type} DEFAULT ${clause}`);
          } catch (error) {
            if (!DataManagerError.is(error, 'DIFF_UNSUPPORTED')) throw error;
            left++;
          }
        }
      }
    }
    assert.ok(left < 40, `${left} left to SQLite`);
  });
});
