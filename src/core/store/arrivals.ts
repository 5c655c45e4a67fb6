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
  readonly #there: ByteRange[] = [];
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

  add({ first, last }: ByteRange): void {
    // Thousands of stretches may come from a version at hand, so the others are not gone through for each.
    const from = this.#firstEndingFrom(first - 1);
    let end = from;
    let merged: ByteRange = { first, last };
    for (let other = this.#there[end]; other && other.first <= last + 1; other = this.#there[++end]) {
      merged = { first: Math.min(merged.first, other.first), last: Math.max(merged.last, other.last) };
      this.#bytes -= lengthOf(other);
    }
    this.#there.splice(from, end - from, merged);
    this.#bytes += lengthOf(merged);
    this.wake();
  }

  /** Place of the first stretch that ends at this byte or behind it. */
  #firstEndingFrom(byte: number): number {
    let low = 0;
    let high = this.#there.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#there[middle] as ByteRange).last < byte) low = middle + 1;
      else high = middle;
    }
    return low;
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

function lengthOf({ first, last }: ByteRange): number {
  return last - first + 1;
}
