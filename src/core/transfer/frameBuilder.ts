import {
  frameHeaderBytes,
  maxFrameOperations,
  maxFramePayload,
  maxOperationBytes,
  operationKinds,
} from './deltaFormat';
import { type Match, reportedMatch } from './match';

/** Makes the frames of a delta (see `deltaFormat.ts`) from operations that come in the order of the target. */
export class FrameBuilder {
  readonly #operations = Buffer.allocUnsafeSlow(maxFrameOperations);
  readonly #payload = Buffer.allocUnsafeSlow(maxFramePayload);
  readonly #matches: Match[] = [];
  #operationsUsed = 0;
  #payloadUsed = 0;
  #frames: Buffer[] = [];
  /** Where the last COPY or XOR ended in the base. */
  #cursor = 0;
  #position = 0;
  /** The copy that the next operation may still make longer. */
  #copy: Match | null = null;

  /** Bytes of the target made so far. */
  get position(): number {
    return this.#position;
  }

  /** The copies of at least 5 MiB so far. */
  get matches(): readonly Match[] {
    return this.#matches;
  }

  copy(baseOffset: number, length: number): void {
    if (length === 0) return;
    const last = this.#copy;
    if (last && last.baseOffset + last.length === baseOffset) this.#copy = { ...last, length: last.length + length };
    else {
      this.#closeCopy();
      this.#copy = { targetOffset: this.#position, baseOffset, length };
    }
    this.#position += length;
  }

  /** `base` and `target` are of one length: the bytes that are there and those that shall be. */
  xor(baseOffset: number, base: Uint8Array, target: Uint8Array): void {
    this.#closeCopy();
    for (let at = 0; at < target.length; ) {
      const length = this.#room(target.length - at);
      const payload = this.#payload;
      for (let i = at, to = this.#payloadUsed; i < at + length; i++, to++) {
        payload[to] = (base[i] as number) ^ (target[i] as number);
      }
      this.#append(operationKinds.xor, length, baseOffset + at);
      this.#payloadUsed += length;
      at += length;
    }
    this.#position += target.length;
  }

  insert(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#closeCopy();
    for (let at = 0; at < bytes.length; ) {
      const length = this.#room(bytes.length - at);
      this.#payload.set(bytes.subarray(at, at + length), this.#payloadUsed);
      this.#append(operationKinds.insert, length, null);
      this.#payloadUsed += length;
      at += length;
    }
    this.#position += bytes.length;
  }

  /** The frames that are full, each handed out once. */
  takeFrames(): readonly Buffer[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  /** Ends the last frame, for `takeFrames` to hand out. */
  end(): void {
    this.#closeCopy();
    this.#closeFrame();
  }

  #closeCopy(): void {
    const copy = this.#copy;
    if (!copy) return;
    this.#copy = null;
    this.#room(0);
    this.#append(operationKinds.copy, copy.length, copy.baseOffset);
    if (copy.length >= reportedMatch) this.#matches.push(copy);
  }

  /** How many of `wanted` payload bytes fit with one more operation; a full frame makes room for a new one. */
  #room(wanted: number): number {
    const full = this.#operationsUsed > maxFrameOperations - maxOperationBytes;
    if (full || (wanted > 0 && this.#payloadUsed === maxFramePayload)) this.#closeFrame();
    return Math.min(wanted, maxFramePayload - this.#payloadUsed);
  }

  #append(kind: number, length: number, baseOffset: number | null): void {
    this.#varint(length * 4 + kind);
    if (baseOffset === null) return;
    const difference = baseOffset - this.#cursor;
    this.#varint(difference >= 0 ? difference * 2 : difference * -2 - 1);
    this.#cursor = baseOffset + length;
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#operations[this.#operationsUsed++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#operations[this.#operationsUsed++] = rest;
  }

  #closeFrame(): void {
    if (this.#operationsUsed === 0) return;
    const header = Buffer.alloc(frameHeaderBytes);
    header.writeUInt32BE(this.#operationsUsed, 0);
    header.writeUInt32BE(this.#payloadUsed, 4);
    const operations = this.#operations.subarray(0, this.#operationsUsed);
    this.#frames.push(Buffer.concat([header, operations, this.#payload.subarray(0, this.#payloadUsed)]));
    this.#operationsUsed = 0;
    this.#payloadUsed = 0;
  }
}
