import { availableParallelism, tmpdir } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { toPlainError } from '../core/plainError';
import { applyPatch } from '../core/sqldiff/applyPatch';
import { compareByBestForm } from '../core/sqldiff/compareByPages';
import type { CompareHooks } from '../core/sqldiff/compareFiles';
import { hashContent } from '../core/sqldiff/hashContent';
import { createSecondReader } from '../core/sqldiff/secondReader';
import type { SqlJs } from '../core/sqldiff/sqlJs';
import { loadSqlJs } from '../core/sqldiff/sqlJs';
import type { TaskMessage, WorkerReply, WorkerSetup, WorkerTask } from '../core/sqldiff/workerProtocol';
import { compareOtherFiles } from '../core/textdiff/compareOtherFiles';

/** The client shows at most a few a second; one a block read would flood its event loop. */
const PROGRESS_MILLISECONDS = 100;

const { wasmPath, readerPath } = workerData as WorkerSetup;
// On a single core two threads only get in each other's way.
const secondReader = availableParallelism() > 1 ? createSecondReader(readerPath) : undefined;
let newSqlJs: Promise<() => Promise<SqlJs>> | null = null;

// Most comparisons need no SQLite, so it is loaded by the first that does.
async function freshSqlJs(): Promise<SqlJs> {
  newSqlJs ??= loadSqlJs(wasmPath);
  return (await newSqlJs)();
}

function reply(message: WorkerReply): void {
  parentPort?.postMessage(message);
}

async function answer(task: WorkerTask, hooks: CompareHooks) {
  switch (task.kind) {
    case 'compare':
      return (
        compareOtherFiles(task.request, hooks) ??
        compareByBestForm(task.request, hooks, { tempFolder: tmpdir(), secondReader }, freshSqlJs)
      );
    case 'contentHash':
      return hashContent(task.path, hooks);
    case 'applyPatch':
      applyPatch(await freshSqlJs(), task.request, hooks);
      return null;
  }
}

async function handle({ id, task, cancelFlag, wantsProgress, wantsText }: TaskMessage): Promise<void> {
  const flag = new Int32Array(cancelFlag);
  let reported = 0;
  try {
    const hooks: CompareHooks = {
      isCancelled: () => Atomics.load(flag, 0) !== 0,
      onProgress: (progress) => {
        const now = performance.now();
        if (!wantsProgress || (now - reported < PROGRESS_MILLISECONDS && progress.done !== progress.total)) return;
        reported = now;
        reply({ kind: 'progress', id, progress });
      },
      onText: (piece) => {
        if (wantsText) reply({ kind: 'text', id, piece });
      },
    };
    reply({ kind: 'answer', id, answer: await answer(task, hooks) });
  } catch (error) {
    reply({ kind: 'error', id, error: toPlainError(error) });
  }
}

parentPort?.on('message', (message: TaskMessage) => void handle(message));
