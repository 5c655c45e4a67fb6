import assert from 'node:assert/strict';
import { DataManagerError } from '../../../src/core/errors';
import { assertLazyFilesWork } from '../../../src/core/sqldiff/openDatabase';
import type { FileContents, SqlJs } from '../../../src/core/sqldiff/sqlJs';
import { newSqlJs } from '../../support/sqliteFixture';

describe('assertLazyFilesWork', () => {
  it('accepts the installed sql.js', async () => {
    assertLazyFilesWork(await newSqlJs());
  });

  it('refuses a build that copies the file at once, where writes would work', async () => {
    const { Database } = await newSqlJs();
    const copying = class extends Database {
      constructor(contents?: FileContents | Uint8Array) {
        super(contents && Uint8Array.from(contents.subarray(0, contents.length)));
      }
    };
    assert.throws(
      () => assertLazyFilesWork({ Database: copying } as SqlJs),
      (error) => DataManagerError.is(error, 'DIFF_UNSUPPORTED'),
    );
  });
});
