import path from 'node:path';
import type { Manifest } from '../catalog/manifest';
import { newObjectKey } from '../catalog/objectKey';
import { readCatalog } from '../catalog/readCatalog';
import type { Monitor } from '../progress';
import { randomName } from '../store/durableFile';
import { claimObject, withdrawObject } from '../store/objectFate';
import type { ObjectStore, PutResult } from '../store/objectStore';
import { DEFAULT_PART_BYTES } from '../store/partPlan';
import type { OperationContext } from './context';

export interface Transfer {
  readonly bytesSent: number;
  readonly bytesCopied: number;
  readonly requests: number;
}

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

/**
 * Sees to it that the store holds a version's bytes: an object of equal bytes that the manifest knows is used again, else one is
 * written under a new key. `onKey` is told the key before anything is sent.
 *
 * Throws FILE_CHANGED, CANCELLED, and the store's errors; no object is left behind then.
 *
 * @example
 * const upload = await uploadVersion(store, { name, manifest, file, sha256, size }, { signal });
 */
export async function uploadVersion(
  store: ObjectStore,
  { manifest, ...bytes }: VersionBytes & { readonly manifest: Manifest },
  { signal, onProgress, onKey }: Monitor & { readonly onKey?: ((key: string) => Promise<void>) | undefined },
): Promise<Upload> {
  const known = await findObject(store, manifest, bytes.sha256, bytes.size, signal);
  if (known !== null) {
    await onKey?.(known);
    const transfer = { bytesSent: 0, bytesCopied: 0, requests: 1 };
    return { key: known, created: false, transfer, keep: () => undefined, takeBack: () => Promise.resolve() };
  }
  const { key, created, bytesSent, requests } = await putObject(store, bytes, { signal, onProgress, onKey });
  // Two uploads of equal bytes in parts may both believe to have created the object: those are left to gc.
  const certain = created && (store.kind === 'folder' || bytes.size <= DEFAULT_PART_BYTES);
  let kept = false;
  return {
    key,
    created,
    transfer: { bytesSent, bytesCopied: 0, requests },
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
  { signal, onProgress, onKey }: Parameters<typeof uploadVersion>[2],
): Promise<PutResult & { readonly key: string }> {
  const usual = newObjectKey(name, sha256);
  // The first key fits nearly always. The second try is for an object that was withdrawn while we looked, the last for one whose
  // owner died doing that.
  for (const key of [usual, usual, withSuffix(usual)]) {
    await onKey?.(key);
    const result = await store.put(key, { path: file, size, sha256 }, { signal, onProgress });
    if (result.created || (await claimObject(store, key, { signal }))) return { key, ...result };
  }
  throw new RangeError(`a key with a random suffix was taken: ${usual}`);
}

function withSuffix(key: string): string {
  const extension = path.posix.extname(key);
  return `${key.slice(0, key.length - extension.length)}-${randomName()}${extension}`;
}

/** An upload that happens at most once, however often the commit behind it has to be tried. */
export interface UploadOnce {
  start(manifest: Manifest): Promise<Upload>;
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
  { openStore, repository }: OperationContext,
  version: VersionBytes,
  monitor: Monitor,
  observer: UploadObserver,
): UploadOnce {
  let upload: Upload | null = null;
  return {
    start: async (manifest) => {
      if (upload === null) {
        const { signal, onProgress } = monitor;
        const options = { signal, onProgress, onKey: (key: string) => observer.onKey(key) };
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
