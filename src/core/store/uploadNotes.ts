import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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
 * @example
 * await store.put(key, source, { notes: uploadNotes(folder, { location: store.location, key, sha256, size }, Date.now) });
 */
export function uploadNotes(folder: string, subject: UploadSubject, now: () => number): UploadNotes {
  const name = createHash('sha256')
    .update(JSON.stringify([subject.location, subject.key]))
    .digest('hex')
    .slice(0, 32);
  const file = join(folder, `${name}.jsonl`);
  return {
    async load() {
      const [first = '', ...rest] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
      const noted = parse(first) as FirstLine | null;
      if (!noted || !matches(noted, subject) || !(now() - noted.startedAt < USABLE_MS)) return null;
      const { uploadId, putId, partBytes } = noted;
      const parts = new Map<number, ConfirmedPart>();
      for (const line of rest) {
        const part = parse(line) as ConfirmedPart | null;
        if (part && Number.isSafeInteger(part.number) && typeof part.etag === 'string') parts.set(part.number, part);
      }
      return { upload: { uploadId, putId, partBytes }, parts: [...parts.values()] };
    },
    async begin(upload) {
      try {
        await mkdir(folder, { recursive: true });
        const draft = `${file}.${process.pid}.tmp`;
        await writeFile(draft, `${JSON.stringify({ ...subject, ...upload, startedAt: now() })}\n`, { flush: true });
        await rename(draft, file);
      } catch {
        await rm(file, { force: true }).catch(() => {});
      }
    },
    async confirm({ number, etag }) {
      // Without O_CREAT: notes that another process cleared must not come back without their first line.
      const handle = await open(file, constants.O_WRONLY | constants.O_APPEND).catch(() => null);
      try {
        await handle?.writeFile(`${JSON.stringify({ number, etag })}\n`);
      } catch {
        // A full disk: the part counts as not sent when it comes to that.
      } finally {
        await handle?.close();
      }
    },
    async clear() {
      await rm(file, { force: true }).catch(() => {});
    },
  };
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
