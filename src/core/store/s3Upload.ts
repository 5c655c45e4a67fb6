import { randomUUID } from 'node:crypto';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectSource, PutOptions, PutResult } from './objectStore';
import { DEFAULT_PART_BYTES } from './partPlan';
import type { RequestOptions, S3Connection } from './s3Connection';
import { statusOf } from './s3Errors';
import { NotTheUploadAnyMore, putParts } from './s3MultipartUpload';
import { discardOurs, isOurs, recorded, type S3Put, target, tidied, withPayloadHash } from './s3PutRequest';
import { openSource } from './sourceReader';

export interface UploadOptions extends Pick<PutOptions, 'copy' | 'notes'> {
  readonly request: RequestOptions & { readonly counter: { requests: number } };
  /** Objects up to this size go in one request. */
  readonly partBytes?: number | undefined;
  /** True when nobody could say whether the key is free: then only a server that checks it itself may write. */
  readonly unsure?: boolean | undefined;
}

/**
 * Writes an object whose key was free a moment ago: in one conditional request up to `partBytes`, else in parallel parts, some of
 * which the store may copy from another object.
 *
 * The bytes that are sent are hashed on the way. When they are not those of `source.sha256`, the upload is given up before
 * it is complete, with FILE_CHANGED.
 *
 * @example
 * const { created } = await uploadObject(connection, key, source, { request: { signal, counter } });
 */
export async function uploadObject(
  connection: S3Connection,
  key: string,
  source: ObjectSource,
  options: UploadOptions,
): Promise<PutResult> {
  const { request, partBytes = DEFAULT_PART_BYTES, copy, notes, unsure = false } = options;
  const reader = await openSource(source);
  try {
    const put: S3Put = { connection, key, source, reader, partBytes, putId: randomUUID(), copy, notes, request };
    const whole = reader.size <= (copy?.partBytes ?? partBytes);
    const moved = whole ? await putWhole(put, unsure) : await putParts(put);
    return { ...(moved ?? NOTHING), created: moved !== null, requests: request.counter.requests };
  } catch (error) {
    // What was noted is gone on the server: from the start then, and the notes with it, so at most once.
    if (error instanceof NotTheUploadAnyMore) return uploadObject(connection, key, source, options);
    throw error;
  } finally {
    await reader.close();
  }
}

const NOTHING = { bytesSent: 0, bytesCopied: 0, bytesResumed: 0 } as const;

/** Null when somebody else's object is there. */
async function putWhole(
  put: S3Put,
  unsure: boolean,
): Promise<typeof NOTHING | { readonly [K in keyof typeof NOTHING]: number } | null> {
  const { connection, key, source, reader, request } = put;
  const body = await reader.read(Buffer.allocUnsafeSlow(reader.size));
  reader.checkHash();
  const send = (condition: { IfNoneMatch?: string }) =>
    connection.call(
      'PutObject',
      key,
      (client, options) => {
        const command = new PutObjectCommand({ ...target(put), ...recorded(put), ...condition, Body: body });
        return client.send(withPayloadHash(command, source.sha256), options);
      },
      request,
    );
  try {
    await send({ IfNoneMatch: '*' }).catch((error) => {
      // A server without conditional writes; that the key is free was checked before.
      if (statusOf(error) === 501 && !unsure) return send({});
      throw error;
    });
  } catch (error) {
    // 412: the key is taken; by this very put, if an earlier try arrived and only its answer was lost.
    if (statusOf(error) !== 412) {
      await tidied(discardOurs(put), request.signal);
      throw error;
    }
    if (!(await isOurs(put))) return null;
  }
  request.onProgress?.({ phase: 'upload', done: reader.size, total: reader.size });
  return { ...NOTHING, bytesSent: reader.size };
}
