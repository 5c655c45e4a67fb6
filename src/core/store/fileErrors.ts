import { DataManagerError, systemCode } from '../errors';

/**
 * Words for a failure to read a file that the user named: FILE_NOT_FOUND, FILE_NOT_REGULAR or FILE_UNREADABLE.
 * A DataManagerError passes unchanged.
 *
 * @example
 * catch (error) { throw readError(error, path); }
 */
export function readError(error: unknown, path: string): DataManagerError {
  if (error instanceof DataManagerError) return error;
  const code = systemCode(error);
  const data = { path, code: code ?? null };
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new DataManagerError('FILE_NOT_FOUND', `There is no file at ${path}.`, {
      hint: 'Check the spelling of the path.',
      data,
      cause: error,
    });
  }
  if (code === 'EISDIR' || code === 'ENXIO') {
    return new DataManagerError('FILE_NOT_REGULAR', `${path} is not a file.`, {
      hint: 'Name one data file.',
      data,
      cause: error,
    });
  }
  const why = code === 'EACCES' || code === 'EPERM' ? 'you have no right to read it' : describe(error);
  return new DataManagerError('FILE_UNREADABLE', `${path} can't be read: ${why}.`, {
    hint: 'Check its permissions and the disk that it is on.',
    data,
    cause: error,
  });
}

/**
 * Words for a failure to write a file that the user named: DISK_FULL or OUTPUT_UNWRITABLE. A DataManagerError passes
 * unchanged.
 *
 * @example
 * catch (error) { throw writeError(error, target); }
 */
export function writeError(error: unknown, path: string): DataManagerError {
  if (error instanceof DataManagerError) return error;
  if (isDiskFull(error)) return diskFull(path, error);
  const code = systemCode(error);
  return new DataManagerError(
    'OUTPUT_UNWRITABLE',
    `${path} can't be written: ${writeReason(code) ?? describe(error)}.`,
    {
      hint:
        code === 'EBUSY' || code === 'EPERM'
          ? 'Close the program that has it open, or choose another place.'
          : 'Choose another place, or change its permissions.',
      data: { path, code: code ?? null },
      cause: error,
    },
  );
}

/**
 * True for the system's ways to say that no room is left: disk, quota.
 *
 * @example
 * if (isDiskFull(error)) throw diskFull(path, error);
 */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * The DISK_FULL error for the disk that holds `path`.
 *
 * @example
 * throw diskFull('/data/utopia.sqlite', error);
 */
export function diskFull(path: string, cause?: unknown): DataManagerError {
  return new DataManagerError('DISK_FULL', `The disk that holds ${path} is full.`, {
    hint: 'Free some space and try again.',
    data: { path },
    cause,
  });
}

function writeReason(code: string | undefined): string | null {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'you have no right to write there';
    case 'EROFS':
      return 'the disk is read-only';
    case 'EBUSY':
      return 'another program has it open';
    case 'EISDIR':
      return 'it is a folder';
    case 'ENOTDIR':
    case 'EEXIST':
      return 'a part of its path is a file';
    case 'ENOENT':
      return 'no folder can be made there';
    case 'ENAMETOOLONG':
      return 'its name is too long';
    default:
      return null;
  }
}

function describe(error: unknown): string {
  return systemCode(error) ?? (error instanceof Error ? error.message : String(error));
}
