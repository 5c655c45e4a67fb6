import type { Readable } from 'node:stream';
import { DeleteObjectCommand, GetObjectCommand, HeadBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { DataManagerError, throwIfCancelled } from '../errors';
import type { Monitor } from '../progress';
import { checkExisting } from './existingObject';
import { checkKey, checkKeyPrefix, keyProblem } from './objectKey';
import type { ObjectInfo, ObjectSource, ObjectStore, PutOptions, PutResult } from './objectStore';
import { createReadInto } from './readInto';
import { openS3Connection, type RequestOptions, type S3Connection, type S3StoreOptions } from './s3Connection';
import { downloadBytes } from './s3Download';
import { noS3Service, statusOf } from './s3Errors';
import { abandonNoted } from './s3MultipartUpload';
import { headObject } from './s3PutRequest';
import { uploadObject } from './s3Upload';
import { verifyStore } from './verifyStore';

/**
 * A store in an S3-compatible bucket: Cloudflare R2 first, anything that speaks S3.
 *
 * The methods throw what ObjectStore says, and `put` also what reading the source throws (FILE_CHANGED and others).
 * `list` leaves out objects whose keys break the rules for keys: they were not written by this store.
 *
 * @example
 * const store = createS3Store({ endpoint, region: 'auto', bucket: 'data', credentials });
 */
export function createS3Store(options: S3StoreOptions): ObjectStore {
  const connection = openS3Connection(options);
  const bucket = new BucketPresence(connection);
  const stored = async (key: string, request: RequestOptions) => {
    const found = await headObject(connection, key, request).catch((error) =>
      explainHead(connection, key, error, request),
    );
    return found?.info ?? null;
  };
  const readInto = createReadInto(connection.quickRead, (key, getOptions) =>
    downloadBytes(connection, key, getOptions),
  );
  const store: ObjectStore = {
    kind: 's3',
    location: connection.location,
    async head(key, monitor = {}) {
      checkKey(key);
      const info = await stored(key, { signal: monitor.signal });
      if (info === null) await bucket.check({ signal: monitor.signal });
      return info;
    },
    async *get(key, getOptions = {}) {
      throwIfCancelled(getOptions.signal);
      checkKey(key);
      yield* downloadBytes(connection, key, getOptions);
    },
    async readInto(key, range, buffer, readOptions) {
      checkKey(key);
      return readInto(key, range, buffer, readOptions);
    },
    async put(key: string, source: ObjectSource, putOptions: PutOptions = {}): Promise<PutResult> {
      checkKey(key);
      const { copy, notes, signal, onProgress } = putOptions;
      const request = { signal, onProgress, counter: { requests: 0 } };
      let unsure = false;
      // When it is the bucket that is missing, the upload says so.
      const existing = await stored(key, request).catch((error) => {
        // Without the right to list, S3 does not tell what is missing from what is forbidden. A conditional write finds out.
        if (!DataManagerError.is(error, 'STORE_REFUSED') || statusOf(error) !== 403) throw error;
        unsure = true;
        return null;
      });
      if (existing === null) {
        return uploadObject(connection, key, source, { request, partBytes: options.partBytes, copy, notes, unsure });
      }
      checkExisting(existing, source);
      await abandonNoted({ connection, key, notes, request });
      return { created: false, bytesSent: 0, bytesCopied: 0, bytesResumed: 0, requests: request.counter.requests };
    },
    async delete(key, { signal } = {}) {
      checkKey(key);
      await connection.call(
        'DeleteObject',
        key,
        (client, sdkOptions) =>
          client.send(new DeleteObjectCommand({ Bucket: connection.bucket, Key: connection.fullKey(key) }), sdkOptions),
        { signal },
      );
    },
    list(prefix, monitor = {}) {
      return listObjects(connection, prefix, options.pageSize, monitor);
    },
    verify: (monitor) => verifyStore(store, monitor),
  };
  return store;
}

async function* listObjects(
  connection: S3Connection,
  prefix: string,
  pageSize: number | undefined,
  { signal }: Monitor,
): AsyncGenerator<ObjectInfo> {
  checkKeyPrefix(prefix);
  const hidden = connection.fullKey('').length;
  let token: string | undefined;
  do {
    const page = await connection.call(
      'ListObjectsV2',
      null,
      (client, sdkOptions) =>
        client.send(
          new ListObjectsV2Command({
            Bucket: connection.bucket,
            Prefix: connection.fullKey(prefix),
            ...(token === undefined ? {} : { ContinuationToken: token }),
            ...(pageSize === undefined ? {} : { MaxKeys: pageSize }),
          }),
          sdkOptions,
        ),
      { signal },
    );
    if (page.Name === undefined && page.KeyCount === undefined) throw noS3Service(connection.location);
    for (const object of page.Contents ?? []) {
      throwIfCancelled(signal);
      const key = (object.Key ?? '').slice(hidden);
      if (keyProblem(key) === null) yield { key, size: object.Size ?? 0, sha256: null };
    }
    token = page.IsTruncated ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** HEAD answers have no body, so a refusal says nothing about its reason. A GET of one byte says it. */
async function explainHead(
  connection: S3Connection,
  key: string,
  error: unknown,
  request: RequestOptions,
): Promise<never> {
  if (statusOf(error) !== 403 && statusOf(error) !== 400) throw error;
  const answer = await connection.call(
    'GetObject',
    key,
    (client, sdkOptions) =>
      client.send(
        new GetObjectCommand({ Bucket: connection.bucket, Key: connection.fullKey(key), Range: 'bytes=0-0' }),
        sdkOptions,
      ),
    request,
  );
  (answer.Body as Readable | undefined)?.destroy();
  throw error;
}

/** HEAD of an object can't tell a missing object from a missing bucket, so the bucket itself is asked for, once. */
class BucketPresence {
  #seen = false;

  constructor(private readonly connection: S3Connection) {}

  async check(request: RequestOptions): Promise<void> {
    if (this.#seen) return;
    try {
      await this.connection.call(
        'HeadBucket',
        null,
        (client, sdkOptions) => client.send(new HeadBucketCommand({ Bucket: this.connection.bucket }), sdkOptions),
        request,
      );
    } catch (error) {
      // A key that may only touch objects is refused here, which is fine.
      if (!DataManagerError.is(error, 'STORE_REFUSED')) throw error;
    }
    this.#seen = true;
  }
}
