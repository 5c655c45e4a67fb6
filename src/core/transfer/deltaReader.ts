import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { createBrotliDecompress } from 'node:zlib';
import { DataManagerError, throwIfCancelled } from '../errors';
import {
  type DeltaHeader,
  type DeltaOperation,
  decodeDeltaHeader,
  decodeOperations,
  deltaHeaderBytes,
  frameHeaderBytes,
  invalidDelta,
  maxFrameOperations,
  maxFramePayload,
} from './deltaFormat';
import { readAhead, readFully } from './readAhead';

/** A delta: a file that the caller opened and will close, or bytes. */
export type DeltaSource =
  | { readonly handle: FileHandle; readonly path: string; readonly size: number }
  | { readonly bytes: Uint8Array };

const pieceBytes = 1 << 18;

/**
 * Reads the header of a delta and makes sure that the whole delta is as it was written.
 *
 * Throws DELTA_INVALID when it is cut, damaged or of an unknown form, FILE_CHANGED, FILE_UNREADABLE or CANCELLED.
 *
 * @example
 * const { base, target } = await readDeltaHeader({ bytes }, signal);
 */
export async function readDeltaHeader(source: DeltaSource, signal?: AbortSignal): Promise<DeltaHeader> {
  const size = 'bytes' in source ? source.bytes.byteLength : source.size;
  if (size < deltaHeaderBytes) throw invalidDelta('it is cut');
  const header = decodeDeltaHeader(await start(source));
  if (size !== deltaHeaderBytes + header.body.size) throw invalidDelta('it is cut, or something follows it');
  const hash = createHash('sha256');
  for await (const piece of packedPieces(source, header, signal)) hash.update(piece);
  if (hash.digest('hex') !== header.body.sha256) throw invalidDelta('it is damaged');
  return header;
}

/**
 * The operations of a delta in the order of the target, in lists as they come; a payload is valid until the next list. They
 * make exactly `header.target.size` bytes, from nothing outside the base.
 *
 * Throws DELTA_INVALID, FILE_CHANGED, FILE_UNREADABLE or CANCELLED.
 *
 * @example
 * for await (const operations of readDeltaOperations(source, header, signal)) for (const operation of operations) apply(operation);
 */
export async function* readDeltaOperations(
  source: DeltaSource,
  header: DeltaHeader,
  signal?: AbortSignal,
): AsyncGenerator<readonly DeltaOperation[], void, void> {
  let cursor = 0;
  let made = 0;
  for await (const { operations, payload } of frames(packedPieces(source, header, signal))) {
    throwIfCancelled(signal);
    const targetLeft = header.target.size - made;
    const frame = decodeOperations(operations, payload, { cursor, baseSize: header.base.size, targetLeft });
    cursor = frame.cursor;
    made += frame.made;
    yield frame.operations;
  }
  if (made !== header.target.size) throw invalidDelta('its operations make too little');
}

async function start(source: DeltaSource): Promise<Buffer> {
  if ('bytes' in source) return bufferOf(source.bytes).subarray(0, deltaHeaderBytes);
  return readFully(source.handle, Buffer.alloc(deltaHeaderBytes), 0, source.size, source.path);
}

function packedPieces(
  source: DeltaSource,
  { body }: DeltaHeader,
  signal: AbortSignal | undefined,
): AsyncIterable<Buffer> | Iterable<Buffer> {
  const first = deltaHeaderBytes;
  const end = first + body.size;
  if (!('bytes' in source)) return readAhead(source.handle, { path: source.path, first, end, pieceBytes, signal });
  const bytes = bufferOf(source.bytes);
  const pieces = Math.ceil(body.size / pieceBytes);
  return Array.from({ length: pieces }, (_, i) => bytes.subarray(first + i * pieceBytes, first + (i + 1) * pieceBytes));
}

interface Frame {
  readonly operations: Buffer;
  readonly payload: Buffer;
}

/** Unpacks and cuts into frames. Never holds more than a frame and a piece. */
async function* frames(packed: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Frame, void, void> {
  const buffer = Buffer.allocUnsafeSlow(frameHeaderBytes + maxFrameOperations + maxFramePayload + pieceBytes);
  let first = 0;
  let end = 0;
  for await (const piece of unpack(packed)) {
    for (let taken = 0; taken < piece.length; ) {
      if (end + piece.length - taken > buffer.length) {
        buffer.copyWithin(0, first, end);
        end -= first;
        first = 0;
      }
      const length = Math.min(piece.length - taken, buffer.length - end);
      end += piece.copy(buffer, end, taken, taken + length);
      taken += length;
      for (let frame = frameAt(buffer, first, end); frame !== null; frame = frameAt(buffer, first, end)) {
        yield frame;
        first += frameHeaderBytes + frame.operations.length + frame.payload.length;
      }
    }
  }
  if (first !== end) throw invalidDelta('its last frame is cut');
}

/** Null when not all of it is there yet. */
function frameAt(buffer: Buffer, first: number, end: number): Frame | null {
  if (end - first < frameHeaderBytes) return null;
  const operations = buffer.readUInt32BE(first);
  const payload = buffer.readUInt32BE(first + 4);
  if (operations === 0 || operations > maxFrameOperations || payload > maxFramePayload) {
    throw invalidDelta('a frame has an impossible size');
  }
  const body = first + frameHeaderBytes;
  if (end - body < operations + payload) return null;
  return {
    operations: buffer.subarray(body, body + operations),
    payload: buffer.subarray(body + operations, body + operations + payload),
  };
}

async function* unpack(packed: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  // A piece is used again by who reads it, and a stream may hold several.
  const copies = Readable.from(copied(packed), { objectMode: false });
  const brotli = createBrotliDecompress({ chunkSize: 65_536 });
  pipeline(copies, brotli, () => undefined); // a failure of either ends the loop below
  try {
    yield* brotli as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof DataManagerError) throw error;
    throw invalidDelta('it does not unpack', error);
  }
}

async function* copied(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  for await (const piece of pieces) yield Buffer.from(piece);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
