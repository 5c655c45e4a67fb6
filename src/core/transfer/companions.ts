import { createHash } from 'node:crypto';

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

/**
 * Key of what describes the version that an object belongs to (DESIGN §6).
 *
 * @example
 * metaKey('utopia/3f5a.sqlite'); // 'utopia/3f5a.sqlite.meta.json'
 */
export function metaKey(key: string): string {
  return `${key}.meta.json`;
}

/**
 * The same for a further version with the same bytes: of another dataset, or when a dataset goes back to what it was. Each has its
 * own, as an object is never written again.
 *
 * @example
 * furtherMetaKey('utopia/3f5a.sqlite', { name: 'utopia.sqlite', version: 'v3' }); // 'utopia/3f5a.sqlite.also-05c1….meta.json'
 */
export function furtherMetaKey(
  key: string,
  { name, version }: { readonly name: string; readonly version: string },
): string {
  const id = createHash('sha256').update(`${name}@${version}`).digest('hex').slice(0, 16);
  return `${key}.also-${id}.meta.json`;
}
