import { DataManagerError } from '../errors';
import { windowsNameProblem } from '../store/windowsName';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
const forbidden = /[\u0000-\u001f\u007f<>:"\\|?*@]/;
const maxBytes = 200;

/**
 * Says what is wrong with a dataset name; null when it is fine. A name is a relative path with `/` that every file system
 * and every object store can hold, and that no reference syntax (`@`, `sha256:`) can be mistaken for.
 *
 * @example
 * datasetNameProblem('energy/utopia.sqlite'); // null
 * datasetNameProblem('../x.sqlite'); // 'it leads out of its folder ("..")'
 */
export function datasetNameProblem(name: string): string | null {
  if (name === '') return 'it is empty';
  if (Buffer.byteLength(name) > maxBytes) return `it is longer than ${maxBytes} bytes`;
  if (!name.isWellFormed()) return 'it is not valid Unicode';
  if (name.startsWith('/') || /^[a-z]:/i.test(name)) return 'it is an absolute path';
  const character = forbidden.exec(name)?.[0];
  if (character !== undefined) return `it holds the character ${JSON.stringify(character)}`;
  for (const part of name.split('/')) {
    if (part === '') return 'it has an empty part between slashes';
    if (part === '.' || part === '..') return `it leads out of its folder ("${part}")`;
    if (part.startsWith(' ')) return 'a part begins with a space';
    const windows = windowsNameProblem(part);
    if (windows !== null) return windows;
    if (part.toLowerCase() === '.git') return '".git" belongs to Git';
  }
  return null;
}

/**
 * Returns the name when it can be a dataset's. Throws NAME_INVALID.
 *
 * @example
 * const name = checkDatasetName(argument);
 */
export function checkDatasetName(name: string): string {
  const problem = datasetNameProblem(name);
  if (problem === null) return name;
  throw new DataManagerError('NAME_INVALID', `${shortened(name)} can't be the name of a dataset: ${problem}.`, {
    hint: 'Use letters, digits, ".", "-", "_" and "/" for folders, such as energy/utopia.sqlite.',
    data: { name: shortened(name) },
  });
}

function shortened(name: string): string {
  const quoted = JSON.stringify(name);
  return quoted.length <= 60 ? quoted : `${quoted.slice(0, 56)}..."`;
}
