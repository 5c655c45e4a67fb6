import { createHash } from 'node:crypto';
import type { ResolvedVersion } from '../catalog/reference';
import { readVersionMeta, writeVersionMeta } from '../catalog/versionMeta';
import type { Monitor } from '../progress';
import type { ObjectSource, ObjectStore } from '../store/objectStore';
import { furtherMetaKey, metaKey } from '../transfer/companions';
import { readSmallObject } from '../transfer/readSmallObject';
import type { OperationContext } from './context';

/** Milliseconds that a publish, which is done by then, waits for the descriptions at most. */
const PATIENCE_MS = 10_000;
/** Bytes. One takes less than a thousand; the rest is for long descriptions. */
const META_LIMIT = 1 << 20;

/**
 * Writes `.meta.json` beside the objects of versions that were pushed (DESIGN §6), so that the catalog can be made again from the
 * bucket alone.
 *
 * It comes after the push, because it holds the version's number and is written only once: until the push went through, the number
 * may go to somebody else, and the object may be taken back. So it is never wrong about a version of this branch, and nothing has to
 * be taken back with it. For that it may be missing: it is best effort, and nothing here fails or undoes a publish that is done,
 * neither an error nor a cancel nor a store that does not answer. `materializeVersions` writes what is missing.
 *
 * Gives the number of requests; one a version is usual.
 *
 * @example
 * const requests = await describeVersions(context, push.settled, { signal });
 */
export async function describeVersions(
  { openStore }: Pick<OperationContext, 'openStore'>,
  versions: readonly ResolvedVersion[],
  { signal }: Pick<Monitor, 'signal'>,
): Promise<number> {
  let requests = 0;
  if (versions.length === 0 || signal?.aborted) return requests;
  const late = AbortSignal.timeout(PATIENCE_MS);
  const within = { signal: signal ? AbortSignal.any([signal, late]) : late };
  try {
    const store = await openStore();
    for (const version of versions) requests += await describeVersion(store, version, within);
  } catch {
    // What is not there can be written from the manifest at any time.
  }
  return requests;
}

/**
 * The same for one version, with its errors. Where equal bytes are described as another version's already, this one is described
 * beside that.
 *
 * Throws the store's errors, CANCELLED.
 *
 * @example
 * await describeVersion(store, { dataset, entry }, { signal });
 */
export async function describeVersion(
  store: ObjectStore,
  version: ResolvedVersion,
  { signal }: Pick<Monitor, 'signal'>,
): Promise<number> {
  const { key, version: number } = version.entry;
  const source = sourceOf(writeVersionMeta(version));
  const first = await store.put(metaKey(key), source, { signal });
  if (first.created) return first.requests;
  if (await isDescribed(store, version, { signal })) return first.requests + 1;
  const further = furtherMetaKey(key, { name: version.dataset.name, version: number });
  return first.requests + 1 + (await store.put(further, source, { signal })).requests;
}

/**
 * True when what lies beside the version's object says that it is this version. One request.
 *
 * Throws the store's errors, CANCELLED.
 *
 * @example
 * if (!(await isDescribed(store, version, { signal }))) await describeVersion(store, version, { signal });
 */
export async function isDescribed(
  store: ObjectStore,
  { dataset, entry }: ResolvedVersion,
  { signal }: Pick<Monitor, 'signal'>,
): Promise<boolean> {
  const bytes = await readSmallObject(store, metaKey(entry.key), META_LIMIT, signal);
  const found = bytes && readVersionMeta(bytes.toString('utf8'), entry.key);
  if (!found || found.dataset.name !== dataset.name) return false;
  return found.entry.version === entry.version && found.entry.sha256 === entry.sha256;
}

function sourceOf(text: string): ObjectSource {
  const bytes = Buffer.from(text);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}
