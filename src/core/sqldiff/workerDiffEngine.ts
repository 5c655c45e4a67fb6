import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { DataManagerError, throwIfCancelled } from '../errors';
import { fromPlainError } from '../plainError';
import type { DiffEngine, DiffMonitor } from './diffEngine';
import { placeFile } from './placeFile';
import type { TaskMessage, WorkerAnswers, WorkerReply, WorkerSetup, WorkerTask } from './workerProtocol';

/** A worker that does not see the flag by then is inside one long step of SQLite, and is ended. */
const CANCEL_MILLISECONDS = 150;

export interface WorkerDiffEngineOptions {
  /** The bundle of worker.ts. That of reader.ts, `reader.js`, should be beside it: without it large files take twice as long. */
  readonly workerPath: string;
  /** `sql-wasm.wasm` of exactly the sql.js in that bundle; by default beside it. */
  readonly wasmPath?: string | undefined;
}

/**
 * A diff engine in a worker thread. The thread starts with the first task, handles one at a time, and does not keep the process
 * alive while it is idle. If it dies, the task in it fails with DIFF_UNSUPPORTED and the next gets a new one.
 *
 * @example
 * const engine = createWorkerDiffEngine({ workerPath: join(__dirname, 'worker.js') });
 */
export function createWorkerDiffEngine({ workerPath, wasmPath }: WorkerDiffEngineOptions): DiffEngine {
  const folder = dirname(workerPath);
  const setup: WorkerSetup = {
    wasmPath: wasmPath ?? join(folder, 'sql-wasm.wasm'),
    readerPath: join(folder, 'reader.js'),
  };
  let worker: Worker | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let nextId = 1;
  let disposed = false;
  const abandon = (): Promise<unknown> => {
    const ending = worker?.terminate() ?? Promise.resolve();
    worker = null;
    return ending;
  };

  const run = async <Task extends WorkerTask>(
    task: Task,
    monitor: DiffMonitor,
  ): Promise<WorkerAnswers[Task['kind']]> => {
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
      const kill = (): void => {
        forget();
        void current.terminate();
      };
      // The worker answers each kind of task with its own type.
      return (await runIn(current, nextId++, task, monitor, kill)) as WorkerAnswers[Task['kind']];
    } catch (error) {
      if (disposed) throw ended();
      throw error;
    } finally {
      current.off('exit', forget);
      if (worker === current) current.unref();
    }
  };

  const inTurn = <T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    const turn = queue.then(work);
    queue = turn.catch(() => undefined);
    return untilAborted(turn, signal);
  };

  return {
    compare(request, monitor = {}) {
      return inTurn(() => run({ kind: 'compare', request }, monitor), monitor.signal);
    },
    contentHash(path, monitor = {}) {
      return inTurn(() => run({ kind: 'contentHash', path }, monitor), monitor.signal);
    },
    applyPatch(request, monitor = {}) {
      // Placed here and not in the worker, which may be ended at any moment and would leave an unfinished file.
      const write = async (target: string): Promise<void> => {
        await run({ kind: 'applyPatch', request: { ...request, target } }, monitor);
        throwIfCancelled(monitor.signal);
      };
      return inTurn(() => placeFile(request.target, write), monitor.signal);
    },
    async dispose() {
      disposed = true;
      await abandon();
    },
  };
}

function ended(): DataManagerError {
  return new DataManagerError('CANCELLED', 'The work in the background was ended.');
}

function startWorker(workerPath: string, setup: WorkerSetup): Worker {
  const worker = new Worker(workerPath, { workerData: setup });
  worker.unref();
  // Without a listener an error between two comparisons would end the process; the exit that follows is what counts.
  worker.on('error', () => undefined);
  return worker;
}

function runIn(
  worker: Worker,
  id: number,
  task: WorkerTask,
  monitor: DiffMonitor,
  kill: () => void,
): Promise<WorkerAnswers[keyof WorkerAnswers]> {
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
      const error = new DataManagerError('DIFF_UNSUPPORTED', 'The work in the background ended unexpectedly.', {
        hint: 'Try again; if it happens again, the change may need more memory than there is.',
        cause: crash,
      });
      settle(() => reject(error));
    };
    worker.on('message', onMessage).on('error', onError).on('exit', onExit);
    monitor.signal?.addEventListener('abort', onAbort, { once: true });
    const message: TaskMessage = {
      id,
      task,
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
