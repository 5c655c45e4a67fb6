import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { claimedName, isUnclaimed } from './claimedName';
import type { ConfirmedPart, StartedUpload, UploadNotes } from './objectStore';

/** R2 and most lifecycle rules drop an unfinished upload after 7 days. Milliseconds. */
const USABLE_MS = 6 * 24 * 3600 * 1000;

/** What an upload is about: only the same bytes at the same place go on with it. */
export interface UploadSubject {
  /** Of the store, without a secret. */
  readonly location: string;
  readonly key: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

interface FirstLine extends UploadSubject, StartedUpload {
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/**
 * Keeps the course of an upload in a file of its own in `folder`: a first line about the upload, then one line a part. A line that was
 * torn by a crash costs the part that it was about. Holds no secret. Nothing here throws: an upload that can't be noted just can't be
 * gone on with.
 *
 * The process that works on an upload has its id in the file's name: two that send the same bytes at once would each replace parts
 * that the other one has counted.
 *
 * @example
 * await store.put(key, source, { notes: uploadNotes(folder, { location: store.location, key, sha256, size }, Date.now) });
 */
export function uploadNotes(folder: string, subject: UploadSubject, now: () => number): UploadNotes {
  const stem = `${createHash('sha256')
    .update(JSON.stringify([subject.location, subject.key]))
    .digest('hex')
    .slice(0, 32)}.jsonl`;
  /** Ours; null while there is none. */
  let file: string | null = null;
  const clear = async () => {
    if (file !== null) await rm(file, { force: true }).catch(() => {});
    file = null;
  };
  return {
    async load() {
      for (const name of await readdir(folder).catch(() => [])) {
        if (!isUnclaimed(name, stem)) continue;
        const claimed = join(folder, claimedName(stem));
        const isOurs = await rename(join(folder, name), claimed).then(
          () => true,
          () => false, // somebody else was faster
        );
        if (!isOurs) continue;
        file = claimed;
        const noted = await read(claimed, subject, now());
        if (noted) return noted;
        await clear();
      }
      return null;
    },
    async begin(upload) {
      await clear();
      file = join(folder, claimedName(stem));
      try {
        await mkdir(folder, { recursive: true });
        await removeOld(folder, now());
        await writeFile(file, `${JSON.stringify({ ...subject, ...upload, startedAt: now() })}\n`, { flush: true });
      } catch {
        await clear();
      }
    },
    async confirm({ number, etag }) {
      // Without O_CREAT: notes that somebody removed must not come back without their first line.
      const handle = file === null ? null : await open(file, constants.O_WRONLY | constants.O_APPEND).catch(() => null);
      try {
        await handle?.writeFile(`${JSON.stringify({ number, etag })}\n`);
      } catch {
        // A full disk: the part counts as not sent when it comes to that.
      } finally {
        await handle?.close();
      }
    },
    async keep() {
      // A process that lives on, such as the editor, must be able to go on with it.
      if (file !== null) await rename(file, join(folder, stem)).catch(() => {});
      file = null;
    },
    clear,
  };
}

async function read(file: string, subject: UploadSubject, now: number): ReturnType<UploadNotes['load']> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const [first = '', ...rest] = text.split('\n');
  const noted = parse(first) as FirstLine | null;
  if (!noted || !matches(noted, subject) || !(now - noted.startedAt < USABLE_MS)) return null;
  const { uploadId, putId, partBytes } = noted;
  const parts = new Map<number, ConfirmedPart>();
  for (const line of rest) {
    const part = parse(line) as ConfirmedPart | null;
    if (part && Number.isSafeInteger(part.number) && typeof part.etag === 'string') parts.set(part.number, part);
  }
  // What comes next must not stand in a line that was torn.
  if (!text.endsWith('\n')) await writeFile(file, '\n', { flag: 'a' }).catch(() => {});
  return { upload: { uploadId, putId, partBytes }, parts: [...parts.values()] };
}

/** Of files that were never published again: nobody else would look at them. */
async function removeOld(folder: string, now: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const file = join(folder, name);
    const stats = await stat(file).catch(() => null);
    if (stats && now - stats.mtimeMs > USABLE_MS) await rm(file, { force: true }).catch(() => {});
  }
}

function matches(noted: FirstLine, subject: UploadSubject): boolean {
  return (
    noted.location === subject.location &&
    noted.key === subject.key &&
    noted.sha256 === subject.sha256 &&
    noted.size === subject.size &&
    typeof noted.uploadId === 'string' &&
    typeof noted.putId === 'string' &&
    Number.isSafeInteger(noted.partBytes) &&
    noted.partBytes > 0
  );
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
