import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { writeAt } from './writeAt';

/** Bytes. Memory, place and length of a direct write are multiples of what the disk's blocks have; a page suits all but odd disks. */
const ALIGNMENT = 4096;
/** Bytes of a page of WebAssembly's memory. */
const WASM_PAGE = 64 << 10;

export interface DirectTarget {
  /** For what can't go past the cache. */
  readonly handle: FileHandle;
  readonly path: string;
  /** Its name in errors. */
  readonly shownAs: string;
}

/** A file that is written past the system's page cache. */
export interface DirectFile {
  /** Writes what an `alignedBuffer` begins with; `offset`, in bytes, is a multiple of 4096. Throws DISK_FULL, OUTPUT_UNWRITABLE. */
  write(bytes: Buffer, offset: number): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file that is there already for writes past the page cache (open(2), O_DIRECT). For a large file that is to be on the disk
 * at the end anyway: the disk fetches the bytes while others arrive, nobody copies them, no memory has to be found for them, and the
 * sync at the end finds nothing to do. Null where the system or the file system has no such thing (macOS, Windows, some FUSE).
 *
 * @example
 * const direct = await openDirect({ handle, path: temp, shownAs: 'utopia.sqlite' });
 */
export async function openDirect({ handle, path, shownAs }: DirectTarget): Promise<DirectFile | null> {
  if (constants.O_DIRECT === undefined) return null;
  const direct = await open(path, constants.O_WRONLY | constants.O_DIRECT).catch(() => null);
  if (!direct) return null;
  let refused = false;
  return {
    async write(bytes, offset) {
      const whole = refused ? 0 : bytes.length - (bytes.length % ALIGNMENT);
      const outcome = whole > 0 && (await direct.write(bytes, 0, whole, offset).catch(() => null));
      const written = outcome ? outcome.bytesWritten : 0;
      refused ||= written < whole;
      // The end of the file, and what a full disk or one with larger blocks did not take: this way it goes, or says why not.
      if (written < bytes.length) await writeAt(handle, bytes.subarray(written), offset + written, shownAs);
    },
    close: () => direct.close(),
  };
}

/**
 * Memory that begins at a page's border, as direct writes want it, rounded up to 64 KiB. Node's buffers begin somewhere;
 * WebAssembly's memory is mapped. Null when there is none, such as under a limit of the address space.
 *
 * @example
 * const buffer = alignedBuffer(4 << 20);
 */
export function alignedBuffer(bytes: number): Buffer | null {
  const pages = Math.ceil(bytes / WASM_PAGE);
  try {
    return Buffer.from(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer);
  } catch {
    return null;
  }
}
