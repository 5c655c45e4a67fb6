/**
 * Key of the block index beside an object (DESIGN §6).
 *
 * @example
 * indexKey('utopia/3f5a.sqlite'); // 'utopia/3f5a.sqlite.idx'
 */
export function indexKey(key: string): string {
  return `${key}.idx`;
}

/**
 * Key of the delta beside an object that makes it out of another version (DESIGN §6).
 *
 * @example
 * deltaKey('utopia/3f5a.sqlite', base.sha256); // 'utopia/3f5a.sqlite.from-81bc….delta'
 */
export function deltaKey(key: string, baseSha256: string): string {
  return `${key}.from-${baseSha256}.delta`;
}
