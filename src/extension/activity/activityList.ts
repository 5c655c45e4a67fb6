import { DataManagerError } from '../../core/errors';
import type { Monitor } from '../../core/progress';
import { type Conflict, conflictOf } from './conflict';
import { type Figures, TransferMeter } from './transferMeter';

export type ActivityKind = 'publish' | 'pull' | 'compare' | 'push' | 'materialize' | 'recover';

/** Whether it moves the branch. */
const writes: Readonly<Record<ActivityKind, boolean>> = {
  publish: true,
  pull: false,
  compare: false,
  push: true,
  materialize: false,
  recover: true,
};

/** Something long that a person started. */
export interface ActivityTask<T = unknown> {
  readonly kind: ActivityKind;
  /** `Updating utopia.sqlite`. */
  readonly title: string;
  /** Folder of the repository; null when there is none. */
  readonly folder: string | null;
  /** Shown only when it takes a moment, and remembered only when bytes had to be fetched or it failed. */
  readonly brief?: boolean;
  /** What became of it, in a sentence. */
  readonly outcome: (result: T) => string;
  /** Does the same once more; transfers go on where they were. */
  readonly again: () => Promise<unknown>;
  /** Puts what was to be published on top of what somebody else published meanwhile. */
  readonly onTop?: () => Promise<unknown>;
}

export type ActivityState =
  | { readonly kind: 'running' }
  /** Asked to stop, and about to. */
  | { readonly kind: 'stopping' }
  | { readonly kind: 'done'; readonly sentence: string }
  /** `kept`: bytes that the next run goes on with. */
  | { readonly kind: 'paused'; readonly kept: number }
  | {
      readonly kind: 'failed';
      readonly sentence: string;
      readonly hint: string | null;
      readonly conflict: Conflict | null;
    };

/** A row of the Activity view, from its beginning until it is cleared. */
export interface Activity {
  readonly id: string;
  readonly task: Omit<ActivityTask, 'outcome'>;
  readonly state: ActivityState;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Null while it runs. */
  readonly endedAt: number | null;
  /** As they are now; as they were in the end. */
  readonly figures: Figures | null;
}

/** Finished rows that are remembered. */
export const recentActivities = 20;
/** What is brief and done by then was never shown. Milliseconds. */
const showAfterMs = 300;

/** What one of them does to the list: its figures moved, its state changed, or rows came or went. */
export type ActivityChange =
  | { readonly kind: 'figures' | 'state'; readonly activity: Activity }
  | { readonly kind: 'rows' };

/** What this window is doing and has done, newest first. Knows no editor. */
export class ActivityList {
  private rows: RunningActivity[] = [];
  private readonly listeners = new Set<(change: ActivityChange) => void>();
  private count = 0;

  get all(): readonly Activity[] {
    return this.rows;
  }

  subscribe(listener: (change: ActivityChange) => void): { dispose(): void } {
    this.listeners.add(listener);
    return { dispose: () => void this.listeners.delete(listener) };
  }

  /** Runs a task as a row. What `work` throws is thrown on. */
  async run<T>(task: ActivityTask<T>, work: (monitor: Monitor, abort: AbortController) => Promise<T>): Promise<T> {
    const { outcome, ...shown } = task;
    const activity = new RunningActivity(`activity:${++this.count}`, shown, (kind) => this.fire({ kind, activity }));
    const add = (): void => {
      if (this.rows.includes(activity)) return;
      this.rows = [activity, ...this.rows];
      this.fire({ kind: 'rows' });
    };
    const timer = task.brief ? setTimeout(add, showAfterMs) : undefined;
    if (!task.brief) add();
    try {
      const result = await work(activity.monitor, activity.abort);
      if (task.brief && !activity.transferred) this.remove(activity);
      else activity.end({ kind: 'done', sentence: outcome(result) });
      return result;
    } catch (error) {
      const state = stateAfter(error, activity, task.folder);
      if (state === null) this.remove(activity);
      else {
        add();
        activity.end(state);
      }
      throw error;
    } finally {
      clearTimeout(timer);
      this.forgetOldest();
    }
  }

  /** True while something changes the branch of that repository. */
  isWriting(folder: string): boolean {
    return this.rows.some(({ endedAt, task }) => endedAt === null && writes[task.kind] && task.folder === folder);
  }

  /** Asks a running one to stop. */
  stop(id: string): void {
    this.rows.find((row) => row.id === id)?.stop();
  }

  /** Takes a row away, such as the paused one that is gone on with. */
  remove({ id }: Pick<Activity, 'id'>): void {
    this.keep((row) => row.id !== id);
  }

  /** Takes away all that have ended. */
  clear(): void {
    this.keep(({ endedAt }) => endedAt === null);
  }

  private forgetOldest(): void {
    const ended = this.rows.filter(({ endedAt }) => endedAt !== null);
    const old = new Set(ended.slice(recentActivities));
    this.keep((row) => !old.has(row));
  }

  private keep(wanted: (row: RunningActivity) => boolean): void {
    const left = this.rows.filter(wanted);
    if (left.length === this.rows.length) return;
    this.rows = left;
    this.fire({ kind: 'rows' });
  }

  private fire(change: ActivityChange): void {
    for (const listener of this.listeners) listener(change);
  }
}

class RunningActivity implements Activity {
  readonly abort = new AbortController();
  readonly startedAt = Date.now();
  state: ActivityState = { kind: 'running' };
  endedAt: number | null = null;
  /** True once bytes came over the line. */
  transferred = false;
  private readonly meter = new TransferMeter(performance.now());
  private last: Figures | null = null;

  constructor(
    readonly id: string,
    readonly task: Omit<ActivityTask, 'outcome'>,
    private readonly changed: (kind: 'figures' | 'state') => void,
  ) {
    // The notification's own button aborts too.
    this.abort.signal.addEventListener('abort', () => this.stopping(), { once: true });
  }

  readonly monitor: Monitor = {
    signal: this.abort.signal,
    onProgress: (progress) => {
      if (this.endedAt !== null) return;
      this.meter.report(progress, performance.now());
      if (progress.phase === 'download' && progress.done > 0) this.transferred = true;
      this.changed('figures');
    },
  };

  get figures(): Figures | null {
    return this.endedAt === null ? this.meter.figures(performance.now()) : this.last;
  }

  stop(): void {
    if (this.endedAt === null) this.abort.abort();
  }

  end(state: ActivityState): void {
    this.last = this.figures;
    this.endedAt = Date.now();
    this.state = state;
    this.changed('state');
  }

  private stopping(): void {
    if (this.endedAt !== null) return;
    this.state = { kind: 'stopping' };
    this.changed('state');
  }
}

/** Null when the row has nothing to tell: a question was closed, or is about to be asked. */
function stateAfter(error: unknown, { abort, figures }: RunningActivity, folder: string | null): ActivityState | null {
  if (DataManagerError.is(error, 'CANCELLED')) {
    return abort.signal.aborted ? { kind: 'paused', kept: figures?.kept ?? 0 } : null;
  }
  if (DataManagerError.is(error, 'CONFIRMATION_NEEDED')) return null;
  const conflict = folder === null ? null : conflictOf(error, folder);
  const sentence = error instanceof Error ? error.message : String(error);
  const hint = DataManagerError.is(error) ? (error.hint ?? null) : null;
  // Core's hint about a conflict names command lines; here the row has the actions.
  return { kind: 'failed', sentence, hint: conflict ? null : hint, conflict };
}
