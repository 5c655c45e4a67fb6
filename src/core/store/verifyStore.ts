import { createHash } from 'node:crypto';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { randomName } from './durableFile';
import type { ObjectStore, StoreCheck } from './objectStore';

type Checked = Pick<ObjectStore, 'location' | 'head' | 'get' | 'put' | 'delete' | 'list'>;

/** Deleting the probe must not wait for a signal that is aborted, nor for ever. */
const CLEAN_UP_MS = 15_000;

/**
 * Finds out which rights there are, by using each once on a small probe object that is removed again. Where that is refused, the check
 * of deleting says what is left. Without the right to write, reading is tried on any object that is there.
 *
 * Throws only CANCELLED; its hint names the probe when that could not be removed.
 *
 * @example
 * for (const { check, ok, detail } of await verifyStore(store)) report(check, ok, detail);
 */
export async function verifyStore(store: Checked, { signal }: Monitor = {}): Promise<readonly StoreCheck[]> {
  let anyKey: string | null = null;
  const list = await tryRight('list', 'Objects can be listed.', signal, async () => {
    for await (const { key } of store.list('', { signal })) {
      anyKey = key;
      break;
    }
  });
  if (neverAsked(list.error)) {
    return [{ ...list.row, check: 'reach' }, ...untried(['list', 'read', 'write', 'delete'], 'see above')];
  }
  const reach: StoreCheck = { check: 'reach', ok: true, detail: `${store.location} answers.`, code: null };
  if (refusesEverything(list.error)) return [reach, list.row, ...untried(['read', 'write', 'delete'], 'see above')];

  const bytes = Buffer.from('A probe of the rights on this store. It can be deleted.\n');
  const probe = { key: `datamanager-probe-${randomName()}`, sha256: createHash('sha256').update(bytes).digest('hex') };
  const remove = (cancelled?: AbortSignal): Promise<void> =>
    store.delete(probe.key, { signal: cancelled ?? AbortSignal.timeout(CLEAN_UP_MS) });
  try {
    const write = await tryRight('write', 'Objects can be written.', signal, async () => {
      await store.put(probe.key, { bytes, sha256: probe.sha256 }, { signal });
    });
    // An object of somebody else's may be closed to whom their own are open.
    const readable = [...(write.row.ok ? [probe.key] : []), ...(anyKey === null ? [] : [anyKey])];
    const readAll = async (): Promise<void> => {
      for (const key of readable) await readSome(store, key, signal);
    };
    const read =
      readable.length === 0
        ? notTried('read', 'there is no object to read')
        : (await tryRight('read', 'Objects can be read.', signal, readAll)).row;
    if (!write.row.ok) {
      // It may have arrived all the same.
      await remove().catch(() => {});
      return [reach, list.row, read, write.row, notTried('delete', 'no probe object could be written')];
    }
    const deletion = (await tryRight('delete', 'Objects can be deleted.', signal, () => remove(signal))).row;
    if (deletion.ok || (await isGone(remove))) return [reach, list.row, read, write.row, deletion];
    return [reach, list.row, read, write.row, { ...deletion, detail: `${deletion.detail} ${leftBehind(probe.key)}` }];
  } catch (error) {
    if ((await isGone(remove)) || !DataManagerError.is(error, 'CANCELLED')) throw error;
    throw new DataManagerError('CANCELLED', 'Cancelled.', { hint: leftBehind(probe.key), data: { key: probe.key } });
  }
}

function isGone(remove: () => Promise<void>): Promise<boolean> {
  return remove().then(
    () => true,
    () => false,
  );
}

function leftBehind(key: string): string {
  return `The probe object ${key} could not be removed: delete it with an access key that may.`;
}

/** There is no such server or bucket, or the keys can't even be sent. */
function neverAsked(error: DataManagerError | null): boolean {
  if (error?.code === 'CREDENTIALS_REJECTED') return error.data.status === null;
  return error?.code === 'STORE_UNREACHABLE' || error?.code === 'BUCKET_MISSING';
}

/** Keys, clock or region are wrong: every other request would be answered with the same words. */
function refusesEverything(error: DataManagerError | null): boolean {
  if (error?.code === 'CREDENTIALS_REJECTED') return true;
  return error?.code === 'STORE_REFUSED' && error.data.reason !== undefined;
}

async function readSome(store: Checked, key: string, signal: AbortSignal | undefined): Promise<void> {
  for await (const _piece of store.get(key, { signal })) break;
}

interface Outcome {
  readonly row: StoreCheck;
  readonly error: DataManagerError | null;
}

async function tryRight(
  check: StoreCheck['check'],
  fine: string,
  signal: AbortSignal | undefined,
  use: () => Promise<void>,
): Promise<Outcome> {
  throwIfCancelled(signal);
  try {
    await use();
    return { row: { check, ok: true, detail: fine, code: null }, error: null };
  } catch (error) {
    throwIfCancelled(signal);
    if (!DataManagerError.is(error)) throw error;
    const detail = [error.message, error.hint].filter(Boolean).join(' ');
    return { row: { check, ok: false, detail, code: error.code }, error };
  }
}

function untried(checks: readonly StoreCheck['check'][], why: string): readonly StoreCheck[] {
  return checks.map((check) => notTried(check, why));
}

function notTried(check: StoreCheck['check'], why: string): StoreCheck {
  return { check, ok: false, detail: `Not tried: ${why}.`, code: null };
}
