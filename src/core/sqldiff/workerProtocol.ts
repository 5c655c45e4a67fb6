import type { ErrorCode } from '../errors';
import { DataManagerError } from '../errors';
import type { Progress } from '../progress';
import type { DiffAnswer, DiffRequest, PatchRequest } from './diffEngine';

/** What the worker is started with. */
export interface WorkerSetup {
  readonly wasmPath: string;
  /** The bundle of reader.ts. */
  readonly readerPath: string;
}

/** What the worker can do, and the type of its answer. */
export interface WorkerAnswers {
  readonly compare: DiffAnswer;
  readonly contentHash: string | null;
  readonly applyPatch: null;
}

export type WorkerTask =
  | { readonly kind: 'compare'; readonly request: DiffRequest }
  | { readonly kind: 'contentHash'; readonly path: string }
  | { readonly kind: 'applyPatch'; readonly request: PatchRequest };

/** From the client; the worker handles one at a time. */
export interface TaskMessage {
  readonly id: number;
  readonly task: WorkerTask;
  /** One Int32; not 0 once the client has cancelled. */
  readonly cancelFlag: SharedArrayBuffer;
  readonly wantsProgress: boolean;
  readonly wantsText: boolean;
}

/** From the worker. */
export type WorkerReply =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'text'; readonly id: number; readonly piece: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: WorkerAnswers[keyof WorkerAnswers] }
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError };

/** An error as data: structured cloning would drop its code, hint and data. */
export type PlainError =
  | {
      readonly known: true;
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint?: string;
      readonly data: DataManagerError['data'];
    }
  | { readonly known: false; readonly message: string; readonly stack: string };

/**
 * An error for postMessage.
 *
 * @example
 * reply({ kind: 'error', id, error: toPlainError(error) });
 */
export function toPlainError(error: unknown): PlainError {
  if (DataManagerError.is(error)) {
    const { code, message, hint, data } = error;
    return { known: true, code, message, data, ...(hint === undefined ? {} : { hint }) };
  }
  const unknown = error instanceof Error ? error : new Error(String(error));
  return { known: false, message: unknown.message, stack: unknown.stack ?? unknown.message };
}

/**
 * The error again, as it was thrown in the worker.
 *
 * @example
 * reject(fromPlainError(reply.error));
 */
export function fromPlainError(plain: PlainError): Error {
  if (plain.known) {
    const { code, message, hint, data } = plain;
    return new DataManagerError(code, message, { data, ...(hint === undefined ? {} : { hint }) });
  }
  const error = new Error(plain.message);
  error.stack = plain.stack;
  return error;
}
