import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { BlockIndexBuilder, parseBlockIndex } from '../store/blockIndex';
import type { ObjectCache } from '../store/cache';
import { makeFolders, randomName } from '../store/durableFile';
import { hashFile } from '../store/hashFile';
import { TEMP_NAME_PREFIX } from '../store/objectKey';
import type { CopySource, ObjectStore, PutResult } from '../store/objectStore';
import { uploadNotes } from '../store/uploadNotes';
import { deltaKey, indexKey } from './companions';
import { planUpload, type UploadPlan } from './copyPlan';
import { matchesOfIndexes } from './indexMatches';
import { makeDelta } from './makeDelta';
import type { Match } from './match';
import { readStoredIndex } from './readStoredIndex';

/** Bytes. A smaller object is fetched as fast as its delta or its index. */
const COMPANIONS_FROM = 64 << 10;

/** An object that the store holds, such as that of the version before. */
export interface StoredVersion {
  readonly key: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

export interface SendObjectOptions extends Monitor {
  readonly store: ObjectStore;
  readonly key: string;
  readonly file: { readonly path: string; readonly sha256: string; readonly size: number };
  /** What the new object has most in common with; null for a first version. */
  readonly base: StoredVersion | null;
  readonly cache: ObjectCache;
  /** True sends only the delta where that is possible; the object itself is made later (`materializeVersions`). */
  readonly deltaFirst?: boolean | undefined;
  /** Where uploads that broke off are noted. */
  readonly notesFolder: string;
  readonly now: () => number;
}

export interface SentObject extends PutResult {
  /** How it was sent, in a sentence for a person. */
  readonly how: string;
  /** False when only the delta was sent. */
  readonly whole: boolean;
}

/**
 * Brings an object into the store in the cheapest way that `planUpload` finds, and beside it what saves others a download: the delta
 * from the version before and the block index. Those two are best effort; whoever lacks them fetches more.
 *
 * The figures are of all that was sent. Throws what `ObjectStore.put` throws, FILE_CHANGED and CANCELLED.
 *
 * @example
 * const sent = await sendObject({ store, key, file, base: previous, cache, notesFolder, now: Date.now, signal });
 */
export async function sendObject(options: SendObjectOptions): Promise<SentObject> {
  const { store, key, file, base, cache, notesFolder, now, signal, onProgress } = options;
  const deltaPath = join(cache.folder, `${TEMP_NAME_PREFIX}${randomName()}`);
  try {
    const shared = base && base.sha256 !== file.sha256 ? await compare(options, base, deltaPath) : null;
    if (options.deltaFirst && base && shared?.delta) {
      const sent = await sendDelta(options, base, { path: deltaPath, ...shared.delta });
      if (sent) return sent;
    }
    const plan = planUpload({
      size: file.size,
      base: base && shared ? { size: base.size, matches: shared.matches } : null,
    });
    const notes = uploadNotes(
      notesFolder,
      { location: store.location, key, sha256: file.sha256, size: file.size },
      now,
    );
    const copy = store.kind === 's3' && base && plan.kind === 'copy' ? copySource(base, plan) : undefined;
    const put = await store.put(key, file, { copy, notes, signal, onProgress });
    const beside = [put];
    if (put.created && base && shared?.delta) {
      const source = { path: deltaPath, ...shared.delta };
      beside.push(await store.put(deltaKey(key, base.sha256), source, { signal }).catch(ignoreUnlessCancelled(signal)));
    }
    if (put.created && file.size >= COMPANIONS_FROM) {
      const index = await readFile(cache.indexPath(file.sha256)).catch(() => null);
      const source = index && { bytes: index, sha256: createHash('sha256').update(index).digest('hex') };
      if (source) beside.push(await store.put(indexKey(key), source, { signal }).catch(ignoreUnlessCancelled(signal)));
    }
    return { ...sum(beside), created: put.created, whole: true, how: howSent(store, put, plan, copy !== undefined) };
  } finally {
    await rm(deltaPath, { force: true }).catch(() => {});
  }
}

/** Null when the version before is not in the store as a whole either, or this one is there already. */
async function sendDelta(
  { store, key, file, signal, onProgress }: SendObjectOptions,
  base: StoredVersion,
  delta: { readonly path: string; readonly size: number; readonly sha256: string },
): Promise<SentObject | null> {
  const [stored, there] = [await store.head(base.key, { signal }), await store.head(key, { signal })];
  // A chain of deltas with nothing whole at its end would hang on every one of them.
  if (stored?.size !== base.size || there !== null) return null;
  const put = await store.put(deltaKey(key, base.sha256), delta, { signal, onProgress });
  const share = Math.max(1, Math.round((100 * delta.size) / file.size));
  const how = `Only the changes were sent (about ${share} % of the file); the whole object is still to be made.`;
  return { ...put, requests: put.requests + 2, created: false, whole: false, how };
}

interface Shared {
  readonly matches: readonly Match[];
  readonly delta: { readonly size: number; readonly sha256: string } | null;
}

/** What the new object shares with the old one: from the old bytes if they are here, else from the block indexes of both. */
async function compare(
  { store, file, cache, signal, onProgress }: SendObjectOptions,
  base: StoredVersion,
  deltaPath: string,
): Promise<Shared | null> {
  if (file.size < COMPANIONS_FROM) return null;
  const basePath = await cache.find(base.sha256, base.size);
  try {
    if (basePath !== null) {
      await makeFolders(cache.folder);
      return await makeDelta({
        base: { path: basePath, sha256: base.sha256 },
        target: file,
        deltaPath,
        signal,
        onProgress,
      });
    }
    // Without the bytes there is no delta, and an index helps only where parts can be copied.
    if (store.kind !== 's3' || Math.min(base.size, file.size) <= COPY_FROM) return null;
    const leaves = await readStoredIndex(store, base, signal);
    if (!leaves) return null;
    const own = new BlockIndexBuilder();
    await hashFile({ path: file.path, onPiece: (piece) => own.add(piece), signal });
    const target = parseBlockIndex(own.finish(file.sha256), file);
    if (!target) return null;
    const matches = matchesOfIndexes({ size: base.size, leaves }, { size: file.size, leaves: target });
    return { matches, delta: null };
  } catch (error) {
    throwIfCancelled(signal);
    if (DataManagerError.is(error, 'FILE_CHANGED')) throw error;
    return null; // the whole file does as well
  }
}

/** Bytes. Parts of an upload are at least this long. */
const COPY_FROM = 5 << 20;

function copySource(base: StoredVersion, plan: UploadPlan): CopySource {
  const parts = plan.parts.flatMap((part) => (part.kind === 'copy' ? [[part.number, part.from] as const] : []));
  return { key: base.key, size: base.size, partBytes: plan.partBytes, parts: new Map(parts) };
}

function sum(results: readonly PutResult[]): Omit<PutResult, 'created'> {
  const total = (figure: 'bytesSent' | 'bytesCopied' | 'bytesResumed' | 'requests') =>
    results.reduce((sum, result) => sum + result[figure], 0);
  return {
    bytesSent: total('bytesSent'),
    bytesCopied: total('bytesCopied'),
    bytesResumed: total('bytesResumed'),
    requests: total('requests'),
  };
}

function howSent(
  { kind }: ObjectStore,
  { created, bytesCopied, bytesResumed }: PutResult,
  plan: UploadPlan,
  copied: boolean,
): string {
  if (!created) return 'The store had these bytes already.';
  if (kind === 'folder') return 'Copied into the folder of the store.';
  if (bytesResumed > 0) return 'An upload that had broken off was gone on with.';
  if (copied && bytesCopied === 0) return 'Sent whole, as the store could not copy from the version before.';
  return plan.reason;
}

const NOTHING: PutResult = { created: false, bytesSent: 0, bytesCopied: 0, bytesResumed: 0, requests: 0 };

function ignoreUnlessCancelled(signal: AbortSignal | undefined): () => PutResult {
  return () => {
    throwIfCancelled(signal);
    return NOTHING;
  };
}
