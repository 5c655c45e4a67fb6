import { createHash, type Hash } from 'node:crypto';
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomName } from './durableFile';
import { TEMP_NAME_PREFIX } from './objectKey';

/** Bytes of a block whose hash a block index holds. */
export const indexedBlock = 65536;
/** Bytes of a block's hash in an index. */
export const blockHashBytes = 16;

const magic = Buffer.from('DMBLOCKS', 'latin1');
const version = 1;
const sizeAt = 16;
const sha256At = 24;
const headerBytes = 56;
const checksumBytes = 32;

/**
 * Makes the block index of bytes that pass by, so that it costs no reading of its own.
 *
 * Form 1, numbers highest byte first: `DMBLOCKS`; version 1 and block size 65536 in 4 bytes each; the file's size in 8; its
 * SHA-256 in 32; for each block of the file, of which the last may be shorter, the first 16 bytes of its SHA-256; at the end
 * the SHA-256 of all that, because an index of which a power cut left zeros would call everything equal.
 *
 * @example
 * const builder = new BlockIndexBuilder();
 * for await (const piece of pieces) builder.add(piece);
 * await writeBlockIndex(path, builder.finish(sha256));
 */
export class BlockIndexBuilder {
  #hash: Hash = createHash('sha256');
  #filled = 0;
  #size = 0;
  readonly #leaves: Uint8Array[] = [];
  readonly #known = new Map<number, Uint8Array>();

  /**
   * Takes over the hashes of blocks that are equal in an indexed file, which are not computed again. To be called before the bytes
   * come by. `offset` in that file, `at` in this one and `length` are bytes, and what is not a whole block on both sides is left out.
   */
  takeOver(leaves: Uint8Array, from: { readonly offset: number; readonly at: number; readonly length: number }): void {
    if ((from.offset - from.at) % indexedBlock !== 0) return;
    const shift = (from.offset - from.at) / indexedBlock;
    const end = Math.floor((from.at + from.length) / indexedBlock);
    for (let block = Math.ceil(from.at / indexedBlock); block < end; block++) {
      const leaf = (block + shift) * blockHashBytes;
      this.#known.set(block, leaves.subarray(leaf, leaf + blockHashBytes));
    }
  }

  /** Takes the next bytes of the file, in pieces of any length. */
  add(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const length = Math.min(indexedBlock - this.#filled, piece.length - at);
      if (!this.#known.has(this.#leaves.length)) this.#hash.update(piece.subarray(at, at + length));
      this.#filled += length;
      at += length;
      if (this.#filled === indexedBlock) this.#closeBlock();
    }
    this.#size += piece.length;
  }

  /** Takes the next bytes by the hashes of their blocks (`blockHashes`); only the last ones may end inside a block. */
  addBlocks(hashes: Uint8Array, bytes: number): void {
    for (let at = 0; at < hashes.length; at += blockHashBytes)
      this.#leaves.push(hashes.subarray(at, at + blockHashBytes));
    this.#size += bytes;
  }

  /** The index as a file; `sha256` is that of all bytes. To be called once. */
  finish(sha256: string): Uint8Array {
    if (this.#filled > 0) this.#closeBlock();
    const header = Buffer.alloc(headerBytes);
    magic.copy(header);
    header.writeUInt32BE(version, 8);
    header.writeUInt32BE(indexedBlock, 12);
    header.writeBigUInt64BE(BigInt(this.#size), sizeAt);
    header.write(sha256, sha256At, 'hex');
    const body = Buffer.concat([header, ...this.#leaves]);
    return Buffer.concat([body, checksum(body)]);
  }

  #closeBlock(): void {
    this.#filled = 0;
    const block = this.#leaves.length;
    const known = this.#known.get(block);
    if (known) {
      this.#leaves.push(known);
      this.#known.delete(block);
      return;
    }
    this.#leaves.push(this.#hash.digest().subarray(0, blockHashBytes));
    this.#hash = createHash('sha256');
  }
}

/**
 * The hashes of a piece's blocks, one after the other, as a block index has them. The piece begins at the start of a block.
 *
 * @example
 * builder.addBlocks(blockHashes(piece), piece.length);
 */
export function blockHashes(piece: Uint8Array): Uint8Array {
  const hashes = Buffer.alloc(Math.ceil(piece.length / indexedBlock) * blockHashBytes);
  for (let block = 0; block * indexedBlock < piece.length; block++) {
    const bytes = piece.subarray(block * indexedBlock, (block + 1) * indexedBlock);
    createHash('sha256')
      .update(bytes)
      .digest()
      .copy(hashes, block * blockHashBytes, 0, blockHashBytes);
  }
  return hashes;
}

/**
 * The hashes in a block index, one after the other; null when there is none, it is damaged, or it is not about the bytes that
 * have this SHA-256 and size. It is taken at its word for the rest: whoever can write it can write the file that it describes.
 *
 * @example
 * const leaves = await readBlockIndex(`${entry}.idx`, { sha256, size });
 */
export async function readBlockIndex(
  path: string,
  { sha256, size }: { readonly sha256: string; readonly size: number },
): Promise<Uint8Array | null> {
  const bytes = await readFile(path).catch(() => null);
  return bytes && parseBlockIndex(bytes, { sha256, size });
}

/**
 * As `readBlockIndex`, for the bytes of an index.
 *
 * @example
 * const leaves = parseBlockIndex(builder.finish(sha256), { sha256, size });
 */
export function parseBlockIndex(
  bytes: Uint8Array,
  { sha256, size }: { readonly sha256: string; readonly size: number },
): Uint8Array | null {
  const index = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks = Math.ceil(size / indexedBlock);
  if (index.length !== headerBytes + blocks * blockHashBytes + checksumBytes) return null;
  const end = index.length - checksumBytes;
  const fits =
    index.subarray(0, magic.length).equals(magic) &&
    index.readUInt32BE(8) === version &&
    index.readUInt32BE(12) === indexedBlock &&
    index.readBigUInt64BE(sizeAt) === BigInt(size) &&
    index.toString('hex', sha256At, headerBytes) === sha256 &&
    index.subarray(end).equals(checksum(index.subarray(0, end)));
  return fits ? index.subarray(headerBytes, end) : null;
}

/**
 * Writes a block index; it appears whole or not at all. False when that failed, which costs only time later on.
 *
 * @example
 * await writeBlockIndex(`${entry}.idx`, builder.finish(sha256));
 */
export async function writeBlockIndex(path: string, index: Uint8Array): Promise<boolean> {
  const temp = join(dirname(path), `${TEMP_NAME_PREFIX}${randomName()}`);
  try {
    await writeFile(temp, index, { flag: 'wx' });
    await chmod(temp, 0o444);
    await rename(temp, path);
    return true;
  } catch {
    await rm(temp, { force: true }).catch(() => undefined);
    return false;
  }
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest();
}
