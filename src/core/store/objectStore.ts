import type { Monitor } from '../progress';

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 that was recorded with the object when it was written, in hex; null when the store has none. */
  readonly sha256: string | null;
}

/** The bytes to write: a file on this machine (its size is checked against what was read) or a small buffer. */
export type ObjectSource =
  | { readonly path: string; readonly size: number; readonly sha256: string }
  | { readonly bytes: Uint8Array; readonly sha256: string };

export interface PutResult {
  /** False when an object with this key was there already; it was left as it is. */
  readonly created: boolean;
  readonly bytesSent: number;
  readonly requests: number;
}

export interface GetOptions extends Monitor {
  /** First and last byte, both included. */
  readonly range?: { readonly first: number; readonly last: number };
}

/** What `verify` found out about one right. */
export interface StoreCheck {
  readonly check: 'reach' | 'list' | 'read' | 'write' | 'delete';
  readonly ok: boolean;
  /** One sentence: what was seen, and what to do when it failed. */
  readonly detail: string;
}

/**
 * Where objects live. Objects are immutable: a key is written once and never overwritten.
 *
 * Every method throws STORE_UNREACHABLE, STORE_REFUSED, STORE_FAILED, BUCKET_MISSING, CREDENTIALS_REJECTED, KEY_INVALID
 * or CANCELLED; `get` also OBJECT_MISSING.
 */
export interface ObjectStore {
  readonly kind: 'folder' | 's3';
  /** For messages: where it is, without a secret, such as `s3://bucket/prefix at host`. */
  readonly location: string;
  /** Null when there is no such object. */
  head(key: string, options?: Monitor): Promise<ObjectInfo | null>;
  /** The bytes, in pieces as they come. Nothing is promised about the length of a piece. */
  get(key: string, options?: GetOptions): AsyncIterable<Uint8Array>;
  /** Writes an object unless one is there. A failed or cancelled put leaves no object behind. */
  put(key: string, source: ObjectSource, options?: Monitor): Promise<PutResult>;
  /** Deletes an object; fine when there is none. */
  delete(key: string, options?: Monitor): Promise<void>;
  /** Every object whose key begins with `prefix`, in key order. */
  list(prefix: string, options?: Monitor): AsyncIterable<ObjectInfo>;
  /** Tries each right with a probe object of its own, which it removes again. Never throws but CANCELLED. */
  verify(options?: Monitor): Promise<readonly StoreCheck[]>;
}
