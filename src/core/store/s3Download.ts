import type { Readable } from 'node:stream';
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { DataManagerError, throwIfCancelled } from '../errors';
import { rangeBehindEnd } from './objectErrors';
import type { ByteRange, GetOptions } from './objectStore';
import { readBody } from './readBody';
import { pause } from './retry';
import type { S3Connection } from './s3Connection';
import { isTransient, noS3Service, statusOf } from './s3Errors';

/** A connection that lasted for so many bytes was worth it: the count of failures starts again. */
const GOOD_PROGRESS_BYTES = 1 << 20;

/**
 * The bytes of an object, or of a range of it. After a cut or silent connection it goes on where it stopped, and only if
 * the object is still the same one. Ends early in no case: fewer bytes than announced are an error.
 *
 * @example
 * for await (const piece of downloadBytes(connection, key, { signal })) hash.update(piece);
 */
export async function* downloadBytes(
  connection: S3Connection,
  key: string,
  options: GetOptions = {},
): AsyncGenerator<Uint8Array> {
  const { range, signal, onProgress, onRetry } = options;
  const first = range?.first ?? 0;
  let at = first;
  let end: number | null = null;
  let etag: string | undefined;
  let failures = 0;
  for (;;) {
    const startedAt = at;
    try {
      const last: number | undefined = end === null ? range?.last : end - 1;
      const partial = range !== undefined || at > 0;
      const answer: GetObjectCommandOutput = await connection.call(
        'GetObject',
        key,
        (client, sdkOptions) =>
          client.send(
            new GetObjectCommand({
              Bucket: connection.bucket,
              Key: connection.fullKey(key),
              ...(partial ? { Range: `bytes=${at}-${last ?? ''}` } : {}),
              ...(etag === undefined ? {} : { IfMatch: etag }),
            }),
            sdkOptions,
          ),
        { signal, onRetry },
      );
      if (partial) checkPartial(answer, key, at);
      if (answer.ETag === undefined || answer.ContentLength === undefined) {
        (answer.Body as Readable | undefined)?.destroy();
        throw noS3Service(connection.location);
      }
      const announced = at + answer.ContentLength;
      if (announced !== (end ?? endOfReply(answer, range) ?? announced)) {
        (answer.Body as Readable | undefined)?.destroy();
        throw brokenOff();
      }
      etag ??= answer.ETag;
      end ??= announced;
      const total = end - first;
      for await (const piece of readBody(answer.Body as Readable, connection.idleMs, signal)) {
        at += piece.length;
        yield piece;
        onProgress?.({ phase: 'download', done: at - first, total });
      }
      if (at === end) return;
      throw brokenOff();
    } catch (error) {
      throwIfCancelled(signal);
      if (statusOf(error) === 416) throw rangeBehindEnd(key, at);
      if (statusOf(error) === 412) throw replaced(key);
      failures = at - startedAt >= GOOD_PROGRESS_BYTES ? 1 : failures + 1;
      const goOn = isTransient(error) && failures < connection.retry.attempts && (end === null || at < end);
      if (!goOn) throw connection.error(error, 'GetObject', key);
      onRetry?.(error);
      await pause(failures, connection.retry, signal);
    }
  }
}

/** Where the reply to a range has to end, by the object's size that stands in it; null when none was asked for. */
function endOfReply({ ContentRange }: GetObjectCommandOutput, range: ByteRange | undefined): number | null {
  const size = /\/(\d+)$/.exec(ContentRange ?? '')?.[1];
  return range && size ? Math.min(range.last + 1, Number(size)) : null;
}

/** Fewer bytes than asked for, whether or not the reply owns up to it: some proxies cut a body and correct its length. */
function brokenOff(): Error {
  return Object.assign(new Error('The reply ended early.'), { code: 'ECONNRESET' });
}

/** A server that ignores ranges sends the object from its start: those bytes must not pass for the ones asked for. */
function checkPartial(answer: GetObjectCommandOutput, key: string, at: number): void {
  if (answer.ContentRange?.startsWith(`bytes ${at}-`)) return;
  (answer.Body as Readable | undefined)?.destroy();
  throw new DataManagerError('STORE_FAILED', `The server doesn't send parts of objects, as asked for ${key}.`, {
    hint: 'Check that the endpoint is an S3 service.',
    data: { key, contentRange: answer.ContentRange ?? null },
  });
}

function replaced(key: string): DataManagerError {
  return new DataManagerError('STORE_FAILED', `The object ${key} was replaced while it was being read.`, {
    hint: 'Objects must never be overwritten: find out what writes to this bucket.',
    data: { key },
  });
}
