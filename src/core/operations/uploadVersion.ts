import type { Manifest } from '../catalog/manifest';
import { newObjectKey } from '../catalog/objectKey';
import { readCatalog } from '../catalog/readCatalog';
import type { Monitor } from '../progress';
import type { ObjectStore } from '../store/objectStore';
import type { OperationContext } from './context';

export interface Transfer {
  readonly bytesSent: number;
  readonly bytesCopied: number;
  readonly requests: number;
}

export interface Upload {
  readonly key: string;
  readonly transfer: Transfer;
  /** From here on the object stays, whatever happens. */
  keep(): void;
  /** Deletes the object if this upload created it and nobody decided to keep it. */
  takeBack(): Promise<void>;
}

/**
 * Sees to it that the store holds a version's bytes: an object of equal bytes that the manifest knows is used again, else one is
 * written under a new key.
 *
 * Throws FILE_CHANGED, CANCELLED, and the store's errors; no object is left behind then.
 *
 * @example
 * const upload = await uploadVersion(store, { name, manifest, file, sha256, size }, { signal });
 */
export async function uploadVersion(
  store: ObjectStore,
  {
    name,
    manifest,
    file,
    sha256,
    size,
  }: { name: string; manifest: Manifest; file: string; sha256: string; size: number },
  { signal, onProgress }: Monitor,
): Promise<Upload> {
  const known = await findObject(store, manifest, sha256, size, signal);
  if (known !== null) {
    const transfer = { bytesSent: 0, bytesCopied: 0, requests: 1 };
    return { key: known, transfer, keep: () => undefined, takeBack: () => Promise.resolve() };
  }
  const key = newObjectKey(name, sha256);
  const { created, bytesSent, requests } = await store.put(key, { path: file, size, sha256 }, { signal, onProgress });
  let kept = false;
  return {
    key,
    transfer: { bytesSent, bytesCopied: 0, requests },
    keep: () => {
      kept = true;
    },
    takeBack: async () => {
      if (created && !kept) await store.delete(key).catch(() => undefined);
    },
  };
}

/** An upload that happens at most once, however often the commit behind it has to be tried. */
export interface UploadOnce {
  start(manifest: Manifest): Promise<Upload>;
  /** As `Upload.takeBack`, but never an object that the manifest names by now: somebody may have published the same bytes. */
  takeBack(): Promise<void>;
}

/**
 * Holds the upload of one publish. Nothing is sent before `start`.
 *
 * @example
 * const upload = uploadOnce(context, { name, file, sha256, size }, { signal });
 */
export function uploadOnce(
  { openStore, repository }: OperationContext,
  version: { readonly name: string; readonly file: string; readonly sha256: string; readonly size: number },
  monitor: Monitor,
): UploadOnce {
  let upload: Upload | null = null;
  return {
    start: async (manifest) => {
      upload ??= await uploadVersion(await openStore(), { ...version, manifest }, monitor);
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
