/** Every way in which an operation can fail that a person can act on. Shells branch on the code, never on the message. */
export type ErrorCode =
  // the repository and its files
  | 'REPOSITORY_NOT_FOUND'
  | 'REPOSITORY_EXISTS'
  | 'REPOSITORY_BUSY'
  | 'REPOSITORY_UNSUPPORTED'
  | 'GIT_MISSING'
  | 'GIT_FAILED'
  | 'GIT_IDENTITY_MISSING'
  | 'GIT_OPERATION_IN_PROGRESS'
  | 'HOOK_REFUSED'
  | 'PATH_DIRTY'
  | 'REF_MOVED'
  | 'COMMIT_NOT_FOUND'
  | 'PUSH_REJECTED'
  | 'BRANCH_DIVERGED'
  | 'CONFIRMATION_NEEDED'
  | 'DATASET_CONFLICT'
  // the catalog
  | 'MANIFEST_INVALID'
  | 'SETTINGS_INVALID'
  | 'NAME_INVALID'
  | 'REFERENCE_INVALID'
  | 'REFERENCE_AMBIGUOUS'
  | 'DATASET_NOT_FOUND'
  | 'DATASET_EXISTS'
  | 'VERSION_NOT_FOUND'
  | 'VERSION_NOT_AVAILABLE'
  | 'LINEAGE_CYCLE'
  // files on this machine
  | 'FILE_NOT_FOUND'
  | 'FILE_NOT_REGULAR'
  | 'FILE_EMPTY'
  | 'FILE_CHANGED'
  | 'FILE_HAS_JOURNAL'
  | 'FILE_UNREADABLE'
  | 'OUTPUT_UNWRITABLE'
  | 'DISK_FULL'
  // the store
  | 'STORE_NOT_CONFIGURED'
  | 'STORE_NOT_TRUSTED'
  | 'STORE_UNREACHABLE'
  | 'STORE_REFUSED'
  | 'STORE_FAILED'
  | 'BUCKET_MISSING'
  | 'CREDENTIALS_MISSING'
  | 'CREDENTIALS_REJECTED'
  | 'KEY_INVALID'
  | 'OBJECT_MISSING'
  | 'HASH_MISMATCH'
  | 'DELTA_INVALID'
  // the comparison
  | 'NOT_SQLITE'
  | 'SQLITE_DAMAGED'
  | 'DIFF_UNSUPPORTED'
  | 'CANCELLED';

export interface ErrorDetails {
  /** What to do next, one sentence. */
  readonly hint?: string;
  /** Facts for programs: plain JSON, never a secret. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

const MARK = Symbol.for('datamanager.error');

/**
 * The only error that core throws on purpose; everything else is a bug.
 *
 * `message` is one sentence that says what happened; `hint` one that says what to do.
 *
 * @example
 * throw new DataManagerError('DATASET_NOT_FOUND', 'No dataset is called "utopia".', { hint: 'See datamanager list.' });
 */
export class DataManagerError extends Error {
  override readonly name = 'DataManagerError';
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: ErrorDetails = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.hint = details.hint;
    this.data = details.data ?? {};
  }

  /** dist/s3Store.js is a bundle with its own copy of this class: a shared mark makes `instanceof` true for both. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && MARK in value;
  }

  get [MARK](): true {
    return true;
  }

  /**
   * True when `error` is a DataManagerError, and of this code if one is given.
   *
   * @example
   * if (DataManagerError.is(error, 'CANCELLED')) return;
   */
  static is(error: unknown, code?: ErrorCode): error is DataManagerError {
    return error instanceof DataManagerError && (code === undefined || error.code === code);
  }
}

/**
 * Throws CANCELLED when the signal has been aborted. Call it between steps that don't take a signal themselves.
 *
 * @example
 * throwIfCancelled(signal);
 */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new DataManagerError('CANCELLED', 'Cancelled.');
}

/**
 * The `code` of a Node system error such as ENOENT or ENOSPC, if the value has one.
 *
 * @example
 * if (systemCode(error) === 'ENOENT') return null;
 */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
