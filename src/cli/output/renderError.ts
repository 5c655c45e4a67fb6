import { inspect } from 'node:util';
import { DataManagerError, type ErrorCode, systemCode } from '../../core/errors';
import { UsageError } from '../usageError';
import { oneLine, visible } from './visible';

export const exitCodes = { ok: 0, failed: 1, usage: 2, bug: 70, cancelled: 130 } as const;

export interface RenderedError {
  readonly exitCode: number;
  /** For the standard error: one line each, or a stack for a bug. */
  readonly lines: readonly string[];
  /** For `--json`. */
  readonly json: {
    readonly error: {
      readonly code: ErrorCode | 'USAGE' | 'INTERNAL';
      readonly message: string;
      readonly hint: string | null;
      readonly data: Readonly<Record<string, unknown>>;
    };
  };
}

const reportHint =
  'This is a bug in Data Manager. Please report it with the lines above; nothing that was published is lost.';

/** The only place that turns an error into words, an exit code and JSON (DESIGN §9). */
export function renderError(thrown: unknown): RenderedError {
  const error = DataManagerError.is(thrown) || thrown instanceof UsageError ? thrown : (systemError(thrown) ?? thrown);
  if (error instanceof UsageError) return rendered(exitCodes.usage, 'USAGE', error.message, error.hint, {});
  if (DataManagerError.is(error)) {
    const exitCode = error.code === 'CANCELLED' ? exitCodes.cancelled : exitCodes.failed;
    return rendered(exitCode, error.code, error.message, error.hint, error.data);
  }
  const message = error instanceof Error ? error.message : inspect(error);
  const internal = rendered(exitCodes.bug, 'INTERNAL', message, reportHint, {});
  const lines = [`datamanager: unexpected error: ${oneLine(message)}`, ...inspect(error).split('\n').map(visible)];
  return { ...internal, lines: [...lines, `hint: ${reportHint}`] };
}

function rendered(
  exitCode: number,
  code: RenderedError['json']['error']['code'],
  message: string,
  hint: string | undefined,
  data: Readonly<Record<string, unknown>>,
): RenderedError {
  const lines = [`datamanager: ${oneLine(message)}`, ...(hint ? [`hint: ${oneLine(hint)}`] : [])];
  return { exitCode, lines, json: { error: { code, message, hint: hint ?? null, data } } };
}

// What the system refuses is the user's to mend, wherever it comes up; it is not a bug of ours.
function systemError(error: unknown): DataManagerError | null {
  const code = systemCode(error);
  const { path, syscall } = Object(error) as { readonly path?: unknown; readonly syscall?: unknown };
  const where = typeof path === 'string' ? path : 'a file';
  const details = { data: { path: typeof path === 'string' ? path : null, code: code ?? null }, cause: error };
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DataManagerError('DISK_FULL', `There is no room left on the disk that holds ${where}.`, {
        hint: 'Free some space and try again.',
        ...details,
      });
    case 'EROFS':
    case 'EACCES':
    case 'EPERM': {
      const reading =
        code !== 'EROFS' && typeof syscall === 'string' && /^(scandir|read|stat|lstat|access)$/.test(syscall);
      const problem = code === 'EROFS' ? 'the disk is read-only' : 'you have no right to';
      return new DataManagerError(
        reading ? 'FILE_UNREADABLE' : 'OUTPUT_UNWRITABLE',
        `${where} can't be ${reading ? 'read' : 'used'}: ${problem}.`,
        { hint: 'Check the permissions of the file and of the folders above it.', ...details },
      );
    }
    case 'ENOENT':
      // The working folder was deleted under us.
      if (syscall !== 'uv_cwd' && syscall !== 'getcwd') return null;
      return new DataManagerError('FILE_NOT_FOUND', 'The folder that you are in does not exist any more.', {
        hint: 'Change to another folder.',
        ...details,
      });
    default:
      return null;
  }
}
