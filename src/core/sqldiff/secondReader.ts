import { Worker } from 'node:worker_threads';
import type { SharedComparison } from './sharedComparison';

/** A thread that takes part in comparing pages, see `SharedComparison`. */
export interface SecondReader {
  /** Has the thread join; returns at once, and does not say whether it comes. */
  join(shared: SharedComparison): void;
  /** Ends the thread. */
  dispose(): Promise<void>;
}

/**
 * A second reader in a thread of its own. It starts with the first comparison, which it may join halfway, stays for the next,
 * ends with the thread that made it, and keeps no process alive. If it can't start, or dies, it is not started again: the
 * work goes on without it.
 *
 * @example
 * const secondReader = createSecondReader(join(__dirname, 'reader.js'));
 */
export function createSecondReader(readerPath: string): SecondReader {
  let thread: Worker | null = null;
  let dead = false;
  return {
    join(shared) {
      if (dead) return;
      try {
        thread ??= startThread(readerPath, () => {
          dead = true;
        });
        thread.postMessage(shared);
      } catch {
        dead = true; // such as when the system has no thread left
      }
    },
    async dispose() {
      dead = true;
      await thread?.terminate();
    },
  };
}

function startThread(readerPath: string, onExit: () => void): Worker {
  const thread = new Worker(readerPath);
  thread.unref();
  // Without a listener an error would end the process; the exit that follows is what counts.
  thread.on('error', () => undefined).on('exit', onExit);
  return thread;
}
