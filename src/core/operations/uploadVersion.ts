import path from 'node:path';
import type { Manifest } from '../catalog/manifest';
import { newObjectKey } from '../catalog/objectKey';
import { readCatalog } from '../catalog/readCatalog';
import type { RepositorySettings } from '../catalog/settings';
import type { Monitor } from '../progress';
import { randomName } from '../store/durableFile';
import { claimObject, withdrawObject } from '../store/objectFate';
import type { ObjectStore } from '../store/objectStore';
import { DEFAULT_PART_BYTES } from '../store/partPlan';
import { type SentObject, type StoredVersion, sendObject } from '../transfer/sendObject';
import type { OperationContext } from './context';
import { uploadsFolder } from './uploadsFolder';

export interface Transfer {
  /** Bytes of the object, its delta and its index; like the headers of requests, what is noted about a version does not count. */
  readonly bytesSent: number;
  /** Bytes that the store copied from another object. */
  readonly bytesCopied: number;
  /** Bytes that an earlier, interrupted upload had brought. */
  readonly bytesResumed: number;
  /** To the store, the one for the description included. */
  readonly requests: number;
  /** How it was sent, in a sentence; null when nothing was. */
  readonly how: string | null;
}

export const nothingTransferred: Transfer = {
  bytesSent: 0,
  bytesCopied: 0,
  bytesResumed: 0,
  requests: 0,
  how: null,
};

export interface Upload {
  readonly key: string;
  /** True when this upload wrote the object. */
  readonly created: boolean;
  readonly transfer: Transfer;
  /** From here on the object stays, whatever happens. */
  keep(): void;
  /** Deletes the object if this upload created it, nobody else builds on it, and nobody decided to keep it. */
  takeBack(): Promise<void>;
}

interface VersionBytes {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly size: number;
}

interface UploadOptions extends Monitor {
  readonly context: Pick<OperationContext, 'cache' | 'repository' | 'now'>;
  readonly settings: Pick<RepositorySettings, 'transfer'>;
  /** Told the key before anything is sent. */
  readonly onKey?: ((key: string) => Promise<void>) | undefined;
}

/**
 * Sees to it that the store holds a version's bytes: an object of equal bytes that the manifest knows is used again, else one is
 * written under a new key, by way of what it shares with the version before.
 *
 * Throws FILE_CHANGED, CANCELLED, and the store's errors; no object is left behind then.
 *
 * @example
 * const upload = await uploadVersion(store, { name, manifest, file, sha256, size }, { context, settings, signal });
 */
export async function uploadVersion(
  store: ObjectStore,
  { manifest, ...bytes }: VersionBytes & { readonly manifest: Manifest },
  options: UploadOptions,
): Promise<Upload> {
  const known = await findObject(store, manifest, bytes.sha256, bytes.size, options.signal);
  if (known !== null) {
    await options.onKey?.(known);
    const transfer = { ...nothingTransferred, requests: 1 };
    return { key: known, created: false, transfer, keep: () => undefined, takeBack: () => Promise.resolve() };
  }
  const { key, created, ...transfer } = await putObject(store, bytes, newestObject(manifest, bytes.name), options);
  // Two uploads of equal bytes in parts may both believe to have created the object: those are left to gc.
  const certain = created && (store.kind === 'folder' || bytes.size <= DEFAULT_PART_BYTES);
  let kept = false;
  return {
    key,
    created,
    transfer,
    keep: () => {
      kept = true;
    },
    takeBack: async () => {
      if (certain && !kept) await withdrawObject(store, key);
    },
  };
}

async function putObject(
  store: ObjectStore,
  { name, file, sha256, size }: VersionBytes,
  base: StoredVersion | null,
  { context, settings, signal, onProgress, onKey }: UploadOptions,
): Promise<Omit<SentObject, 'whole'> & { readonly key: string }> {
  const { cache, repository, now } = context;
  // First of all, because the copy is indexed on its way, and the index goes into the store as well.
  await cache.addFile(file, sha256, { signal });
  const usual = newObjectKey(name, sha256);
  // The first key fits nearly always. The second try is for an object that was withdrawn while we looked, the last for one whose
  // owner died doing that.
  for (const key of [usual, usual, withSuffix(usual)]) {
    await onKey?.(key);
    const { whole, ...sent } = await sendObject({
      ...{ store, key, base, cache, signal, onProgress },
      file: { path: file, sha256, size },
      deltaFirst: settings.transfer.deltaFirst,
      notesFolder: uploadsFolder(repository),
      now: () => now().getTime(),
    });
    if (sent.created || !whole || (await claimObject(store, key, { signal }))) return { key, ...sent };
  }
  throw new RangeError(`a key with a random suffix was taken: ${usual}`);
}

/** The object of the version that the new one follows: most of its bytes are likely to be the same. */
function newestObject(manifest: Manifest, name: string): StoredVersion | null {
  const history = manifest.datasets.find((dataset) => dataset.name === name)?.history ?? [];
  for (const { key, sha256, size, status } of history) {
    if (status === 'published' && size !== null) return { key, sha256, size };
  }
  return null;
}

function withSuffix(key: string): string {
  const extension = path.posix.extname(key);
  return `${key.slice(0, key.length - extension.length)}-${randomName()}${extension}`;
}

/** An upload that happens at most once, however often the commit behind it has to be tried. */
export interface UploadOnce {
  start(manifest: Manifest, settings: Pick<RepositorySettings, 'transfer'>): Promise<Upload>;
  /** As `Upload.takeBack`, but never an object that the manifest names by now: somebody may have published the same bytes. */
  takeBack(): Promise<void>;
}

/** What a transaction wants to know about its upload, so that it is on the disk in time. */
export interface UploadObserver {
  onKey(key: string): Promise<void>;
  onUploaded(upload: Upload): Promise<void>;
}

/**
 * Holds the upload of one publish. Nothing is sent before `start`.
 *
 * @example
 * const upload = uploadOnce(context, { name, file, sha256, size }, { signal }, observer);
 */
export function uploadOnce(
  context: OperationContext,
  version: VersionBytes,
  monitor: Monitor,
  observer: UploadObserver,
): UploadOnce {
  const { openStore, repository } = context;
  let upload: Upload | null = null;
  return {
    start: async (manifest, settings) => {
      if (upload === null) {
        const { signal, onProgress } = monitor;
        const options = { context, settings, signal, onProgress, onKey: (key: string) => observer.onKey(key) };
        upload = await uploadVersion(await openStore(), { ...version, manifest }, options);
        await observer.onUploaded(upload);
      }
      return upload;
    },
    takeBack: async () => {
      const catalog = await readCatalog(repository).catch(() => null);
      const used = catalog?.manifest.datasets.some(({ history }) => history.some(({ key }) => key === upload?.key));
      if (used === false) await upload?.takeBack();
    },
  };
}

// Equal bytes anywhere in the manifest reuse their object (DESIGN §6), if it really is there.
async function findObject(
  store: ObjectStore,
  manifest: Manifest,
  sha256: string,
  size: number,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const keys = manifest.datasets.flatMap(({ history }) =>
    history.filter((entry) => entry.sha256 === sha256 && entry.status === 'published').map(({ key }) => key),
  );
  for (const key of new Set(keys)) {
    const info = await store.head(key, { signal });
    if (info?.size === size) return key;
  }
  return null;
}
