import { createHash } from 'node:crypto';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { randomName } from './durableFile';
import type { ObjectStore, StoreCheck } from './objectStore';

type Checked = Pick<ObjectStore, 'location' | 'head' | 'get' | 'put' | 'delete' | 'list'>;

/** Deleting the probe must not wait for a signal that is aborted, nor for ever. */
const CLEAN_UP_MS = 15_000;

/**
 * Finds out which rights there are, by using each once on a small probe object that is removed again.
 *
 * Without the right to write, reading is tried on any object that is there. Throws only CANCELLED.
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
  if (list.code === 'STORE_UNREACHABLE' || list.code === 'BUCKET_MISSING') return unreachable(list.row);
  const reach: StoreCheck = { check: 'reach', ok: true, detail: `${store.location} answers.`, code: null };

  const bytes = Buffer.from('A probe of the rights on this store. It can be deleted.\n');
  const probe = { key: `datamanager-probe-${randomName()}`, sha256: createHash('sha256').update(bytes).digest('hex') };
  let removed = false;
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
    const deletion = write.row.ok
      ? (await tryRight('delete', 'Objects can be deleted.', signal, () => store.delete(probe.key, { signal }))).row
      : notTried('delete', 'no probe object could be written');
    removed = deletion.ok || !write.row.ok;
    return [reach, list.row, read, write.row, deletion];
  } finally {
    if (!removed) await store.delete(probe.key, { signal: AbortSignal.timeout(CLEAN_UP_MS) }).catch(() => {});
  }
}

async function readSome(store: Checked, key: string, signal: AbortSignal | undefined): Promise<void> {
  for await (const _piece of store.get(key, { signal })) break;
}

interface Outcome {
  readonly row: StoreCheck;
  readonly code: string | null;
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
    return { row: { check, ok: true, detail: fine, code: null }, code: null };
  } catch (error) {
    throwIfCancelled(signal);
    if (!DataManagerError.is(error)) throw error;
    return {
      row: { check, ok: false, detail: [error.message, error.hint].filter(Boolean).join(' '), code: error.code },
      code: error.code,
    };
  }
}

function notTried(check: StoreCheck['check'], why: string): StoreCheck {
  return { check, ok: false, detail: `Not tried: ${why}.`, code: null };
}

function unreachable({ detail, code }: StoreCheck): readonly StoreCheck[] {
  const rest = (['list', 'read', 'write', 'delete'] as const).map((check) =>
    notTried(check, "the store can't be reached"),
  );
  return [{ check: 'reach', ok: false, detail, code }, ...rest];
}
