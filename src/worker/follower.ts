import { parentPort } from 'node:worker_threads';
import { toPlainError } from '../core/plainError';
import { type FollowRequest, followFile } from '../core/store/followFile';
import type { FollowAnswer, FollowOrder } from '../core/store/followProtocol';

/** What a followed file waits for. */
interface Waiting {
  arrived?: (bytes: number) => void;
  mended?: (again: boolean) => void;
  stop: (reason: Error) => void;
}

const files = new Map<number, Waiting>();

function answer(message: FollowAnswer): void {
  parentPort?.postMessage(message);
}

async function follow(id: number, request: FollowRequest): Promise<void> {
  const waiting: Waiting = { stop: () => undefined };
  files.set(id, waiting);
  const stopped = new Promise<never>((_, reject) => {
    waiting.stop = reject;
  });
  stopped.catch(() => undefined);
  try {
    const followed = await followFile(request, {
      arrived: (read) => {
        const bytes = new Promise<number>((resolve) => {
          waiting.arrived = resolve;
        });
        answer({ kind: 'waiting', id, read });
        return Promise.race([bytes, stopped]);
      },
      damaged: (range) => {
        const again = new Promise<boolean>((resolve) => {
          waiting.mended = resolve;
        });
        answer({ kind: 'damaged', id, range });
        return Promise.race([again, stopped]);
      },
    });
    answer({ kind: 'followed', id, followed });
  } catch (error) {
    answer({ kind: 'failed', id, error: toPlainError(error) });
  } finally {
    files.delete(id);
  }
}

parentPort?.on('message', (order: FollowOrder) => {
  if (order.kind === 'follow') void follow(order.id, order.request);
  else if (order.kind === 'arrived') files.get(order.id)?.arrived?.(order.bytes);
  else if (order.kind === 'mended') files.get(order.id)?.mended?.(order.again);
  else files.get(order.id)?.stop(new Error('Stopped.'));
});
