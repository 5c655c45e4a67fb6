import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { DataManagerError, throwIfCancelled } from '../errors';
import { checkExisting } from './existingObject';
import type { ByteRange, ConfirmedPart, StartedUpload } from './objectStore';
import { planParts } from './partPlan';
import { PartWindow } from './partWindow';
import type { RequestOptions } from './s3Connection';
import { downloadBytes } from './s3Download';
import { statusOf } from './s3Errors';
import { discardOurs, headObject, recorded, type S3Put, target, tidied, withPayloadHash } from './s3PutRequest';

/** How long giving an upload back may take, in milliseconds. */
const CLEAN_UP_MS = 10_000;
/** After the upload, so many of the copied parts are compared with the file, with so many bytes each. */
const SPOT_CHECKS = 4;
const SPOT_BYTES = 64 << 10;

/** An upload that was noted has ended on the server meanwhile; its notes are gone, so the next try begins a new one. */
export class NotTheUploadAnyMore extends Error {}

/** Bytes that went each way. */
export interface MovedBytes {
  readonly bytesSent: number;
  readonly bytesCopied: number;
  readonly bytesResumed: number;
}

/** An upload that the server knows, and what it has of it. */
interface OpenUpload extends StartedUpload {
  readonly resumed: boolean;
  /** ETag by part number. */
  readonly confirmed: ReadonlyMap<number, string>;
}

/**
 * Writes an object in parts, several at once: sent, copied by the store where `put.copy` says so, or there already from an
 * interrupted upload that `put.notes` knows. Null when somebody else's object is there by the end.
 *
 * Every byte of the source is read and hashed in order, those too that needn't be sent, so a file that changed meanwhile is
 * noticed before the object exists. Copied parts are compared with the file here and there afterwards.
 *
 * @example
 * const moved = await putParts(put);
 */
export async function putParts(put: S3Put): Promise<MovedBytes | null> {
  const { connection, key, reader, request, notes } = put;
  const upload = await openUpload(put).catch(async (error) => {
    await notes?.keep();
    throw error;
  });
  const ours: S3Put = { ...put, putId: upload.putId };
  let outcome: 'open' | 'done' | 'keep' = 'open';
  try {
    const { parts, copied, ...moved } = await bringParts(ours, upload);
    reader.checkHash();
    throwIfCancelled(request.signal);
    // R2 ignores a condition on Complete, so look once more: the upload may have taken an hour.
    const rival = await headObject(connection, key, request);
    if (rival && rival.putId !== ours.putId) {
      checkExisting(rival.info, put.source);
      return null;
    }
    await complete(ours, upload, parts);
    outcome = 'done';
    await spotCheck(ours, copied);
    await notes?.clear();
    await abandonNoted(ours);
    return moved;
  } catch (error) {
    if (outcome === 'open' && upload.resumed && isGone(error)) throw new NotTheUploadAnyMore();
    if (outcome === 'open' && notes && isWorthResuming(error)) outcome = 'keep';
    throw error;
  } finally {
    if (outcome === 'open') await tidied(abandon(ours, upload.uploadId), request.signal);
    await (outcome === 'keep' ? notes?.keep() : notes?.clear());
  }
}

/**
 * Gives up the uploads of an object that broke off and that nobody needs any more, because the object is there.
 *
 * @example
 * if (await store.head(key)) await abandonNoted(put);
 */
export async function abandonNoted(put: Pick<S3Put, 'connection' | 'key' | 'notes' | 'request'>): Promise<void> {
  for (let noted = await put.notes?.load(); noted; noted = await put.notes?.load()) {
    await abandon(put, noted.upload.uploadId);
    await put.notes?.clear();
  }
}

async function openUpload(put: S3Put): Promise<OpenUpload> {
  const { connection, key, notes, request } = put;
  const noted = await notes?.load();
  if (noted && noted.upload.partBytes === partBytesOf(put)) {
    const confirmed = await stillThere(put, noted.upload.uploadId, noted.parts);
    if (confirmed) return { ...noted.upload, resumed: true, confirmed };
    // Another plan than last time would cut the file in other places.
  } else if (noted) await abandon(put, noted.upload.uploadId);
  const started = await connection.call(
    'CreateMultipartUpload',
    key,
    (client, options) => client.send(new CreateMultipartUploadCommand({ ...target(put), ...recorded(put) }), options),
    request,
  );
  const uploadId = started.UploadId;
  if (!uploadId)
    throw new DataManagerError('STORE_FAILED', `${connection.location} gave no id for an upload in parts.`);
  const upload: StartedUpload = { uploadId, putId: put.putId, partBytes: partBytesOf(put) };
  await notes?.begin(upload);
  return { ...upload, resumed: false, confirmed: new Map() };
}

function partBytesOf({ copy, partBytes, reader }: S3Put): number {
  return planParts(reader.size, copy?.partBytes ?? partBytes).partBytes;
}

/** The noted parts that the server has, by its own list where it gives one (miniflare does not); null when the upload is over. */
async function stillThere(
  put: S3Put,
  uploadId: string,
  noted: readonly ConfirmedPart[],
): Promise<ReadonlyMap<number, string> | null> {
  const { connection, key, request } = put;
  const confirmed = new Map(noted.map(({ number, etag }) => [number, etag]));
  const listed = new Map<number, string>();
  let marker: string | undefined;
  try {
    do {
      const page = await connection.call(
        'ListParts',
        key,
        (client, options) =>
          client.send(
            new ListPartsCommand({ ...target(put), UploadId: uploadId, ...(marker && { PartNumberMarker: marker }) }),
            options,
          ),
        request,
      );
      for (const part of page.Parts ?? []) listed.set(part.PartNumber ?? 0, part.ETag ?? '');
      marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
  } catch (error) {
    if (statusOf(error) === 404) return null;
    // No such operation, or not for this key: then the notes have to do, and Complete checks them.
    if (![400, 403, 405, 501].includes(statusOf(error) ?? 0)) throw error;
    return confirmed;
  }
  return new Map([...confirmed].filter(([number, etag]) => bare(listed.get(number) ?? '') === bare(etag)));
}

function bare(etag: string): string {
  return etag.replaceAll('"', '');
}

interface BroughtParts extends MovedBytes {
  readonly parts: readonly ConfirmedPart[];
  /** Where in the new object the copied parts are. */
  readonly copied: readonly ByteRange[];
}

/** Reads one part after the other and keeps as many under way as the line takes; a failure of one stops the others. */
async function bringParts(put: S3Put, upload: OpenUpload): Promise<BroughtParts> {
  const { reader, request, notes } = put;
  const { partBytes } = upload;
  const count = Math.max(1, Math.ceil(reader.size / partBytes));
  const stop = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
  // Each connection listens; Node would take more than ten for a leak and say so on the user's terminal.
  setMaxListeners(0, signal);
  const window = new PartWindow(partBytes, () => performance.now());
  const options = { ...request, signal, onRetry: () => window.slowedDown() };
  const running = new Set<Promise<void>>();
  const free: Buffer[] = [];
  const parts: ConfirmedPart[] = [];
  const copied: ByteRange[] = [];
  let bytesSent = 0;
  let bytesCopied = 0;
  let bytesResumed = 0;
  let failure: { readonly error: unknown } | null = null;

  const report = () => {
    const done = bytesSent + bytesCopied + bytesResumed;
    request.onProgress?.({
      phase: 'upload',
      done,
      total: reader.size,
      ...(notes && { kept: done }),
      ...(bytesCopied > 0 && { copied: bytesCopied }),
      ...(bytesResumed > 0 && { resumed: bytesResumed }),
    });
  };
  const start = (buffer: Buffer, bring: () => Promise<ConfirmedPart>, done: () => void) => {
    const task = bring()
      .then(async (part) => {
        parts.push(part);
        await notes?.confirm(part);
        window.confirmed();
        done();
        report();
      })
      .catch((error) => {
        failure ??= { error };
        stop.abort();
      })
      .finally(() => {
        free.push(buffer);
        running.delete(task);
      });
    running.add(task);
  };

  try {
    for (let number = 1; number <= count && !failure; number++) {
      throwIfCancelled(request.signal);
      const offset = (number - 1) * partBytes;
      const buffer = free.pop() ?? Buffer.allocUnsafeSlow(partBytes);
      const body = await reader.read(buffer);
      const etag = upload.confirmed.get(number);
      const range = put.copy?.parts.get(number);
      if (etag !== undefined) {
        free.push(buffer);
        parts.push({ number, etag });
        bytesResumed += body.length;
        report();
        continue;
      }
      const send = () => sendPart(put, upload.uploadId, number, body, options);
      const sent = () => {
        bytesSent += body.length;
      };
      if (range === undefined || range.last - range.first + 1 !== body.length) start(buffer, send, sent);
      else {
        let byCopy = true;
        const copyOrSend = () =>
          copyPart(put, upload.uploadId, number, range, options).catch((error) => {
            // A server that can't copy, or an object that is gone: the bytes are at hand.
            if (signal.aborted || !isRefused(error)) throw error;
            byCopy = false;
            return send();
          });
        start(buffer, copyOrSend, () => {
          if (!byCopy) return sent();
          bytesCopied += body.length;
          copied.push({ first: offset, last: offset + body.length - 1 });
        });
      }
      while (running.size >= window.limit && !failure) await Promise.race(running);
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
  parts.sort((a, b) => a.number - b.number);
  return { parts, copied, bytesSent, bytesCopied, bytesResumed };
}

async function sendPart(
  put: S3Put,
  uploadId: string,
  number: number,
  body: Buffer,
  options: RequestOptions,
): Promise<ConfirmedPart> {
  const sha256 = createHash('sha256').update(body).digest('hex');
  const answer = await put.connection.call(
    'UploadPart',
    put.key,
    (client, sdkOptions) => {
      const command = new UploadPartCommand({ ...target(put), UploadId: uploadId, PartNumber: number, Body: body });
      return client.send(withPayloadHash(command, sha256), sdkOptions);
    },
    options,
  );
  return { number, etag: answer.ETag ?? '' };
}

/** R2 takes any source range, but no condition on the source: keys are immutable, so none is needed. */
async function copyPart(
  put: S3Put,
  uploadId: string,
  number: number,
  { first, last }: ByteRange,
  options: RequestOptions,
): Promise<ConfirmedPart> {
  const { connection } = put;
  const source = put.copy?.key ?? '';
  const path = [connection.bucket, ...connection.fullKey(source).split('/')].map(encodeURIComponent).join('/');
  const answer = await connection.call(
    'UploadPartCopy',
    source,
    (client, sdkOptions) =>
      client.send(
        new UploadPartCopyCommand({
          ...target(put),
          UploadId: uploadId,
          PartNumber: number,
          CopySource: path,
          CopySourceRange: `bytes=${first}-${last}`,
        }),
        sdkOptions,
      ),
    options,
  );
  const etag = answer.CopyPartResult?.ETag;
  if (etag === undefined) throw new DataManagerError('STORE_FAILED', `${connection.location} gave no copy of a part.`);
  return { number, etag };
}

/** Not cancellable: from here on the object may exist. */
async function complete(put: S3Put, { uploadId }: OpenUpload, parts: readonly ConfirmedPart[]): Promise<void> {
  const { connection, key, reader, request } = put;
  const calm: RequestOptions = { counter: request.counter };
  let failure: unknown = null;
  try {
    await connection.call(
      'CompleteMultipartUpload',
      key,
      (client, options) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...target(put),
            UploadId: uploadId,
            MultipartUpload: { Parts: parts.map(({ number, etag }) => ({ PartNumber: number, ETag: etag })) },
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
    await discardOurs(put);
    throw new DataManagerError(
      'STORE_FAILED',
      `${connection.location} stored ${stored.info.size} bytes of ${key} instead of ${reader.size}.`,
      { hint: 'Try again.', data: { key, expectedSize: reader.size, actualSize: stored.info.size } },
    );
  }
  if (failure && stored.putId !== put.putId) throw failure;
}

/** Two servers accept ranges behind the end of a source (measured), so a copy is believed only after a look. */
async function spotCheck(put: S3Put, copied: readonly ByteRange[]): Promise<void> {
  const { connection, key, reader, request } = put;
  const step = Math.max(1, Math.ceil(copied.length / SPOT_CHECKS));
  for (let i = 0; i < copied.length; i += step) {
    const part = copied[i];
    if (!part) continue;
    // Its end: there a range that was cut short shows.
    const first = Math.max(part.first, part.last - SPOT_BYTES + 1);
    const expected = await reader.readAt(Buffer.allocUnsafe(part.last - first + 1), first);
    const pieces: Uint8Array[] = [];
    for await (const piece of downloadBytes(connection, key, { range: { first, last: part.last } })) {
      pieces.push(Buffer.from(piece));
    }
    request.counter.requests++;
    if (Buffer.concat(pieces).equals(expected)) continue;
    await discardOurs(put);
    throw new DataManagerError('STORE_FAILED', `${connection.location} copied wrong bytes into ${key}.`, {
      hint: 'Publish again; the object was removed.',
      data: { key, first, last: part.last },
    });
  }
}

async function abandon(put: Pick<S3Put, 'connection' | 'key' | 'request'>, uploadId: string): Promise<void> {
  const signal = AbortSignal.timeout(CLEAN_UP_MS);
  // When this fails too, the server's own rule removes the parts (R2: after 7 days).
  await put.connection
    .call(
      'AbortMultipartUpload',
      put.key,
      (client, options) =>
        client.send(new AbortMultipartUploadCommand({ ...target(put), UploadId: uploadId }), options),
      { signal, counter: put.request.counter },
    )
    .catch(() => {});
}

/** The server knows the upload no longer (it was completed, given up or has run out), or not the parts that were noted. */
function isGone(error: unknown): boolean {
  if (statusOf(error) === 404) return true;
  if (!DataManagerError.is(error)) return false;
  const { operation, status, name } = error.data;
  return name === 'NoSuchUpload' || (operation === 'CompleteMultipartUpload' && status === 400);
}

function isRefused(error: unknown): boolean {
  return [400, 403, 404, 405, 412, 416, 501].includes(statusOf(error) ?? 0);
}

/** A line that broke, a server in trouble, a user who has to leave: the parts that have arrived are worth keeping. */
function isWorthResuming(error: unknown): boolean {
  return (
    DataManagerError.is(error, 'CANCELLED') ||
    DataManagerError.is(error, 'STORE_UNREACHABLE') ||
    (DataManagerError.is(error, 'STORE_FAILED') && (statusOf(error) ?? 0) >= 429)
  );
}
