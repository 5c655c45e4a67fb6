/**
 * Content-defined sampling: positions in a file are picked by what the bytes before them are, so that equal content is picked
 * at the same bytes wherever it lies. A rolling "gear" hash (Xia et al., "Ddelta", Performance Evaluation 79, 2014) picks;
 * a second hash over a wider window names the place. An index of one in 2^n positions finds moved content without a look-up
 * at each byte, which is what makes the aligned blocks of rsync slow on files that don't fit a processor's cache.
 */

/** Bytes before a sampled position whose hash names it; no shorter match is found by an index. */
export const sampleWindow = 32;
const maxSamples = 1 << 22;
const minSpacingBits = 3;
const probes = 8;
const tagBits = ~255;
const gear = gearTable();

/** Finds the sampled positions of a stretch of bytes. */
export class Sampler {
  readonly #mask: number;
  #hash = 0;

  /** One in 2^`spacingBits` positions is picked. */
  constructor(spacingBits: number) {
    this.#mask = -1 << (32 - spacingBits);
  }

  /**
   * Rolls on over bytes from `from` up to `end`; the position after the byte that completes a sample, or -1 when none comes.
   * A byte leaves the hash after 16 more, so that after a jump the first positions picked may be others than elsewhere.
   */
  next(bytes: Buffer, from: number, end: number): number {
    let hash = this.#hash;
    const mask = this.#mask;
    for (let at = from; at < end; at++) {
      hash = ((hash << 2) + (gear[bytes[at] as number] as number)) | 0;
      if ((hash & mask) === 0) {
        this.#hash = hash;
        return at + 1;
      }
    }
    this.#hash = hash;
    return -1;
  }
}

/**
 * Fingerprint -> place, in a flat table of at most 64 MiB. An entry is two words beside each other, as each look-up costs a
 * cache miss: the upper 24 bits of the fingerprint with the upper 8 of a 40-bit offset, and the lower 32 of the offset.
 */
export class SampleIndex {
  readonly spacingBits: number;
  readonly #table: Int32Array;
  readonly #shift: number;
  readonly #mask: number;
  #left: number;

  /** For so many bytes of content: the more there is, the sparser it is sampled. */
  constructor(bytes: number) {
    let spacing = minSpacingBits;
    while (bytes / 2 ** spacing > maxSamples) spacing++;
    this.spacingBits = spacing;
    let bits = 10;
    while (2 ** bits < (bytes / 2 ** spacing) * 1.9 && 2 ** bits < 2 * maxSamples) bits++;
    this.#table = new Int32Array(2 * 2 ** bits);
    this.#shift = 31 - bits;
    this.#mask = 2 * 2 ** bits - 1;
    // Content that is sampled more often than chance would have it must not fill the table.
    this.#left = 0.75 * 2 ** bits;
  }

  /** Of two places with one fingerprint the later one is kept. Places beyond a TiB are not. */
  add(fingerprint: number, offset: number): void {
    const high = Math.floor(offset / 2 ** 32);
    if (high > 255) return;
    const table = this.#table;
    const tag = fingerprint & tagBits;
    let slot = (Math.imul(fingerprint, 0x9e3779b1) >>> this.#shift) & -2;
    for (let probe = 0; probe < probes; probe++) {
      const word = table[slot] as number;
      if (word === 0 && this.#left-- <= 0) return;
      if (word === 0 || (word & tagBits) === tag) {
        table[slot] = tag | high;
        table[slot + 1] = offset | 0;
        return;
      }
      slot = (slot + 2) & this.#mask;
    }
  }

  /** The place with this fingerprint, -1 when there is none. Equal fingerprints are likely equal content, no more. */
  find(fingerprint: number): number {
    const table = this.#table;
    const tag = fingerprint & tagBits;
    let slot = (Math.imul(fingerprint, 0x9e3779b1) >>> this.#shift) & -2;
    for (let probe = 0; probe < probes; probe++) {
      const word = table[slot] as number;
      if (word === 0) return -1;
      if ((word & tagBits) === tag) return (word & 255) * 2 ** 32 + ((table[slot + 1] as number) >>> 0);
      slot = (slot + 2) & this.#mask;
    }
    return -1;
  }
}

/**
 * Names the `sampleWindow` bytes before a position with 32 bits of which the upper 24 are never all zero.
 *
 * @example
 * index.add(fingerprintBefore(bytes, position), pieceOffset + position);
 */
export function fingerprintBefore(bytes: Buffer, position: number): number {
  let hash = 0;
  for (let at = position - sampleWindow; at < position; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x2c1b3c6d);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x297a2d39);
  hash ^= hash >>> 15;
  return (hash & tagBits) === 0 ? hash | 256 : hash;
}

/** Random 32-bit numbers, the same everywhere (xorshift32). */
function gearTable(): Int32Array {
  let state = 0x9e3779b9;
  return Int32Array.from({ length: 256 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}
