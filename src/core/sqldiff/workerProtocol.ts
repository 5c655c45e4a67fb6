import type { PlainError } from '../plainError';
import type { Progress } from '../progress';
import type { DiffAnswer, DiffRequest, PatchRequest } from './diffEngine';

/** What the worker is started with. */
export interface WorkerSetup {
  readonly wasmPath: string;
  /** The bundle of reader.ts. */
  readonly readerPath: string;
}

/** What the worker can do, and the type of its answer. */
export interface WorkerAnswers {
  readonly compare: DiffAnswer;
  readonly contentHash: string | null;
  readonly applyPatch: null;
}

export type WorkerTask =
  | { readonly kind: 'compare'; readonly request: DiffRequest }
  | { readonly kind: 'contentHash'; readonly path: string }
  | { readonly kind: 'applyPatch'; readonly request: PatchRequest };

/** From the client; the worker handles one at a time. */
export interface TaskMessage {
  readonly id: number;
  readonly task: WorkerTask;
  /** One Int32; not 0 once the client has cancelled. */
  readonly cancelFlag: SharedArrayBuffer;
  readonly wantsProgress: boolean;
  readonly wantsText: boolean;
}

/** From the worker. */
export type WorkerReply =
  | { readonly kind: 'progress'; readonly id: number; readonly progress: Progress }
  | { readonly kind: 'text'; readonly id: number; readonly piece: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: WorkerAnswers[keyof WorkerAnswers] }
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError };
