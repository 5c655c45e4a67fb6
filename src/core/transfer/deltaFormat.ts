/**
 * The delta file: how to make one file (the target) out of another (the base). Form 1.
 *
 * Numbers of the header are stored highest byte first.
 *
 *   at    bytes
 *     0       8   `DMDELTA` and a zero byte
 *     8       4   form: 1
 *    12       4   page size by which the files were compared, in bytes; for information
 *    16       8   size of the base in bytes
 *    24      32   SHA-256 of the base
 *    56       8   size of the target in bytes
 *    64      32   SHA-256 of the target
 *    96       8   size of the body in bytes: the file ends with it
 *   104      32   SHA-256 of the body
 *   136      32   SHA-256 of bytes 0 to 135
 *   168           body: one Brotli stream (RFC 7932, window of at most 16 MiB, no large-window extension)
 *
 * The body unpacks to frames, one after the other:
 *
 *     0       4   bytes of operations, 1 to 262,144
 *     4       4   bytes of payload, 0 to 1,048,576
 *     8           operations, payload
 *
 * Operations build the target from its first byte to its last. Each is one or two varints (seven bits a byte, lowest first,
 * the eighth bit says that more follow; at most 8 bytes):
 *
 *     length * 4 + kind        length: target bytes that it makes, at least 1
 *     base position            of COPY and XOR only: the signed difference to the base position at which the last COPY or XOR
 *                              ended (0 at first); d >= 0 is stored as 2d, d < 0 as -2d - 1
 *
 *     0  COPY     the bytes of the base
 *     1  XOR      the bytes of the base, each XORed with the next byte of the frame's payload: a page in which few bytes
 *                 changed is nearly all zeros then, and zeros pack to nothing
 *     2  INSERT   the next bytes of the frame's payload
 *
 * A frame's operations use its payload up exactly, and all operations together make exactly the target. So no work and no
 * memory is caused by anything but target bytes, and the size of the target is known from a source other than the delta.
 * COPY and INSERT are those of VCDIFF (RFC 3284), which has no XOR, no checksum of the files and 32-bit sizes in practice.
 */
import { createHash } from 'node:crypto';
import { DataManagerError } from '../errors';

/** What names bytes for certain. */
export interface Contents {
  /** Bytes. */
  readonly size: number;
  /** 64 hex digits, lower case. */
  readonly sha256: string;
}

export interface DeltaHeader {
  readonly base: Contents;
  readonly target: Contents;
  /** Bytes; what the maker compared by. */
  readonly pageSize: number;
  /** Bytes of the packed operations and payload, and their SHA-256 in hex. */
  readonly body: Contents;
}

/** One step in building the target; offsets and lengths in bytes. */
export type DeltaOperation =
  | { readonly kind: 'copy'; readonly baseOffset: number; readonly length: number }
  | { readonly kind: 'xor'; readonly baseOffset: number; readonly length: number; readonly payload: Buffer }
  | { readonly kind: 'insert'; readonly length: number; readonly payload: Buffer };

export const deltaHeaderBytes = 168;
export const frameHeaderBytes = 8;
export const maxFrameOperations = 262_144;
export const maxFramePayload = 1_048_576;
/** Bytes that one operation takes at most. */
export const maxOperationBytes = 16;
export const operationKinds = { copy: 0, xor: 1, insert: 2 } as const;

const magic = Buffer.from('DMDELTA\0', 'latin1');
const form = 1;
const sealedBytes = 136;
/** Eight varint bytes hold 56 bits, more than a double counts exactly: what is larger than this is no length of a file. */
const maxSize = 2 ** 50;

/**
 * The first bytes of a delta file.
 *
 * @example
 * await handle.write(encodeDeltaHeader(header), 0, deltaHeaderBytes, 0);
 */
export function encodeDeltaHeader({ base, target, pageSize, body }: DeltaHeader): Buffer {
  const bytes = Buffer.alloc(deltaHeaderBytes);
  magic.copy(bytes);
  bytes.writeUInt32BE(form, 8);
  bytes.writeUInt32BE(pageSize, 12);
  writeContents(bytes, 16, base);
  writeContents(bytes, 56, target);
  writeContents(bytes, 96, body);
  sealOf(bytes).copy(bytes, sealedBytes);
  return bytes;
}

/**
 * Reads the first 168 bytes of a delta file. Throws DELTA_INVALID unless they are whole and of a form that we know.
 *
 * @example
 * const { base, target } = decodeDeltaHeader(bytes);
 */
export function decodeDeltaHeader(bytes: Buffer): DeltaHeader {
  if (bytes.length < deltaHeaderBytes || bytes.compare(magic, 0, magic.length, 0, magic.length) !== 0) {
    throw invalidDelta('it does not begin like one');
  }
  const found = bytes.readUInt32BE(8);
  if (found !== form) throw invalidDelta(`its form is ${found}, and this program knows ${form} only`);
  if (sealOf(bytes).compare(bytes, sealedBytes, deltaHeaderBytes) !== 0) throw invalidDelta('its header is damaged');
  return {
    base: readContents(bytes, 16),
    target: readContents(bytes, 56),
    pageSize: bytes.readUInt32BE(12),
    body: readContents(bytes, 96),
  };
}

/**
 * The operations of one frame. `cursor` is where the last COPY or XOR before it ended in the base; what the frame's own leave
 * it at is returned with them. Payloads are views of `payload`.
 *
 * Throws DELTA_INVALID for anything that reaches outside the base or the payload, or makes more than `targetLeft` bytes.
 *
 * @example
 * const { operations, cursor } = decodeOperations(bytes, payload, { cursor: 0, baseSize, targetLeft: targetSize });
 */
export function decodeOperations(
  bytes: Buffer,
  payload: Buffer,
  limits: { readonly cursor: number; readonly baseSize: number; readonly targetLeft: number },
): { readonly operations: readonly DeltaOperation[]; readonly cursor: number; readonly made: number } {
  const operations: DeltaOperation[] = [];
  let { cursor } = limits;
  let made = 0;
  let used = 0;
  let at = 0;

  const varint = (): number => {
    let value = 0;
    for (let scale = 1, count = 0; count < 8; scale *= 128, count++) {
      const byte = bytes[at++];
      if (byte === undefined) throw invalidDelta('an operation is cut');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw invalidDelta('a number in it is too large');
  };
  const place = (length: number): number => {
    const coded = varint();
    const offset = cursor + (coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2);
    if (offset < 0 || offset + length > limits.baseSize) throw invalidDelta('an operation reaches outside the base');
    cursor = offset + length;
    return offset;
  };
  const take = (length: number): Buffer => {
    if (used + length > payload.length) throw invalidDelta('an operation reaches outside its payload');
    used += length;
    return payload.subarray(used - length, used);
  };

  while (at < bytes.length) {
    const head = varint();
    const kind = head % 4;
    const length = (head - kind) / 4;
    made += length;
    if (length === 0 || made > limits.targetLeft) throw invalidDelta('an operation has an impossible length');
    if (kind === operationKinds.copy) operations.push({ kind: 'copy', baseOffset: place(length), length });
    else if (kind === operationKinds.xor) {
      operations.push({ kind: 'xor', baseOffset: place(length), length, payload: take(length) });
    } else if (kind === operationKinds.insert) operations.push({ kind: 'insert', length, payload: take(length) });
    else throw invalidDelta('it has an unknown operation');
  }
  if (used !== payload.length) throw invalidDelta('a frame has more payload than its operations use');
  return { operations, cursor, made };
}

/**
 * The DELTA_INVALID error; `why` ends the sentence.
 *
 * @example
 * throw invalidDelta('its header is damaged');
 */
export function invalidDelta(why: string, cause?: unknown): DataManagerError {
  return new DataManagerError('DELTA_INVALID', `The delta can't be used: ${why}.`, {
    hint: 'Nothing is lost: the version itself can still be fetched whole.',
    data: { why },
    cause,
  });
}

function writeContents(bytes: Buffer, at: number, { size, sha256 }: Contents): void {
  bytes.writeBigUInt64BE(BigInt(size), at);
  bytes.write(sha256, at + 8, 32, 'hex');
}

function readContents(bytes: Buffer, at: number): Contents {
  const size = bytes.readBigUInt64BE(at);
  if (size > BigInt(maxSize)) throw invalidDelta('it names an impossible size');
  return { size: Number(size), sha256: bytes.toString('hex', at + 8, at + 40) };
}

function sealOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes.subarray(0, sealedBytes)).digest();
}
