import path from 'node:path';
import type { DataManagerError } from '../../core/errors';

/** Where in a file an error says that the fault is. */
export interface FaultPlace {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** The place of a MANIFEST_INVALID or SETTINGS_INVALID; null for an error without one. */
export function faultPlace(error: DataManagerError, folder: string | undefined): FaultPlace | null {
  const { file, line, column } = error.data;
  if (folder === undefined || typeof file !== 'string' || typeof line !== 'number') return null;
  return { file: path.join(folder, path.basename(file)), line, column: typeof column === 'number' ? column : 1 };
}
