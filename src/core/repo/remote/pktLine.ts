/** The end of a group of packet lines. */
export const FLUSH = '0000';

/**
 * One packet line: its length, itself included, in four hex digits, then the payload (git: Documentation/gitprotocol-common).
 *
 * @example
 * pktLine('done\n'); // '0009done\n'
 */
export function pktLine(payload: string): string {
  return (Buffer.byteLength(payload) + 4).toString(16).padStart(4, '0') + payload;
}

/**
 * The payloads of packet lines; null is a flush.
 *
 * Throws RangeError when the bytes end in the middle of a line, or are none.
 *
 * @example
 * [...pktLines(Buffer.from('0008NAK\n0000'))]; // [<NAK\n>, null]
 */
export function* pktLines(bytes: Buffer): Generator<Buffer | null> {
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes.toString('latin1', at, at + 4);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : Number.NaN;
    if (length < 4) {
      yield null;
      at += 4;
      continue;
    }
    if (!(at + length <= bytes.length)) throw new RangeError('The answer of the server ends too early.');
    yield bytes.subarray(at + 4, at + length);
    at += length;
  }
}
