import { Worker } from 'node:worker_threads';
import { fromPlainError } from '../plainError';
import { type FollowedFile, type FollowHooks, type FollowRequest, followFile } from './followFile';
import type { FollowAnswer, FollowOrder } from './followProtocol';

/** Bytes. A shorter file is read before a thread is there. */
const IN_THREAD_FROM = 32 << 20;

/** `followFile`, here or in another thread. */
export type FollowFile = (request: FollowRequest, hooks: FollowHooks) => Promise<FollowedFile>;

/** A thread that follows files. */
export interface FollowThread {
  readonly follow: FollowFile;
  /** Ends the thread; what it was busy with fails. */
  dispose(): Promise<void>;
}

/**
 * Follows files in a thread of its own (`worker/follower.ts`), so that hashing goes on beside receiving. The thread starts with the
 * first large file, serves all that come, and keeps no process alive while there is none. Without it, or when it dies, the work is
 * done here.
 *
 * @example
 * const { follow } = createFollowThread(join(__dirname, 'follower.js'));
 */
export function createFollowThread(followerPath: string): FollowThread {
  let thread: Worker | null = null;
  let busy = 0;
  let nextId = 1;
  const start = (): Worker => {
    const started = new Worker(followerPath);
    started.setMaxListeners(0); // each file that is followed listens
    // Without a listener an error would end the process; the exit that follows is what counts.
    started
      .on('error', () => undefined)
      .once('exit', () => {
        thread = null;
      });
    return started;
  };
  const follow: FollowFile = async (request, hooks) => {
    if (request.size < IN_THREAD_FROM) return followFile(request, hooks);
    try {
      thread ??= start();
    } catch {
      return followFile(request, hooks); // such as when the system has no thread left
    }
    const worker = thread;
    worker.ref();
    busy += 1;
    try {
      const followed = await followIn(worker, nextId++, request, hooks);
      return followed ?? (await followFile(request, hooks));
    } finally {
      busy -= 1;
      if (busy === 0) worker.unref();
    }
  };
  return { follow, dispose: async () => void (await thread?.terminate()) };
}

/** Null when the thread died. */
function followIn(
  worker: Worker,
  id: number,
  request: FollowRequest,
  hooks: FollowHooks,
): Promise<FollowedFile | null> {
  return new Promise((resolve, reject) => {
    const tell = (order: FollowOrder): void => worker.postMessage(order);
    const settle = (end: () => void): void => {
      worker.off('message', onMessage).off('exit', onExit);
      end();
    };
    let failure: { readonly error: unknown } | null = null;
    const fail = (error: unknown): void => {
      failure ??= { error };
      // It answers once its files are closed.
      tell({ kind: 'stop', id });
    };
    const onMessage = (answer: FollowAnswer): void => {
      if (answer.id !== id) return;
      if (answer.kind === 'waiting') {
        hooks.arrived(answer.read).then((bytes) => tell({ kind: 'arrived', id, bytes }), fail);
      } else if (answer.kind === 'damaged') {
        hooks.damaged(answer.range).then((again) => tell({ kind: 'mended', id, again }), fail);
      } else if (answer.kind === 'followed') settle(() => resolve(answer.followed));
      else settle(() => reject(failure ? failure.error : fromPlainError(answer.error)));
    };
    const onExit = (): void => settle(() => (failure ? reject(failure.error) : resolve(null)));
    worker.on('message', onMessage).once('exit', onExit);
    tell({ kind: 'follow', id, request });
  });
}
