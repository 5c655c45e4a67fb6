import type { ByteRange } from './objectStore';

/**
 * Which bytes of a file have arrived, when they come in any order.
 *
 * @example
 * const arrivals = new Arrivals(100, []);
 * arrivals.add({ first: 50, last: 99 });
 * arrivals.missing(); // [{ first: 0, last: 49 }]
 */
export class Arrivals {
  /** Ascending; neither overlapping nor touching. */
  #there: ByteRange[] = [];
  #bytes = 0;
  #waiting: (() => void)[] = [];

  /** `size` in bytes. */
  constructor(
    readonly size: number,
    there: readonly ByteRange[],
  ) {
    for (const range of there) this.add(range);
  }

  /** Bytes that are there. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that are there from the first one on without a gap. */
  get prefix(): number {
    const [head] = this.#there;
    return head?.first === 0 ? head.last + 1 : 0;
  }

  add(range: ByteRange): void {
    let { first, last } = range;
    const apart: ByteRange[] = [];
    for (const other of this.#there) {
      if (other.last < first - 1 || other.first > last + 1) apart.push(other);
      else {
        first = Math.min(first, other.first);
        last = Math.max(last, other.last);
      }
    }
    this.#there = [...apart, { first, last }].sort((a, b) => a.first - b.first);
    this.#bytes = this.#there.reduce((sum, part) => sum + part.last - part.first + 1, 0);
    this.wake();
  }

  /** Lets those go on who wait for `next`. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  missing(): readonly ByteRange[] {
    const gaps: ByteRange[] = [];
    let at = 0;
    for (const { first, last } of this.#there) {
      if (first > at) gaps.push({ first: at, last: first - 1 });
      at = last + 1;
    }
    if (at < this.size) gaps.push({ first: at, last: this.size - 1 });
    return gaps;
  }

  /** Resolves at the next `add` or `wake`. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
