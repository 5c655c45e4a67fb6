import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { DiffAnswer, DiffEngine, DiffMonitor, DiffRequest } from './diffEngine';
import type { CompareMessage, WorkerReply, WorkerSetup } from './workerProtocol';
import { fromPlainError } from './workerProtocol';

/** A worker that does not see the flag by then is inside one long step of SQLite, and is ended. */
const CANCEL_MILLISECONDS = 150;

export interface WorkerDiffEngineOptions {
  /** The bundle of worker.ts. */
  readonly workerPath: string;
  /** `sql-wasm.wasm` of exactly the sql.js in that bundle; by default beside it. */
  readonly wasmPath?: string | undefined;
}

/**
 * A diff engine in a worker thread. The thread starts with the first comparison, handles one at a time, and does not keep
 * the process alive while it is idle. If it dies, the comparison in it fails with DIFF_UNSUPPORTED and the next gets a new one.
 *
 * @example
 * const engine = createWorkerDiffEngine({ workerPath: join(__dirname, 'worker.js') });
 */
export function createWorkerDiffEngine({ workerPath, wasmPath }: WorkerDiffEngineOptions): DiffEngine {
  const setup: WorkerSetup = { wasmPath: wasmPath ?? join(dirname(workerPath), 'sql-wasm.wasm') };
  let worker: Worker | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let nextId = 1;
  let disposed = false;
  const abandon = (): Promise<unknown> => {
    const ending = worker?.terminate() ?? Promise.resolve();
    worker = null;
    return ending;
  };

  const run = async (request: DiffRequest, monitor: DiffMonitor): Promise<DiffAnswer> => {
    throwIfCancelled(monitor.signal);
    if (disposed) throw ended();
    worker ??= startWorker(workerPath, setup);
    const current = worker;
    const forget = (): void => {
      if (worker === current) worker = null;
    };
    current.once('exit', forget);
    current.ref();
    try {
      return await compareIn(current, nextId++, request, monitor, () => {
        forget();
        void current.terminate();
      });
    } catch (error) {
      if (disposed) throw ended();
      throw error;
    } finally {
      current.off('exit', forget);
      if (worker === current) current.unref();
    }
  };

  return {
    compare(request, monitor = {}) {
      const turn = queue.then(() => run(request, monitor));
      queue = turn.catch(() => undefined);
      return untilAborted(turn, monitor.signal);
    },
    async dispose() {
      disposed = true;
      await abandon();
    },
  };
}

function ended(): DataManagerError {
  return new DataManagerError('CANCELLED', 'The comparison was ended.');
}

function startWorker(workerPath: string, setup: WorkerSetup): Worker {
  const worker = new Worker(workerPath, { workerData: setup });
  worker.unref();
  // Without a listener an error between two comparisons would end the process; the exit that follows is what counts.
  worker.on('error', () => undefined);
  return worker;
}

function compareIn(
  worker: Worker,
  id: number,
  request: DiffRequest,
  monitor: DiffMonitor,
  kill: () => void,
): Promise<DiffAnswer> {
  return new Promise((resolve, reject) => {
    const cancelFlag = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    let deadline: NodeJS.Timeout | undefined;
    let crash: unknown;
    const settle = (end: () => void): void => {
      clearTimeout(deadline);
      monitor.signal?.removeEventListener('abort', onAbort);
      worker.off('message', onMessage).off('error', onError).off('exit', onExit);
      end();
    };
    const onAbort = (): void => {
      Atomics.store(new Int32Array(cancelFlag), 0, 1);
      deadline = setTimeout(() => {
        settle(() => reject(new DataManagerError('CANCELLED', 'Cancelled.')));
        kill();
      }, CANCEL_MILLISECONDS);
    };
    const onMessage = (reply: WorkerReply): void => {
      if (reply.id !== id) return;
      if (reply.kind === 'progress') monitor.onProgress?.(reply.progress);
      else if (reply.kind === 'text') monitor.onText?.(reply.piece);
      else if (reply.kind === 'answer') settle(() => resolve(reply.answer));
      else settle(() => reject(fromPlainError(reply.error)));
    };
    const onError = (error: unknown): void => {
      crash = error;
    };
    const onExit = (): void => {
      const error = new DataManagerError('DIFF_UNSUPPORTED', 'The comparison ended unexpectedly.', {
        hint: 'Try again; if it happens again, the change may need more memory than there is.',
        cause: crash,
      });
      settle(() => reject(error));
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    monitor.signal?.addEventListener('abort', onAbort, { once: true });
    const message: CompareMessage = {
      id,
      request,
      cancelFlag,
      wantsProgress: monitor.onProgress !== undefined,
      wantsText: monitor.onText !== undefined,
    };
    worker.postMessage(message);
  });
}

/** A request that waits for its turn is cancelled at once, and not when its turn comes. */
function untilAborted<T>(turn: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return turn;
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      timer = setTimeout(() => reject(new DataManagerError('CANCELLED', 'Cancelled.')), CANCEL_MILLISECONDS + 20);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const settled = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    turn.finally(settled).then(resolve, reject);
  });
}
