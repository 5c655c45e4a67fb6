import type { Monitor } from '../progress';
import type { ObjectStore, StoreCheck } from '../store/objectStore';

export interface StoreReport {
  readonly location: string;
  readonly ok: boolean;
  readonly checks: readonly StoreCheck[];
}

/**
 * Tries whether the store can be reached, listed, read, written and deleted from, with a probe object that is removed again.
 *
 * Throws what opening the store throws (STORE_NOT_CONFIGURED, CREDENTIALS_MISSING) and CANCELLED; a right that is missing is
 * a failed check, not an error.
 *
 * @example
 * const { ok, checks } = await verifyStore({ openStore });
 */
export async function verifyStore({
  openStore,
  signal,
}: Monitor & { readonly openStore: () => Promise<ObjectStore> }): Promise<StoreReport> {
  const store = await openStore();
  const checks = await store.verify({ signal });
  return { location: store.location, ok: checks.every(({ ok }) => ok), checks };
}
