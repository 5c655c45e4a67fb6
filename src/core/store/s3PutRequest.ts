import {
  DeleteObjectCommand,
  HeadObjectCommand,
  type PutObjectCommand,
  type UploadPartCommand,
} from '@aws-sdk/client-s3';
import { DataManagerError } from '../errors';
import { checkExisting } from './existingObject';
import type { CopySource, ObjectInfo, ObjectSource, UploadNotes } from './objectStore';
import type { RequestOptions, S3Connection } from './s3Connection';
import { noS3Service } from './s3Errors';
import type { SourceReader } from './sourceReader';

/** How long tidying up after a failure may take, in milliseconds. */
const CLEAN_UP_MS = 10_000;
/** After a cancel somebody waits; what takes longer goes on without them. Milliseconds. */
const CANCELLED_MS = 150;

/** One `put` in progress. */
export interface S3Put {
  readonly connection: S3Connection;
  readonly key: string;
  readonly source: ObjectSource;
  readonly reader: SourceReader;
  /** Bytes of a part, where nothing else decides it. */
  readonly partBytes: number;
  /** Recorded with the object; tells ours from one that somebody else wrote at the same time. */
  readonly putId: string;
  readonly copy: CopySource | undefined;
  readonly notes: UploadNotes | undefined;
  readonly request: RequestOptions & { readonly counter: { requests: number } };
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

/**
 * Bucket and key of a command.
 *
 * @example
 * new DeleteObjectCommand(target(put));
 */
export function target({ connection, key }: Pick<S3Put, 'connection' | 'key'>): { Bucket: string; Key: string } {
  return { Bucket: connection.bucket, Key: connection.fullKey(key) };
}

/**
 * What is recorded with the object. No underscore in the names: some servers turn it into a dash.
 *
 * @example
 * new CreateMultipartUploadCommand({ ...target(put), ...recorded(put) });
 */
export function recorded({ source, putId }: Pick<S3Put, 'source' | 'putId'>): { Metadata: Record<string, string> } {
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
 *
 * @example
 * client.send(withPayloadHash(new PutObjectCommand({ Body: body }), sha256), options);
 */
export function withPayloadHash<C extends PutObjectCommand | UploadPartCommand>(command: C, sha256: string): C {
  (command as unknown as HasMiddleware).middlewareStack.add(
    (next) => (args) => {
      (args as { request: { headers: Record<string, string> } }).request.headers['x-amz-content-sha256'] = sha256;
      return next(args);
    },
    { step: 'build', name: 'payloadHash' },
  );
  return command;
}

/**
 * True when the object under the key is the one that this put wrote. Throws STORE_FAILED when there is none, or a damaged one.
 *
 * @example
 * const created = await isOurs(put);
 */
export async function isOurs(put: S3Put): Promise<boolean> {
  const stored = await headObject(put.connection, put.key, put.request);
  if (!stored) {
    throw new DataManagerError('STORE_FAILED', `The object ${put.key} was deleted while it was being written.`, {
      hint: 'Try again.',
      data: { key: put.key },
    });
  }
  checkExisting(stored.info, put.source);
  return stored.putId === put.putId;
}

/**
 * Waits for tidying up, but after a cancel not for long.
 *
 * @example
 * await tidied(discardOurs(put), signal);
 */
export async function tidied(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal?.aborted) return work;
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CANCELLED_MS);
  });
  await Promise.race([work, enough]);
  clearTimeout(timer);
}

/**
 * A put that failed or was cancelled may still have arrived. Removes the object only if it is certainly ours.
 *
 * @example
 * await discardOurs(put);
 */
export async function discardOurs(put: S3Put): Promise<void> {
  const { connection, key, request } = put;
  const once: RequestOptions = {
    signal: AbortSignal.timeout(CLEAN_UP_MS),
    counter: request.counter,
    retry: { attempts: 2, baseMs: 100, capMs: 100 },
  };
  try {
    const stored = await headObject(connection, key, once);
    if (stored?.putId !== put.putId) return;
    await connection.call(
      'DeleteObject',
      key,
      (client, options) => client.send(new DeleteObjectCommand(target(put)), options),
      once,
    );
  } catch {
    // Unclear, so it stays: `gc` collects what no version names.
  }
}
