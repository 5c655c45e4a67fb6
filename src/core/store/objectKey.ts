import { DataManagerError } from '../errors';

/** S3's own limit on a key, in UTF-8 bytes. */
const MAX_KEY_BYTES = 1024;
/** The longest file name that common file systems take, so that every key also fits a folder store. */
const MAX_SEGMENT_BYTES = 255;
/** The folder store's unfinished files begin so; a key may not, or its object would be invisible. */
export const TEMP_NAME_PREFIX = '.datamanager-tmp-';

/**
 * What is wrong with an object key, or null when it is fine.
 *
 * Keys come from a manifest that anyone may have written, and become paths on this machine and in a URL. So a key is
 * relative, `/` is its only separator, and no segment is empty, `.`, `..` or holds a control character. The rules are
 * the same for every store: an object can move from a bucket to a folder.
 *
 * @example
 * keyProblem('../secret'); // 'it holds the segment ".."'
 */
export function keyProblem(key: string): string | null {
  if (key === '') return 'it is empty';
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `it is longer than ${MAX_KEY_BYTES} bytes`;
  if (/\p{Cc}/u.test(key)) return 'it holds a control character';
  if (/\p{Cs}/u.test(key)) return 'it holds half of a character';
  if (key.includes('\\')) return 'it holds a backslash';
  if (/^[A-Za-z]:/.test(key)) return 'it begins with a drive letter';
  if (key.startsWith('/')) return 'it is an absolute path';
  for (const segment of key.split('/')) {
    if (segment === '') return 'it holds an empty segment';
    if (segment === '.' || segment === '..') return `it holds the segment "${segment}"`;
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) return `a segment is longer than ${MAX_SEGMENT_BYTES} bytes`;
    if (segment.startsWith(TEMP_NAME_PREFIX)) return `a segment begins with the reserved name ${TEMP_NAME_PREFIX}`;
  }
  return null;
}

/**
 * Throws KEY_INVALID unless the key may name an object; see `keyProblem`.
 *
 * @example
 * checkKey('energy/utopia/3f5a.sqlite');
 */
export function checkKey(key: string): void {
  const problem = keyProblem(key);
  if (problem !== null) throw invalidKey(key, problem);
}

/**
 * Throws KEY_INVALID unless some key may begin with `prefix`. An empty prefix, a trailing `/` and half a segment are fine.
 *
 * @example
 * checkKeyPrefix('energy/uto');
 */
export function checkKeyPrefix(prefix: string): void {
  // With one more character the rules for whole keys hold: 'a/' becomes 'a/x', '..' (half of '..x') is fine.
  const problem = keyProblem(`${prefix}x`);
  if (problem !== null) throw invalidKey(prefix, problem);
}

/**
 * The KEY_INVALID error, with the key shown so that no control character reaches a terminal.
 *
 * @example
 * throw invalidKey(key, 'a part of it is a symbolic link');
 */
export function invalidKey(key: string, problem: string): DataManagerError {
  const shown = JSON.stringify(key.length > 120 ? `${key.slice(0, 120)}...` : key);
  return new DataManagerError('KEY_INVALID', `The object key ${shown} can't be used: ${problem}.`, {
    hint: 'The manifest may be damaged, or come from somebody who means harm: check where it is from.',
    data: { key },
  });
}
