import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { SqlConnection, SqlJs } from '../../src/core/sqldiff/sqlJs';
import { loadSqlJs } from '../../src/core/sqldiff/sqlJs';
import { tempDir } from './tempDir';

/** The WebAssembly file of the installed sql.js. */
export const wasmPath = join(
  dirname(createRequire(join(process.cwd(), 'package.json')).resolve('sql.js')),
  'sql-wasm.wasm',
);

type WritableConnection = SqlConnection & { export(): Uint8Array };

let instances: Promise<() => Promise<SqlJs>> | undefined;

/** A fresh instance of sql.js. */
export async function newSqlJs(): Promise<SqlJs> {
  instances ??= loadSqlJs(wasmPath);
  return (await instances)();
}

/** Makes a SQLite file from SQL, optionally on top of another one, and gives its path. */
export async function makeSqlite(
  sql: string,
  options: { readonly from?: string; readonly path?: string } = {},
): Promise<string> {
  const sqlJs = await newSqlJs();
  const database = new sqlJs.Database(
    options.from === undefined ? undefined : readFileSync(options.from),
  ) as WritableConnection;
  database.exec(sql);
  const path = options.path ?? join(tempDir(), 'data.sqlite');
  writeFileSync(path, database.export());
  database.close();
  return path;
}
