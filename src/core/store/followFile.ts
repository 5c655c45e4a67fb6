import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { BlockIndexBuilder, blockHashBytes, blockHashes, indexedBlock } from './blockIndex';
import { changedFile } from './hashFile';
import type { ByteRange } from './objectStore';

/** A whole number of blocks. */
const PIECE_BYTES = 1 << 20;
/** Bytes at the start whose blocks are hashed in any case: no shorter file is without an index. */
const INDEXED_ANYWAY = 96 << 20;
/** Bytes after which it is asked again whether hashing keeps pace. */
const STRETCH_BYTES = 32 << 20;
/** Of the time of a stretch; the rest is waiting for bytes. */
const MAX_BUSY = 0.5;
/** One is read while another is hashed. */
const BUFFERS = 2;

/** A file that somebody else is writing, and what to do with its bytes. */
export interface FollowRequest {
  readonly path: string;
  /** Bytes that it will have. */
  readonly size: number;
  /** What a block index says of its blocks (`parseBlockIndex`): they are compared with that as they come. Null: no index. */
  readonly leaves: Uint8Array | null;
  /** True to look at every block, however long it takes. */
  readonly thorough?: boolean;
}

export interface FollowHooks {
  /** Resolves to the number of bytes that are there from the first on, once these are more than `read`. Rejects to stop the work. */
  arrived(read: number): Promise<number>;
  /** These bytes are not those of the index. Resolves to true when they were brought anew, to false to stop believing the index. */
  damaged(range: ByteRange): Promise<boolean>;
}

export interface FollowedFile {
  /** Of all bytes as they were read, 64 hex digits. */
  readonly sha256: string;
  /** Their block index, as a file; null when not every block was hashed. */
  readonly index: Uint8Array | null;
}

/**
 * Reads a file from front to back behind those who write it: what is hashed is what the disk holds. Each block is compared with a block
 * index where there is one, and hashed with the whole. Where bytes come about as fast as they can be hashed twice, later blocks go
 * without: the hash of the whole tells whether it was for nothing (then do it again, `thorough`).
 *
 * Throws FILE_CHANGED (the file is shorter than was said) and what the hooks throw.
 *
 * @example
 * const { sha256, index } = await followFile({ path, size, leaves: null }, { arrived, damaged });
 */
export async function followFile(request: FollowRequest, hooks: FollowHooks): Promise<FollowedFile> {
  const source = await open(request.path, 'r');
  const hash = createHash('sha256');
  const index = new BlockIndexBuilder();
  const buffers = Array.from({ length: BUFFERS }, () => Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, request.size)));
  const reader = new PieceReader(request, hooks, source);
  const pace = new Pace();
  let indexed = true;
  let reading: Promise<Buffer> | null = null;
  try {
    for (let at = 0, turn = 0; at < request.size; turn++) {
      const piece: Buffer = await (reading ?? reader.read(buffers[turn % BUFFERS] as Buffer, at));
      const next = at + piece.length;
      reading = next < request.size ? reader.read(buffers[(turn + 1) % BUFFERS] as Buffer, next) : null;
      reading?.catch(() => {}); // told when its turn comes
      const since = performance.now();
      if (indexed) index.addBlocks(await reader.check(piece, at), piece.length);
      hash.update(piece);
      at = next;
      const keepsPace = pace.worked(performance.now() - since, at);
      indexed &&= keepsPace || request.thorough === true;
    }
    const sha256 = hash.digest('hex');
    return { sha256, index: indexed ? index.finish(sha256) : null };
  } finally {
    reader.stop();
    await Promise.allSettled([reading]);
    await source.close();
  }
}

/** Whether those who bring bytes will have to wait for the one core that hashes, or want it for themselves. */
class Pace {
  /** Milliseconds of work since `#since`. */
  #busy = 0;
  #since = performance.now();
  #nextQuestion = INDEXED_ANYWAY;

  /** Takes note of milliseconds of work; `bytes` is how far it is. False when the stretch that ends here was too much of it. */
  worked(milliseconds: number, bytes: number): boolean {
    this.#busy += milliseconds;
    if (bytes < this.#nextQuestion) return true;
    const now = performance.now();
    const keepsPace = this.#busy <= MAX_BUSY * (now - this.#since);
    this.#nextQuestion = bytes + STRETCH_BYTES;
    this.#since = now;
    this.#busy = 0;
    return keepsPace;
  }
}

class PieceReader {
  #there = 0;
  #leaves: Uint8Array | null;
  #giveUp: (reason: Error) => void = () => {};
  readonly #stopped: Promise<never>;

  constructor(
    private readonly request: FollowRequest,
    private readonly hooks: FollowHooks,
    private readonly source: FileHandle,
  ) {
    this.#leaves = request.leaves;
    this.#stopped = new Promise((_, reject) => {
      this.#giveUp = reject;
    });
    this.#stopped.catch(() => {});
  }

  /** Ends a read that waits for bytes; after a failure nobody may bring them. */
  stop(): void {
    this.#giveUp(new Error('Stopped.'));
  }

  /** The next bytes, all that fit: only the last piece ends inside a block. */
  async read(buffer: Buffer, at: number): Promise<Buffer> {
    const wanted = Math.min(buffer.length, this.request.size - at);
    while (this.#there < at + wanted) {
      this.#there = await Promise.race([this.hooks.arrived(this.#there), this.#stopped]);
    }
    return this.#fill(buffer.subarray(0, wanted), at);
  }

  /** The hashes of a piece's blocks, once they are those of the index. */
  async check(piece: Buffer, at: number): Promise<Uint8Array> {
    for (;;) {
      const hashes = blockHashes(piece);
      const wrong = this.#leaves && differing(hashes, this.#leaves.subarray((at / indexedBlock) * blockHashBytes));
      if (!wrong) return hashes;
      const last = Math.min(at + wrong.last, this.request.size - 1);
      if (await this.hooks.damaged({ first: at + wrong.first, last })) await this.#fill(piece, at);
      else this.#leaves = null;
    }
  }

  async #fill(piece: Buffer, at: number): Promise<Buffer> {
    for (let filled = 0; filled < piece.length; ) {
      const { bytesRead } = await this.source.read(piece, filled, piece.length - filled, at + filled);
      if (bytesRead === 0) throw changedFile(this.request.path);
      filled += bytesRead;
    }
    return piece;
  }
}

/** From the first to the last byte of the blocks that differ, counted from the start of the piece; null when none does. */
function differing(hashes: Uint8Array, expected: Uint8Array): ByteRange | null {
  let [first, last] = [-1, -1];
  for (let block = 0; block * blockHashBytes < hashes.length; block++) {
    const [from, to] = [block * blockHashBytes, (block + 1) * blockHashBytes];
    if (Buffer.compare(hashes.subarray(from, to), expected.subarray(from, to)) === 0) continue;
    if (first < 0) first = block * indexedBlock;
    last = (block + 1) * indexedBlock - 1;
  }
  return first < 0 ? null : { first, last };
}
