import type { StoreCheck } from '../../core/store/objectStore';

/** What failed first, for a message with room for one thing. What was not tried was not because of something else, so that comes last. */
export function firstFailure(checks: readonly StoreCheck[]): string {
  return (checks.find(({ code }) => code !== null) ?? checks.find(({ ok }) => !ok))?.detail ?? '';
}
