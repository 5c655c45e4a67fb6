/** What an operation is busy with. Shells turn it into words. */
export type Phase = 'hash' | 'download' | 'compare' | 'upload' | 'commit' | 'push' | 'waiting';

export interface Progress {
  readonly phase: Phase;
  /**
   * Bytes done so far in this phase; never passes `total`, and falls only where all begins anew: what an earlier transfer had brought
   * proved to be of no use, or the next file's turn has come.
   */
  readonly done: number;
  /** Bytes to do in this phase; null when that is not known. */
  readonly total: number | null;
  /** Bytes of `done` that nobody had to send or fetch: the store copied them, or this machine had them. */
  readonly copied?: number | undefined;
  /** Bytes of `done` that an earlier, interrupted transfer had brought over. */
  readonly resumed?: number | undefined;
  /** Bytes of `done` that stay when the transfer is stopped now, for the next one to go on with. */
  readonly kept?: number | undefined;
  /** Words about this phase: whom we are waiting for. */
  readonly detail?: string | undefined;
}

/** Called as often as the work likes; shells throttle. */
export type OnProgress = (progress: Progress) => void;

/** The two hooks that every long operation takes. */
export interface Monitor {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: OnProgress | undefined;
}
