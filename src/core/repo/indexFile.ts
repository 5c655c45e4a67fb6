import { createHash } from 'node:crypto';
import { cachedTreesWithout } from './cachedTrees';
import type { EntryChange } from './repositoryWriter';

/** Format: git's Documentation/gitformat-index.txt. */
export interface IndexEntry {
  /** Name in latin1, so that bytes which are not UTF-8 survive, and strings sort as the bytes do. */
  readonly rawPath: string;
  readonly mode: string;
  readonly oid: string;
  /** 0, or 1 to 3 for the sides of a conflict. */
  readonly stage: number;
  readonly assumeUnchanged: boolean;
  readonly skipWorktree: boolean;
  readonly intentToAdd: boolean;
  /** Seconds since 1970; 0 when the entry was made without looking at a file. */
  readonly mtime: number;
  /** The entry as it stands in the file. */
  readonly raw: Buffer;
}

interface Extension {
  readonly name: string;
  readonly content: Buffer;
}

export interface IndexFile {
  readonly version: number;
  readonly entries: readonly IndexEntry[];
  readonly extensions: readonly Extension[];
  /** Written without a checksum (`index.skipHash`). */
  readonly unhashed: boolean;
}

export const EMPTY_INDEX: IndexFile = { version: 2, entries: [], extensions: [], unhashed: false };

/** Extensions that stay true when entries change, or that are corrected: see `formatIndex`. */
const KNOWN_EXTENSIONS = new Set(['TREE', 'REUC', 'EOIE', 'IEOT']);
/** Where the entries end, and where blocks of them begin: of use to readers only, and wrong as soon as an entry moves. */
const OFFSETS = new Set(['EOIE', 'IEOT']);
const FIXED_BYTES = 62;
const HASH_BYTES = 20;

/**
 * Reads an index, or says in a few words why its layout is none that can be edited here: a version other than 2 and 3, an extension
 * that changes the meaning of entries (split and sparse index) or has to follow them (untracked cache, fsmonitor), damage.
 *
 * @example
 * const index = parseIndex(await readFile(join(repo.gitDir, 'index')));
 */
export function parseIndex(bytes: Buffer): IndexFile | { readonly unsupported: string } {
  const end = bytes.length - HASH_BYTES;
  if (end < 12 || bytes.toString('latin1', 0, 4) !== 'DIRC') return { unsupported: 'its index is damaged' };
  const version = bytes.readUInt32BE(4);
  if (version !== 2 && version !== 3) return { unsupported: `its index has version ${version}` };
  const unhashed = bytes.subarray(end).every((byte) => byte === 0);
  const hash = createHash('sha1').update(bytes.subarray(0, end)).digest();
  if (!unhashed && !hash.equals(bytes.subarray(end))) return { unsupported: 'its index is damaged' };

  const entries: IndexEntry[] = [];
  let at = 12;
  for (let left = bytes.readUInt32BE(8); left > 0; left--) {
    const entry = at + FIXED_BYTES < end ? parseEntry(bytes, at) : null;
    if (!entry) return { unsupported: 'its index is damaged' };
    if (entry.mode === '40000') return { unsupported: 'its index is sparse' };
    entries.push(entry);
    at += entry.raw.length;
  }
  const extensions: Extension[] = [];
  while (at + 8 <= end) {
    const name = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32BE(at + 4);
    if (!KNOWN_EXTENSIONS.has(name)) return { unsupported: `its index has the extension ${name}` };
    extensions.push({ name, content: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + length;
  }
  return at === end ? { version, entries, extensions, unhashed } : { unsupported: 'its index is damaged' };
}

function parseEntry(bytes: Buffer, at: number): IndexEntry | null {
  const flags = bytes.readUInt16BE(at + 60);
  const extended = (flags & 0x4000) !== 0;
  const name = at + FIXED_BYTES + (extended ? 2 : 0);
  const nul = bytes.indexOf(0, name);
  if (nul < 0) return null;
  const more = extended ? bytes.readUInt16BE(at + 62) : 0;
  const length = (nul - at + 8) & ~7; // 1 to 8 NULs up to a multiple of 8
  return {
    rawPath: bytes.toString('latin1', name, nul),
    mode: bytes.readUInt32BE(at + 24).toString(8),
    oid: bytes.toString('hex', at + 40, at + 60),
    stage: (flags >> 12) & 3,
    assumeUnchanged: (flags & 0x8000) !== 0,
    skipWorktree: (more & 0x4000) !== 0,
    intentToAdd: (more & 0x2000) !== 0,
    mtime: bytes.readUInt32BE(at + 8),
    raw: bytes.subarray(at, at + length),
  };
}

/**
 * The bytes of an index with other entries at some paths; all else in it stays as it is, but for what would be wrong then.
 *
 * `writtenAt` is when the index on the disk was written, in seconds. Git takes an entry that is not older than its index for possibly
 * stale and compares contents ("racy git", Documentation/technical/racy-git). The index that we write is younger, so such entries
 * lose their size, as git does it: then their contents are compared until somebody refreshes them.
 *
 * @example
 * await writeFile(lock, formatIndex(index, [{ path: 'manifest.json', mode: '100644', oid }], mtimeMs / 1000));
 */
export function formatIndex(index: IndexFile, changes: readonly EntryChange[], writtenAt: number): Buffer {
  const changed = new Map(changes.map((change) => [rawPathOf(change.path), change]));
  const raws: { readonly rawPath: string; readonly raw: Buffer }[] = [];
  for (const entry of index.entries) {
    if (changed.has(entry.rawPath)) continue;
    const racy = entry.mtime >= Math.floor(writtenAt) && entry.mode !== '160000';
    raws.push({ rawPath: entry.rawPath, raw: racy ? withoutSize(entry.raw) : entry.raw });
  }
  for (const [rawPath, { mode, oid }] of changed) {
    if (oid !== null) raws.push({ rawPath, raw: newEntry(rawPath, mode, oid) });
  }
  // Stable: the sides of a conflict, which share a path, stay in their order.
  raws.sort((a, b) => (a.rawPath < b.rawPath ? -1 : a.rawPath > b.rawPath ? 1 : 0));

  const header = Buffer.from('DIRC\0\0\0\0\0\0\0\0', 'latin1');
  header.writeUInt32BE(index.version, 4);
  header.writeUInt32BE(raws.length, 8);
  const parts = [header, ...raws.map(({ raw }) => raw)];
  for (const { name, content } of index.extensions) {
    if (OFFSETS.has(name)) continue;
    const kept = name === 'TREE' ? cachedTreesWithout(content, [...changed.keys()]) : content;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(kept.length);
    parts.push(Buffer.from(name, 'latin1'), length, kept);
  }
  const bytes = Buffer.concat(parts);
  const hash = index.unhashed ? Buffer.alloc(HASH_BYTES) : createHash('sha1').update(bytes).digest();
  return Buffer.concat([bytes, hash]);
}

export function rawPathOf(path: string): string {
  return Buffer.from(path).toString('latin1');
}

function withoutSize(raw: Buffer): Buffer {
  const copy = Buffer.from(raw);
  copy.writeUInt32BE(0, 36);
  return copy;
}

/** Without times and size, as `git update-index --cacheinfo` makes it: git compares contents when it first meets it. */
function newEntry(rawPath: string, mode: string, oid: string): Buffer {
  const name = Buffer.from(rawPath, 'latin1');
  const raw = Buffer.alloc((FIXED_BYTES + name.length + 8) & ~7);
  raw.writeUInt32BE(Number.parseInt(mode, 8), 24);
  raw.write(oid, 40, 'hex');
  raw.writeUInt16BE(Math.min(name.length, 0xfff), 60);
  name.copy(raw, FIXED_BYTES);
  return raw;
}
