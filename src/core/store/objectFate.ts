import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Monitor } from '../progress';
import type { ObjectSource, ObjectStore } from './objectStore';

/** Milliseconds that somebody who withdraws an object gets to finish, before it is given up. */
const WITHDRAWAL_MS = 10_000;

/**
 * Beside an object: who was first to decide about one that no manifest names yet. `used`: a second publisher builds on it.
 * `withdrawn`: its creator takes it back just now.
 */
function fateKey(key: string): string {
  return `${key}.fate`;
}

type Fate = 'used' | 'withdrawn';

/**
 * Takes back an object that the caller has created and nobody's manifest names: the publish that it was for has failed.
 *
 * A second publisher of equal bytes, on another machine, may have found the object a moment before and be about to commit to it; no
 * look at manifests or at the clock can rule that out. So both decide through one small object that only one of them can create
 * (stores write a key once): whoever is second leaves the object alone or, respectively, does not build on it. A version that was
 * acknowledged therefore never loses its object. If anything here is unclear, the object stays.
 *
 * @example
 * if (created) await withdrawObject(store, key);
 */
export async function withdrawObject(store: ObjectStore, key: string): Promise<void> {
  try {
    if ((await decide(store, key, 'withdrawn')) !== 'withdrawn') return;
    await store.delete(key);
    await store.delete(fateKey(key));
  } catch {
    // It stays, for gc to collect.
  }
}

/**
 * Makes sure that an object which somebody else wrote, and no manifest of ours names, will not be taken back by them. False when
 * they are doing that already: then the object is gone or going, and may be put again if it is.
 *
 * Throws the store's errors, CANCELLED.
 *
 * @example
 * if (!created && !(await claimObject(store, key))) return putUnderAnotherKey();
 */
export async function claimObject(store: ObjectStore, key: string, { signal }: Monitor = {}): Promise<boolean> {
  const deadline = Date.now() + WITHDRAWAL_MS;
  do {
    if ((await decide(store, key, 'used')) === 'used') return (await store.head(key, { signal })) !== null;
    // Rejects only when the signal is aborted, which the next request says.
    await sleep(100, undefined, signal ? { signal } : {}).catch(() => undefined);
  } while (Date.now() < deadline);
  return false;
}

/** What was decided, by us or by whoever was first. */
async function decide(store: ObjectStore, key: string, fate: Fate): Promise<Fate> {
  for (;;) {
    const { created } = await store.put(fateKey(key), note(fate));
    if (created) return fate;
    const found = await textOf(store, fateKey(key));
    if (found !== null) return found === 'withdrawn' ? 'withdrawn' : 'used';
  }
}

function note(fate: Fate): ObjectSource {
  const bytes = Buffer.from(fate);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function textOf(store: ObjectStore, key: string): Promise<string | null> {
  if ((await store.head(key)) === null) return null;
  const pieces: Uint8Array[] = [];
  try {
    for await (const piece of store.get(key)) pieces.push(piece);
  } catch (error) {
    if ((await store.head(key)) === null) return null;
    throw error;
  }
  return Buffer.concat(pieces).toString('utf8');
}
