import type { ErrorCode } from './errors';
import { DataManagerError } from './errors';

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
