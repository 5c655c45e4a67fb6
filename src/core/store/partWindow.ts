const MIN_PARALLEL = 2;
const START_PARALLEL = 4;
const MAX_PARALLEL = 16;
/** Bytes in flight unless given; with the pause for a garbage collection it stays below 150 MiB of memory. */
const MAX_BYTES_IN_FLIGHT = 80 << 20;
/** A window that is this much faster than the best one so far was worth the wider opening. */
const WORTH_IT = 1.05;

/**
 * How many parts may be under way at once: more while that makes the transfer faster, half as many when the server asks for less
 * (429, 503) or connections break. Additive increase, multiplicative decrease, as in RFC 5681 §3.1.
 *
 * @example
 * const window = new PartWindow(8 << 20, () => performance.now());
 * if (running.size >= window.limit) await Promise.race(running);
 */
export class PartWindow {
  readonly #max: number;
  readonly #now: () => number;
  #limit: number;
  #best = 0;
  #since: number;
  #parts = 0;

  /** `partBytes`: of one part. `now`: milliseconds of a clock that never goes back. `maxBytes`: of all parts that are under way. */
  constructor(partBytes: number, now: () => number, maxBytes = MAX_BYTES_IN_FLIGHT) {
    this.#max = Math.max(MIN_PARALLEL, Math.min(MAX_PARALLEL, Math.floor(maxBytes / partBytes)));
    this.#limit = Math.min(START_PARALLEL, this.#max);
    this.#now = now;
    this.#since = now();
  }

  get limit(): number {
    return this.#limit;
  }

  /** A part has arrived. */
  confirmed(): void {
    this.#parts += 1;
    if (this.#parts < this.#limit * 2) return;
    const rate = this.#parts / Math.max(1, this.#now() - this.#since);
    if (rate > this.#best * WORTH_IT) {
      this.#best = rate;
      this.#limit = Math.min(this.#max, this.#limit + 1);
    }
    this.#restart();
  }

  /** The server or the line could not keep up. */
  slowedDown(): void {
    this.#limit = Math.max(MIN_PARALLEL, Math.floor(this.#limit / 2));
    this.#best = 0;
    this.#restart();
  }

  #restart(): void {
    this.#since = this.#now();
    this.#parts = 0;
  }
}
