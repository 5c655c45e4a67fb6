import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyPatch } from '../../src/core/sqldiff/applyPatch';
import { compareByBestForm } from '../../src/core/sqldiff/compareByPages';
import { contentHashOf } from '../../src/core/sqldiff/hashContent';
import { queryAll } from '../../src/core/sqldiff/openDatabase';
import { exactText, openWitness, rowsOf, type Witness } from './exactness';
import { newSqlJs } from './sqliteFixture';

const quiet = { isCancelled: () => false, onProgress: () => undefined };

export interface PatchCheck {
  readonly from: string;
  readonly to: string;
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Where the patch and the patched file go. */
  readonly folder: string;
}

/** Writes the patch between two files as `datamanager diff --sql` does, and gives its path. */
export async function writePatch({ from, to, keys, folder }: PatchCheck): Promise<string> {
  const pieces: string[] = [];
  const request = {
    before: from,
    after: to,
    keys,
    labels: { before: 'a', after: 'b' },
    output: { kind: 'sql' },
  } as const;
  const hooks = { ...quiet, onText: (piece: string) => void pieces.push(piece) };
  await compareByBestForm(request, hooks, { tempFolder: folder }, newSqlJs);
  const patch = join(folder, 'patch.sql');
  writeFileSync(patch, pieces.join(''));
  return patch;
}

/**
 * Demands that the patch between two files, applied to the first, gives the second: by the content hash, and by what SQLite
 * itself reads: every row, every definition, both version numbers of the header, and an intact file.
 */
export async function assertPatchLeads(check: PatchCheck): Promise<void> {
  const { from, to, folder } = check;
  const patch = await writePatch(check);
  const target = join(folder, 'patched.sqlite');
  rmSync(target, { force: true });
  applyPatch(await newSqlJs(), { base: from, patch, target, contentHash: contentHashOf(to, quiet) }, quiet);
  await assertSameContents(target, to);
}

/** Demands that SQLite reads the same from two files. */
export async function assertSameContents(path: string, expectedPath: string): Promise<void> {
  const [actual, expected] = [await witnessOf(path), await witnessOf(expectedPath)];
  try {
    assert.deepEqual(definitions(actual), definitions(expected));
    assert.deepEqual(headerNumbers(actual), headerNumbers(expected));
    const sameEncoding = actual.database.encoding === expected.database.encoding;
    for (const table of expected.schema.tables.values()) {
      if (table.virtual) continue;
      const found = [...rowsOf(actual, table)].map((row) => row.map(exactText).join('|')).sort();
      const wanted = [...rowsOf(expected, table)].map((row) => row.map(exactText).join('|')).sort();
      if (sameEncoding) assert.deepEqual(found, wanted, table.name);
      else assert.equal(found.length, wanted.length, table.name);
    }
    assert.deepEqual(queryAll(actual.database.connection, 'PRAGMA integrity_check'), [['ok']]);
  } finally {
    actual.database.connection.close();
    expected.database.connection.close();
  }
}

async function witnessOf(path: string): Promise<Witness> {
  return openWitness(await newSqlJs(), readFileSync(path));
}

function definitions({ schema }: Witness): readonly string[] {
  return schema.entries.map(({ type, name, table, sql }) => [type, name, table, sql].join('\n')).sort();
}

function headerNumbers({ database: { connection } }: Witness): unknown[] {
  return ['user_version', 'application_id'].map((name) => queryAll(connection, `PRAGMA ${name}`));
}
