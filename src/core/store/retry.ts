import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfCancelled } from '../errors';

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** The first pause is at most this long, in milliseconds; every further one at most twice the one before. */
  readonly baseMs: number;
  /** No pause is longer, in milliseconds. */
  readonly capMs: number;
}

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
      await pause(attempt, options.policy, options.signal);
    }
  }
}

/**
 * Waits before try `attempt + 1`. Full jitter (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/)
 * spreads clients that failed together. Throws CANCELLED.
 *
 * @example
 * await pause(1, DEFAULT_RETRY, signal); // 0 to 300 ms
 */
export async function pause(attempt: number, policy: RetryPolicy, signal?: AbortSignal): Promise<void> {
  const longest = Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1));
  // Rejects only when the signal is aborted.
  await sleep(Math.random() * longest, undefined, signal ? { signal } : {}).catch(() => throwIfCancelled(signal));
}
