import type { Monitor } from '../progress';
import type { SidesLimits } from './documentPair';
import type { DiffSummary, RowChange, SchemaChange, TableHeader, TableSummary } from './model';
import type { DiffOverview } from './overview';

/** What a comparison is to give besides its summary. `limit` is in rows a table; null means all. */
export type DiffOutput =
  /** Nothing more. */
  | { readonly kind: 'summary' }
  /** Review text, through `onText`, with so many unchanged rows before and after each changed one (none by default). */
  | { readonly kind: 'text'; readonly limit: number | null; readonly contextRows?: number | undefined }
  /** A patch that turns before into after, through `onText`. */
  | { readonly kind: 'sql' }
  /** Text of a stored `.diff` file: summary always, the patch too while it has at most this many lines and bytes. */
  | { readonly kind: 'stored'; readonly maxLines: number; readonly maxBytes: number }
  /** Changed rows as data. */
  | { readonly kind: 'rows'; readonly limit: number | null }
  /** An overview, and pairs of documents for a side-by-side editor, cut at so many rows and bytes a side. */
  | ({ readonly kind: 'sides' } & SidesLimits);

export interface DiffRequest {
  /** Path of the older SQLite file; null compares with an empty database. */
  readonly before: string | null;
  /** Path of the newer SQLite file. */
  readonly after: string;
  /** How the two are called in headers, such as `utopia.sqlite@v1`. Never a path, so that texts are reproducible. */
  readonly labels: { readonly before: string; readonly after: string };
  /** Row keys declared in the manifest, by table. */
  readonly keys?: Readonly<Record<string, readonly string[]>> | undefined;
  /**
   * Paths of the block indexes of both files, which save reading what is the same; only for files that are named by their
   * SHA-256, as those in the cache are. One that is missing or does not fit its file is ignored.
   */
  readonly blockIndexes?: { readonly before: string; readonly after: string } | undefined;
  readonly output: DiffOutput;
}

export interface TableRows {
  readonly table: TableHeader;
  readonly counts: TableSummary;
  readonly rows: readonly RowChange[];
  /** Changed rows that `limit` left out. */
  readonly omitted: number;
}

/** Two texts for a diff editor; null is a side that does not exist (new or dropped table). */
export interface DocumentPair {
  /** Table name, or null for the schema. */
  readonly table: string | null;
  readonly before: string | null;
  readonly after: string | null;
  /** Changed rows before these, in these, and behind these, where the caps left them out. */
  readonly skipped: number;
  readonly shown: number;
  readonly omitted: number;
}

export interface DiffAnswer {
  readonly summary: DiffSummary;
  /** For `stored`: the whole text. */
  readonly stored?: { readonly text: string; readonly complete: boolean };
  /** For `rows`. */
  readonly rows?: { readonly schema: readonly SchemaChange[]; readonly tables: readonly TableRows[] };
  /** For `sides`: the schema first if it changed, then one pair a changed table, by name. */
  readonly sides?: readonly DocumentPair[];
  /** For `sides`. */
  readonly overview?: DiffOverview;
}

export interface DiffMonitor extends Monitor {
  /** Receives the text of `text` and `sql` in pieces, in order. */
  readonly onText?: ((piece: string) => void) | undefined;
}

/** A patch and what it is to lead from and to. */
export interface PatchRequest {
  /** Path of the SQLite file that the patch was made for. It is only read. */
  readonly base: string;
  /** Path of the patch: SQL as the output `sql` gives it. */
  readonly patch: string;
  /** Path of the file to write. */
  readonly target: string;
  /** Content hash that the result must have. */
  readonly contentHash: string;
}

/**
 * Compares two files: SQLite databases row by row, texts line by line, others by size and hash (see DiffSummary). Implemented by the worker thread (src/worker), so that no shell's main thread is blocked.
 *
 * Throws NOT_SQLITE when only one is a database or SQL is asked of other files, SQLITE_DAMAGED, DIFF_UNSUPPORTED, FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE,
 * FILE_HAS_JOURNAL, FILE_CHANGED, CANCELLED.
 */
export interface DiffEngine {
  compare(request: DiffRequest, monitor?: DiffMonitor): Promise<DiffAnswer>;
  /**
   * The hash of what a SQLite file says, see contentHash.ts; null for a file that is none or that can't be read as one.
   * Progress comes in bytes, as phase `hash`.
   *
   * Throws FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL, FILE_CHANGED, CANCELLED.
   */
  contentHash(path: string, monitor?: Monitor): Promise<string | null>;
  /**
   * Applies a patch to a copy of a SQLite file, see applyPatch.ts. `target` appears, or is replaced, only when the result is
   * right; it may be `base` itself. Progress comes in bytes, as phase `hash`.
   *
   * Throws HASH_MISMATCH (`data`: expected, actual), DIFF_UNSUPPORTED (too large, or the patch does not fit), OUTPUT_UNWRITABLE,
   * DISK_FULL, NOT_SQLITE, SQLITE_DAMAGED, FILE_NOT_FOUND, FILE_NOT_REGULAR, FILE_EMPTY, FILE_UNREADABLE, FILE_HAS_JOURNAL,
   * FILE_CHANGED, CANCELLED.
   */
  applyPatch(request: PatchRequest, monitor?: Monitor): Promise<void>;
  /** Ends the worker. */
  dispose(): Promise<void>;
}
