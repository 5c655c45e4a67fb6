import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfCancelled } from '../errors';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** The first pause is at most this long, in milliseconds; every further one at most twice the one before. */
  readonly baseMs: number;
  /** No pause of our own choice is longer, in milliseconds. */
  readonly capMs: number;
}

/** A server that says how long it wants to be left alone is given so many times `capMs` at most. */
const ASKED_CAPS = 6;

export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, baseMs: 300, capMs: 10_000 };

/**
 * Runs something until it succeeds, fails for good, or has used up its tries; throws the last failure, or CANCELLED.
 *
 * @example
 * await withRetry(() => client.send(command), { policy: DEFAULT_RETRY, isTransient, signal });
 */
export async function withRetry<T>(
  run: () => Promise<T>,
  options: {
    readonly policy: RetryPolicy;
    readonly isTransient: (error: unknown) => boolean;
    readonly signal?: AbortSignal | undefined;
    /** Called with each failure that will be tried again. */
    readonly onRetry?: ((error: unknown) => void) | undefined;
    /** What the header Retry-After said in this failure, if it came from a server that sent one. */
    readonly retryAfter?: ((error: unknown) => string | undefined) | undefined;
  },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    throwIfCancelled(options.signal);
    try {
      return await run();
    } catch (error) {
      throwIfCancelled(options.signal);
      if (attempt >= options.policy.attempts || !options.isTransient(error)) throw error;
      options.onRetry?.(error);
      const asked = askedPause(options.retryAfter?.(error), Date.now());
      await pause(attempt, options.policy, options.signal, asked);
    }
  }
}

/**
 * Milliseconds that a header Retry-After asks for: seconds or a date (RFC 9110 §10.2.3); 0 when it says nothing. `now`: since 1970.
 *
 * @example
 * askedPause('3', Date.now()); // 3000
 */
export function askedPause(retryAfter: string | undefined, now: number): number {
  if (retryAfter === undefined) return 0;
  const ms = /^\s*\d+\s*$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now;
  return Math.max(0, ms || 0); // not a number: neither the one nor the other
}

/**
 * Waits before try `attempt + 1`. Full jitter (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/)
 * spreads clients that failed together; it comes on top of `askedMs`, which the server asked for. Throws CANCELLED.
 *
 * @example
 * await pause(1, DEFAULT_RETRY, signal); // 0 to 300 ms
 */
export async function pause(attempt: number, policy: RetryPolicy, signal?: AbortSignal, askedMs = 0): Promise<void> {
  const longest = Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1));
  const asked = Math.min(askedMs, policy.capMs * ASKED_CAPS);
  // Rejects only when the signal is aborted.
  await sleep(asked + Math.random() * longest, undefined, signal ? { signal } : {}).catch(() =>
    throwIfCancelled(signal),
  );
}
