import path from 'node:path';

/**
 * The key of a new object: `<name without extension>/<sha256><extension>` (DESIGN §6). There is no version number in it, so
 * that a publish that gets another number uploads nothing again. Readers use the stored key, never this.
 *
 * @example
 * newObjectKey('energy/utopia.sqlite', sha256); // 'energy/utopia/<sha256>.sqlite'
 */
export function newObjectKey(name: string, sha256: string): string {
  const extension = path.posix.extname(name);
  return `${name.slice(0, name.length - extension.length)}/${sha256}${extension}`;
}

/**
 * Path in the repository of the stored difference between two versions.
 *
 * @example
 * diffPath('utopia.sqlite', 'v1', 'v2'); // 'diffs/utopia.sqlite/diff-v1-to-v2.diff'
 */
export function diffPath(name: string, from: string, to: string): string {
  return `diffs/${name}/diff-${from}-to-${to}.diff`;
}
