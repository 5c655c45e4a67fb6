/** A sum of 128-bit hashes modulo 2^128, as four 32-bit words, lowest first. */
export class HashSum {
  readonly words = new Uint32Array(4);

  /** Adds the MurmurHash3_x86_128 (seed 0) of `length` bytes from the start of `view`. */
  add(view: DataView, length: number): void {
    murmur(view, length, 0, hash);
    let carry = 0;
    for (let i = 0; i < 4; i++) {
      const sum = (this.words[i] as number) + (hash[i] as number) + carry;
      this.words[i] = sum;
      carry = sum > 0xffffffff ? 1 : 0;
    }
  }

  /** 32 hexadecimal digits, highest first. */
  hex(): string {
    return [3, 2, 1, 0].map((i) => (this.words[i] as number).toString(16).padStart(8, '0')).join('');
  }
}

const hash = new Uint32Array(4);
const c1 = 0x239b961b;
const c2 = 0xab0e9789;
const c3 = 0x38b34ae5;
const c4 = 0xa1e38b93;

/**
 * MurmurHash3_x86_128 of the first `length` bytes of `view`, as four words. The view must have room for 16 bytes
 * more than `length`. Source: https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp (public domain).
 *
 * @example
 * murmur(new DataView(bytes.buffer), 5, 0, new Uint32Array(4));
 */
export function murmur(view: DataView, length: number, seed: number, out: Uint32Array): void {
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  const whole = length & ~15;
  for (let at = 0; at < whole; at += 16) {
    let k1 = view.getInt32(at, true);
    let k2 = view.getInt32(at + 4, true);
    let k3 = view.getInt32(at + 8, true);
    let k4 = view.getInt32(at + 12, true);
    k1 = Math.imul(k1, c1);
    k1 = (k1 << 15) | (k1 >>> 17);
    h1 ^= Math.imul(k1, c2);
    h1 = (h1 << 19) | (h1 >>> 13);
    h1 = (Math.imul((h1 + h2) | 0, 5) + 0x561ccd1b) | 0;
    k2 = Math.imul(k2, c2);
    k2 = (k2 << 16) | (k2 >>> 16);
    h2 ^= Math.imul(k2, c3);
    h2 = (h2 << 17) | (h2 >>> 15);
    h2 = (Math.imul((h2 + h3) | 0, 5) + 0x0bcaa747) | 0;
    k3 = Math.imul(k3, c3);
    k3 = (k3 << 17) | (k3 >>> 15);
    h3 ^= Math.imul(k3, c4);
    h3 = (h3 << 15) | (h3 >>> 17);
    h3 = (Math.imul((h3 + h4) | 0, 5) + 0x96cd1c35) | 0;
    k4 = Math.imul(k4, c4);
    k4 = (k4 << 18) | (k4 >>> 14);
    h4 ^= Math.imul(k4, c1);
    h4 = (h4 << 13) | (h4 >>> 19);
    h4 = (Math.imul((h4 + h1) | 0, 5) + 0x32ac3b17) | 0;
  }
  // The tail, as if zeros followed: a word of zeros changes nothing.
  const k1 = tailWord(view, whole, length);
  const k2 = tailWord(view, whole + 4, length);
  const k3 = tailWord(view, whole + 8, length);
  const k4 = tailWord(view, whole + 12, length);
  h4 ^= Math.imul(rotated(Math.imul(k4, c4), 18), c1);
  h3 ^= Math.imul(rotated(Math.imul(k3, c3), 17), c4);
  h2 ^= Math.imul(rotated(Math.imul(k2, c2), 16), c3);
  h1 ^= Math.imul(rotated(Math.imul(k1, c1), 15), c2);

  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finished(h1);
  h2 = finished(h2);
  h3 = finished(h3);
  h4 = finished(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  out[0] = h1;
  out[1] = h2 + h1;
  out[2] = h3 + h1;
  out[3] = h4 + h1;
}

function tailWord(view: DataView, at: number, length: number): number {
  const bytes = length - at;
  if (bytes <= 0) return 0;
  const word = view.getInt32(at, true);
  return bytes >= 4 ? word : word & ((1 << (8 * bytes)) - 1);
}

function rotated(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by));
}

function finished(word: number): number {
  let h = word ^ (word >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}
