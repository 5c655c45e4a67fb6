import type { ErrorCode } from '../errors';
import type { Monitor } from '../progress';

export interface ObjectInfo {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256 that was recorded with the object when it was written, in hex; null when the store has none. */
  readonly sha256: string | null;
  /** False when it can only be had as a whole; absent where every object comes in parts. */
  readonly inParts?: boolean;
}

/** The bytes to write: a file on this machine (its size is checked against what was read) or a small buffer. */
export type ObjectSource =
  | { readonly path: string; readonly size: number; readonly sha256: string }
  | { readonly bytes: Uint8Array; readonly sha256: string };

/** Bytes from `first` to `last`, both included, as in an HTTP Range header. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What an object shares with one that the store holds: the store copies it, nobody has to send it. */
export interface CopySource {
  readonly key: string;
  /** Bytes of that object. */
  readonly size: number;
  /** Bytes of every part of the new object but the last. */
  readonly partBytes: number;
  /** Which range of that object is which part of the new one; parts are counted from 1. Those not in here are sent. */
  readonly parts: ReadonlyMap<number, ByteRange>;
}

/** A part that the store has confirmed. */
export interface ConfirmedPart {
  readonly number: number;
  readonly etag: string;
}

/** An upload in parts that was begun and not ended. */
export interface StartedUpload {
  readonly uploadId: string;
  /** Recorded with the object; tells ours from one that somebody else wrote at the same time. */
  readonly putId: string;
  readonly partBytes: number;
}

/** Where the course of an upload in parts is kept, so that after a crash, a cancel or a lost line the next one goes on with it. */
export interface UploadNotes {
  /** Takes over what was noted and nobody works on; null when there is nothing that can be used. */
  load(): Promise<{ readonly upload: StartedUpload; readonly parts: readonly ConfirmedPart[] } | null>;
  begin(upload: StartedUpload): Promise<void>;
  confirm(part: ConfirmedPart): Promise<void>;
  /** Leaves them to whoever uploads this next. */
  keep(): Promise<void>;
  clear(): Promise<void>;
}

export interface PutOptions extends Monitor {
  readonly copy?: CopySource | undefined;
  /** With these, an upload in parts that failed is left open for the next try; without, it is given up. */
  readonly notes?: UploadNotes | undefined;
}

export interface PutResult {
  /** False when an object with this key was there already; it was left as it is. */
  readonly created: boolean;
  readonly bytesSent: number;
  /** Bytes that the store copied from another object. */
  readonly bytesCopied: number;
  /** Bytes that an earlier, interrupted upload had sent or copied. */
  readonly bytesResumed: number;
  readonly requests: number;
}

export interface GetOptions extends Monitor {
  readonly range?: ByteRange;
  /** Called with each failure that will be tried again. */
  readonly onRetry?: ((error: unknown) => void) | undefined;
}

export interface ReadIntoOptions extends Pick<Monitor, 'signal'> {
  /** Called when the bytes have to be asked for again: the server or the line could not keep up. */
  readonly onRetry?: (() => void) | undefined;
}

/** What `verify` found out about one right. */
export interface StoreCheck {
  readonly check: 'reach' | 'list' | 'read' | 'write' | 'delete';
  readonly ok: boolean;
  /** One sentence: what was seen, and what to do when it failed. */
  readonly detail: string;
  /** Of the error that it failed with; null when it worked, or was not tried. */
  readonly code: ErrorCode | null;
}

/**
 * Where objects live. Objects are immutable: a key is written once and never overwritten.
 *
 * Every method throws STORE_UNREACHABLE, STORE_REFUSED, STORE_FAILED, BUCKET_MISSING, CREDENTIALS_REJECTED, KEY_INVALID
 * or CANCELLED; `get` also OBJECT_MISSING.
 */
export interface ObjectStore {
  readonly kind: 'folder' | 's3' | 'http';
  /** For messages: where it is, without a secret, such as `s3://bucket/prefix at host`. */
  readonly location: string;
  /** Null when there is no such object. */
  head(key: string, options?: Monitor): Promise<ObjectInfo | null>;
  /** The bytes, in pieces as they come. Nothing is promised about the length of a piece. */
  get(key: string, options?: GetOptions): AsyncIterable<Uint8Array>;
  /**
   * Fills a buffer with a range of the same length, faster than `get` does it; absent where that is not so. Resolves to the number of
   * requests that it took. A shorter object is an error here.
   */
  readInto?(key: string, range: ByteRange, buffer: Buffer, options?: ReadIntoOptions): Promise<number>;
  /** Writes an object unless one is there. A failed or cancelled put leaves no object behind. */
  put(key: string, source: ObjectSource, options?: PutOptions): Promise<PutResult>;
  /** Deletes an object; fine when there is none. */
  delete(key: string, options?: Monitor): Promise<void>;
  /** Every object whose key begins with `prefix`, in key order. */
  list(prefix: string, options?: Monitor): AsyncIterable<ObjectInfo>;
  /** Tries each right with a probe object of its own, which it removes again. Never throws but CANCELLED. */
  verify(options?: Monitor): Promise<readonly StoreCheck[]>;
}
