import { readFile } from 'node:fs/promises';
import initSqlJs from 'sql.js';
import { DataManagerError } from '../errors';

/** What sql.js gives for a column with `useBigInt`: INTEGER as bigint, REAL as number. */
export type RawValue = null | bigint | number | string | Uint8Array;

export interface SqlStatement {
  step(): boolean;
  get(params: null, options: { readonly useBigInt: true }): RawValue[];
  free(): boolean;
}

export interface SqlConnection {
  /** Name of the file in the instance's own file system; what ATTACH takes. */
  readonly filename: string;
  prepare(sql: string): SqlStatement;
  exec(sql: string): unknown;
  create_function(name: string, body: (text: string) => Uint8Array): unknown;
  close(): void;
}

/** Bytes as sql.js's in-memory file system uses them: see lazyFile.ts. */
export interface FileContents {
  readonly length: number;
  slice(): FileContents;
  subarray(start: number, end: number): Uint8Array;
}

/** One WebAssembly instance of SQLite: databases can ATTACH each other only inside the same one. */
export interface SqlJs {
  readonly Database: new (contents?: FileContents | Uint8Array) => SqlConnection;
}

/**
 * Reads sql.js's WebAssembly file once and returns a function that makes fresh instances of it. An instance a comparison is
 * worth the 20 milliseconds: its memory never shrinks, and a read that throws unwinds WebAssembly frames and leaves the
 * instance unusable.
 *
 * Throws DIFF_UNSUPPORTED when the file can't be read.
 *
 * @example
 * const newSqlJs = await loadSqlJs('dist/sql-wasm.wasm');
 * const sqlJs = await newSqlJs();
 */
export async function loadSqlJs(wasmPath: string): Promise<() => Promise<SqlJs>> {
  let wasmBinary: Uint8Array;
  try {
    wasmBinary = await readFile(wasmPath);
  } catch (cause) {
    throw new DataManagerError('DIFF_UNSUPPORTED', 'SQLite (sql-wasm.wasm) could not be loaded.', {
      hint: 'Reinstall Data Manager.',
      cause,
    });
  }
  // The published types lack `filename`, the options of `get`, and file contents that are no array.
  return async () => (await initSqlJs({ wasmBinary: wasmBinary as never })) as unknown as SqlJs;
}
