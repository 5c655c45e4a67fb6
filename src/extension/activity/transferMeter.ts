import type { Phase, Progress } from '../../core/progress';

/** What a person wants to know of a running transfer. Bytes, seconds, bytes a second. */
export interface Figures {
  readonly phase: Phase;
  readonly done: number;
  readonly total: number | null;
  /** Whole percent, never 100 before the end; null without a total. */
  readonly percent: number | null;
  /** Of `done`: the store or this machine had them. */
  readonly copied: number;
  /** Of `done`: an earlier, interrupted transfer brought them. */
  readonly resumed: number;
  /** Of `done`: the next transfer goes on with them, should this one be stopped now. */
  readonly kept: number;
  /** Over the last seconds, of bytes that really travelled; null while that is not known. */
  readonly speed: number | null;
  readonly secondsLeft: number | null;
  readonly detail: string | null;
}

interface Sample {
  readonly at: number;
  /** Bytes that travelled. */
  readonly moved: number;
}

/** Speeds are an average over this time at least, milliseconds, */
const windowMs = 5_000;
/** and over so many reports: large parts arrive together and seldom. */
const windowReports = 8;
/** A speed of less time than that is a guess. Milliseconds. */
const leastMs = 800;
/** Reports may come thousands of times a second; so many of them are kept. Milliseconds. */
const sampleMs = 100;

/** Makes figures of progress reports. Times are milliseconds of any one clock that never goes back. */
export class TransferMeter {
  private latest: Progress | null = null;
  private latestAt: number;
  private samples: Sample[] = [];

  constructor(startedAt: number) {
    this.latestAt = startedAt;
  }

  report(progress: Progress, at: number): void {
    const { latest: before, latestAt } = this;
    this.latest = progress;
    this.latestAt = at;
    const sample = { at, moved: movedBytes(progress) };
    const last = this.samples.at(-1);
    // Another phase, or another transfer in the same one, began at zero, when the one before ended: a first part that took four
    // seconds is no sign of an endless speed.
    if (!last || before?.phase !== progress.phase || sample.moved < last.moved) {
      this.samples = [{ at: Math.max(latestAt, at - windowMs), moved: 0 }, sample];
      return;
    }
    const previous = this.samples.at(-2);
    if (previous && last.at - previous.at < sampleMs) this.samples.pop();
    this.samples.push(sample);
    // The last one from before the window is where its average starts.
    while (this.samples.length > windowReports + 1 && (this.samples[1]?.at ?? at) <= at - windowMs)
      this.samples.shift();
  }

  /** Null before the first report. */
  figures(at: number): Figures | null {
    const { latest } = this;
    if (!latest) return null;
    const { phase, done, total, copied = 0, resumed = 0, kept = 0, detail = null } = latest;
    const speed = this.speed(at);
    const secondsLeft = speed && total !== null ? (total - done) / speed : null;
    return { phase, done, total, percent: percentOf(done, total), copied, resumed, kept, speed, secondsLeft, detail };
  }

  /** Up to now and not to the last report, so that a transfer that stalls slows down. */
  private speed(at: number): number | null {
    const [first] = this.samples;
    const last = this.samples.at(-1);
    // Until the first part has arrived nobody knows.
    if (!first || !last || last.moved === 0 || at - first.at < leastMs) return null;
    return ((last.moved - first.moved) * 1000) / (at - first.at);
  }
}

function movedBytes({ done, copied = 0, resumed = 0 }: Progress): number {
  return Math.max(0, done - copied - resumed);
}

function percentOf(done: number, total: number | null): number | null {
  if (total === null) return null;
  return total === 0 ? 100 : Math.floor((100 * done) / total);
}
