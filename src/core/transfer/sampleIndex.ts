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
  next(bytes: Uint8Array, from: number, end: number): number {
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

/** Fingerprint -> place, in flat arrays of at most 64 MiB (96 MiB for a base beyond 4 GiB). */
export class SampleIndex {
  readonly spacingBits: number;
  readonly #tags: Uint32Array;
  readonly #offsets: Uint32Array | Float64Array;
  readonly #shift: number;
  readonly #mask: number;
  #left: number;

  /** For `bytes` of content in a file of `fileSize` bytes: the more there is, the sparser it is sampled. */
  constructor(bytes: number, fileSize: number) {
    let spacing = minSpacingBits;
    while (bytes / 2 ** spacing > maxSamples) spacing++;
    this.spacingBits = spacing;
    let bits = 10;
    while (2 ** bits < (bytes / 2 ** spacing) * 1.9 && 2 ** bits < 2 * maxSamples) bits++;
    this.#tags = new Uint32Array(2 ** bits);
    this.#offsets = fileSize < 2 ** 32 ? new Uint32Array(2 ** bits) : new Float64Array(2 ** bits);
    this.#shift = 32 - bits;
    this.#mask = 2 ** bits - 1;
    // Content that is sampled more often than chance would have it must not fill the table.
    this.#left = 0.75 * 2 ** bits;
  }

  /** Of two places with one fingerprint the later one is kept. */
  add(fingerprint: number, offset: number): void {
    let slot = this.#slot(fingerprint);
    for (let probe = 0; probe < probes; probe++) {
      const tag = this.#tags[slot];
      if (tag === 0 && this.#left-- <= 0) return;
      if (tag === 0 || tag === fingerprint) {
        this.#tags[slot] = fingerprint;
        this.#offsets[slot] = offset;
        return;
      }
      slot = (slot + 1) & this.#mask;
    }
  }

  /** The place with this fingerprint, -1 when there is none. Equal fingerprints are likely equal content, no more. */
  find(fingerprint: number): number {
    let slot = this.#slot(fingerprint);
    for (let probe = 0; probe < probes; probe++) {
      const tag = this.#tags[slot];
      if (tag === fingerprint) return this.#offsets[slot] as number;
      if (tag === 0) return -1;
      slot = (slot + 1) & this.#mask;
    }
    return -1;
  }

  #slot(fingerprint: number): number {
    return Math.imul(fingerprint, 0x9e3779b1) >>> this.#shift;
  }
}

/**
 * Names the `sampleWindow` bytes before a position; never 0.
 *
 * @example
 * index.add(fingerprintBefore(bytes, position), pieceOffset + position);
 */
export function fingerprintBefore(bytes: Uint8Array, position: number): number {
  let hash = 0x811c9dc5;
  for (let at = position - sampleWindow; at < position; at++) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0 || 1;
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
