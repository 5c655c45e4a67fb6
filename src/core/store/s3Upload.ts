import { createHash, randomUUID } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { DataManagerError, throwIfCancelled } from '../errors';
import { checkExisting } from './existingObject';
import type { ObjectInfo, ObjectSource, PutResult } from './objectStore';
import { DEFAULT_PART_BYTES, planParts } from './partPlan';
import type { RequestOptions, S3Connection } from './s3Connection';
import { noS3Service, statusOf } from './s3Errors';
import { openSource, type SourceReader } from './sourceReader';

const PARALLEL_PARTS = 4;
/** How long tidying up after a failure or a cancel may take, in milliseconds. */
const CLEAN_UP_MS = 10_000;

/** One `put` in progress. */
interface Upload {
  readonly connection: S3Connection;
  readonly key: string;
  readonly source: ObjectSource;
  readonly reader: SourceReader;
  readonly partBytes: number;
  /** Recorded with the object; tells ours from one that somebody else wrote at the same time. */
  readonly putId: string;
  readonly request: RequestOptions & { readonly counter: { requests: number } };
}

/**
 * Writes an object whose key was free a moment ago: in one conditional request up to `partBytes`, else in parallel parts.
 *
 * The bytes that are sent are hashed on the way. When they are not those of `source.sha256`, the upload is given up before
 * it is complete, with FILE_CHANGED.
 *
 * @example
 * const { created } = await uploadObject(connection, key, source, { signal, counter });
 */
export async function uploadObject(
  connection: S3Connection,
  key: string,
  source: ObjectSource,
  request: Upload['request'],
  partBytes: number = DEFAULT_PART_BYTES,
): Promise<PutResult> {
  const reader = await openSource(source);
  try {
    const upload: Upload = { connection, key, source, reader, partBytes, putId: randomUUID(), request };
    const created = reader.size <= partBytes ? await putWhole(upload) : await putParts(upload);
    return { created, bytesSent: created ? reader.size : 0, requests: request.counter.requests };
  } finally {
    await reader.close();
  }
}

async function putWhole(upload: Upload): Promise<boolean> {
  const { connection, key, source, reader, request } = upload;
  const body = await reader.read(Buffer.allocUnsafeSlow(reader.size));
  reader.checkHash();
  const send = (condition: { IfNoneMatch?: string }) =>
    connection.call(
      'PutObject',
      key,
      (client, options) => {
        const command = new PutObjectCommand({ ...target(upload), ...recorded(upload), ...condition, Body: body });
        return client.send(withPayloadHash(command, source.sha256), options);
      },
      request,
    );
  try {
    await send({ IfNoneMatch: '*' }).catch((error) => {
      // A server without conditional writes; that the key is free was checked before.
      if (statusOf(error) === 501) return send({});
      throw error;
    });
  } catch (error) {
    // 412: the key is taken; by this very put, if an earlier try arrived and only its answer was lost.
    if (statusOf(error) === 412) return resolveOwner(upload);
    await discardOurs(upload);
    throw error;
  }
  request.onProgress?.({ phase: 'upload', done: reader.size, total: reader.size });
  return true;
}

async function putParts(upload: Upload): Promise<boolean> {
  const { connection, key, reader, request } = upload;
  const started = await connection.call(
    'CreateMultipartUpload',
    key,
    (client, options) =>
      client.send(new CreateMultipartUploadCommand({ ...target(upload), ...recorded(upload) }), options),
    request,
  );
  const uploadId = started.UploadId;
  if (!uploadId)
    throw new DataManagerError('STORE_FAILED', `${connection.location} gave no id for an upload in parts.`);
  let done = false;
  try {
    const parts = await sendParts(upload, uploadId);
    reader.checkHash();
    throwIfCancelled(request.signal);
    // R2 ignores a condition on Complete, so look once more: the upload may have taken an hour.
    const rival = await headObject(connection, key, request);
    if (rival) {
      checkExisting(rival.info, upload.source);
      return false;
    }
    await complete(upload, uploadId, parts);
    done = true;
    return true;
  } finally {
    if (!done) await abandon(upload, uploadId);
  }
}

interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string | undefined;
}

/** Reads one part after the other and keeps at most four under way; a failure of one stops the others. */
async function sendParts(upload: Upload, uploadId: string): Promise<readonly SentPart[]> {
  const { reader, request } = upload;
  const { partBytes, parts } = planParts(reader.size, upload.partBytes);
  const stop = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
  const running = new Set<Promise<void>>();
  const free: Buffer[] = [];
  const sent: SentPart[] = [];
  let failure: { readonly error: unknown } | null = null;
  let confirmed = 0;

  const start = (number: number, buffer: Buffer, body: Buffer) => {
    const task = sendPart(upload, uploadId, number, body, signal)
      .then((part) => {
        sent.push(part);
        free.push(buffer);
        confirmed += body.length;
        request.onProgress?.({ phase: 'upload', done: confirmed, total: reader.size });
      })
      .catch((error) => {
        failure ??= { error };
        stop.abort();
      })
      .finally(() => running.delete(task));
    running.add(task);
  };

  try {
    for (let number = 1; number <= parts && !failure; number++) {
      throwIfCancelled(request.signal);
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(partBytes);
      start(number, buffer, await reader.read(buffer));
      if (running.size >= PARALLEL_PARTS) await Promise.race(running);
    }
  } catch (error) {
    stop.abort();
    throw error;
  } finally {
    // A part that lands after the upload was abandoned would stay in the bucket, unseen and paid for.
    await Promise.all(running);
  }
  throwIfCancelled(request.signal);
  if (failure) throw (failure as { error: unknown }).error;
  return sent.sort((a, b) => a.PartNumber - b.PartNumber);
}

async function sendPart(
  upload: Upload,
  uploadId: string,
  number: number,
  body: Buffer,
  signal: AbortSignal,
): Promise<SentPart> {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const answer = await upload.connection.call(
    'UploadPart',
    upload.key,
    (client, options) => {
      const command = new UploadPartCommand({ ...target(upload), UploadId: uploadId, PartNumber: number, Body: body });
      return client.send(withPayloadHash(command, sha256), options);
    },
    { ...upload.request, signal },
  );
  return { PartNumber: number, ETag: answer.ETag };
}

/** Not cancellable: from here on the object may exist. */
async function complete(upload: Upload, uploadId: string, parts: readonly SentPart[]): Promise<void> {
  const { connection, key, reader, request } = upload;
  const calm: RequestOptions = { counter: request.counter };
  let failure: unknown = null;
  try {
    await connection.call(
      'CompleteMultipartUpload',
      key,
      (client, options) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...target(upload),
            UploadId: uploadId,
            MultipartUpload: { Parts: [...parts] },
          }),
          options,
        ),
      calm,
    );
  } catch (error) {
    // Perhaps only the answer was lost, and a repeat found no upload any more. The object itself tells.
    failure = error;
  }
  const stored = await headObject(connection, key, calm);
  if (!stored) {
    throw (
      failure ?? new DataManagerError('STORE_FAILED', `${connection.location} lost the object ${key} after its upload.`)
    );
  }
  if (stored.info.size !== reader.size) {
    await discardOurs(upload);
    throw new DataManagerError(
      'STORE_FAILED',
      `${connection.location} stored ${stored.info.size} bytes of ${key} instead of ${reader.size}.`,
      { hint: 'Try again.', data: { key, expectedSize: reader.size, actualSize: stored.info.size } },
    );
  }
  if (failure && stored.putId !== upload.putId) throw failure;
}

/** True when the object under the key is the one that this put wrote. */
async function resolveOwner(upload: Upload): Promise<boolean> {
  const stored = await headObject(upload.connection, upload.key, upload.request);
  if (!stored) {
    throw new DataManagerError('STORE_FAILED', `The object ${upload.key} was deleted while it was being written.`, {
      hint: 'Try again.',
      data: { key: upload.key },
    });
  }
  checkExisting(stored.info, upload.source);
  return stored.putId === upload.putId;
}

async function abandon(upload: Upload, uploadId: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  // When this fails too, the server's own rule removes the parts (R2: after 7 days).
  await upload.connection
    .call(
      'AbortMultipartUpload',
      upload.key,
      (client, options) =>
        client.send(new AbortMultipartUploadCommand({ ...target(upload), UploadId: uploadId }), options),
      { signal, counter: upload.request.counter },
    )
    .catch(() => {});
}

/** A put that failed or was cancelled may still have arrived. Removes the object only if it is certainly ours. */
async function discardOurs(upload: Upload): Promise<void> {
  const { connection, key, request } = upload;
  const once: RequestOptions = {
    signal: AbortSignal.timeout(CLEAN_UP_MS),
    counter: request.counter,
    retry: { attempts: 2, baseMs: 100, capMs: 100 },
  };
  try {
    const stored = await headObject(connection, key, once);
    if (stored?.putId !== upload.putId) return;
    await connection.call(
      'DeleteObject',
      key,
      (client, options) => client.send(new DeleteObjectCommand(target(upload)), options),
      once,
    );
  } catch {
    // Unclear, so it stays: `gc` collects what no version names.
  }
}

/**
 * What is stored under a key and which put wrote it; null when there is nothing (or no bucket: HEAD can't tell).
 *
 * @example
 * const stored = await headObject(connection, 'utopia/3f5a.sqlite', { signal });
 */
export async function headObject(
  connection: S3Connection,
  key: string,
  options: RequestOptions,
): Promise<{ readonly info: ObjectInfo; readonly putId: string | null } | null> {
  try {
    const answer = await connection.call(
      'HeadObject',
      key,
      (client, sdkOptions) =>
        client.send(new HeadObjectCommand({ Bucket: connection.bucket, Key: connection.fullKey(key) }), sdkOptions),
      options,
    );
    if (answer.ETag === undefined) throw noS3Service(connection.location);
    const recordedHash = answer.Metadata?.sha256?.toLowerCase() ?? '';
    const sha256 = /^[0-9a-f]{64}$/.test(recordedHash) ? recordedHash : null;
    return { info: { key, size: answer.ContentLength ?? 0, sha256 }, putId: answer.Metadata?.['put-id'] ?? null };
  } catch (error) {
    if (DataManagerError.is(error, 'OBJECT_MISSING')) return null;
    throw error;
  }
}

function target({ connection, key }: Upload): { Bucket: string; Key: string } {
  return { Bucket: connection.bucket, Key: connection.fullKey(key) };
}

/** No underscore in the names: some servers turn it into a dash. */
function recorded({ source, putId }: Upload): { Metadata: Record<string, string> } {
  return { Metadata: { sha256: source.sha256, 'put-id': putId } };
}

interface HasMiddleware {
  readonly middlewareStack: {
    add(
      middleware: (next: (args: never) => unknown) => (args: never) => unknown,
      options: { readonly step: 'build'; readonly name: string },
    ): void;
  };
}

/**
 * The signature takes this header over instead of hashing the body a second time, and the server checks the body against
 * it: the integrity of every part for free.
 */
function withPayloadHash<C extends PutObjectCommand | UploadPartCommand>(command: C, sha256: string): C {
  (command as unknown as HasMiddleware).middlewareStack.add(
    (next) => (args) => {
      (args as { request: { headers: Record<string, string> } }).request.headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'payloadHash' },
  );
  return command;
}
