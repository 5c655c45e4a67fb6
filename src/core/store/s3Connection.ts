import type { Agent } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { DataManagerError } from '../errors';
import type { Monitor } from '../progress';
import { createAgents, type Network } from './httpAgents';
import { createReceiveRange } from './httpRange';
import type { QuickRead } from './readInto';
import { DEFAULT_RETRY, type RetryPolicy, withRetry } from './retry';
import { isTransient, retryAfterOf, s3Error } from './s3Errors';
import { createSignedGet } from './s3SignedGet';
import type { StoreCredentials } from './storeSettings';

export interface S3StoreOptions {
  readonly endpoint: string;
  /** `auto` for R2. */
  readonly region: string;
  readonly bucket: string;
  /** Put before every key, with a `/` between. */
  readonly prefix?: string | undefined;
  readonly credentials: StoreCredentials;
  /** Bytes of an upload part, at least 5 MiB; 8 MiB unless given. */
  readonly partBytes?: number;
  /** Keys a page of a listing; the server's own limit (1000) unless given. */
  readonly pageSize?: number;
  /** Milliseconds until a connection must be there; 10 s unless given. */
  readonly connectMs?: number;
  /** Milliseconds without a byte in either direction after which a request counts as stuck; 60 s unless given. */
  readonly idleMs?: number;
  readonly retry?: RetryPolicy;
  readonly network?: Network | undefined;
}

/** What one request needs beside its command. */
export interface RequestOptions extends Monitor {
  /** Counts the requests that were really made, repeats included. */
  readonly counter?: { requests: number };
  /** Instead of the store's own. */
  readonly retry?: RetryPolicy;
  /** Called with each failure that will be tried again. */
  readonly onRetry?: ((error: unknown) => void) | undefined;
}

/** One bucket on one server, and how to talk to it: every request is repeated where that helps, every error has a code. */
export interface S3Connection {
  readonly bucket: string;
  readonly location: string;
  readonly idleMs: number;
  readonly retry: RetryPolicy;
  /** The key in the bucket. */
  fullKey(key: string): string;
  call<T>(
    operation: string,
    key: string | null,
    run: (client: S3Client, options: { abortSignal?: AbortSignal }) => Promise<T>,
    options?: RequestOptions,
  ): Promise<T>;
  error(error: unknown, operation: string, key: string | null): Error;
  /** A range of an object, past the SDK's streams. */
  readonly quickRead: QuickRead;
}

/**
 * Sets up the S3 client. Nothing is sent yet, and nothing is read from `~/.aws` or the environment.
 *
 * @example
 * const connection = openS3Connection({ endpoint, region: 'auto', bucket: 'data', credentials });
 */
export function openS3Connection(options: S3StoreOptions): S3Connection {
  const { endpoint, bucket, credentials, connectMs = 10_000, idleMs = 60_000 } = options;
  const agent = createAgents(options.network)(new URL(endpoint));
  const config = clientConfig(options, agent);
  const client = new S3Client(config);
  const signedGet = createSignedGet(config, bucket);
  const receive = createReceiveRange(new URL(endpoint), options.network);
  const prefix = options.prefix ? `${options.prefix.replace(/^\/+|\/+$/g, '')}/` : '';
  const location = `s3://${bucket}${prefix && `/${prefix.slice(0, -1)}`} at ${new URL(endpoint).host}`;
  const secrets = [credentials.secretAccessKey, credentials.sessionToken ?? ''].filter((secret) => secret !== '');
  const policy = options.retry ?? DEFAULT_RETRY;
  const describe = (error: unknown, operation: string, key: string | null) =>
    s3Error(error, { location, endpoint, bucket, operation, key, secrets });
  return {
    bucket,
    location,
    idleMs,
    retry: policy,
    fullKey: (key) => prefix + key,
    async call(operation, key, run, { signal, counter, retry, onRetry } = {}) {
      if (!canBeSent(credentials)) throw wrongSigns(endpoint, bucket);
      const once = () => {
        if (counter) counter.requests++;
        return run(client, signal ? { abortSignal: signal } : {});
      };
      try {
        return await withRetry(once, {
          policy: retry ?? policy,
          isTransient,
          retryAfter: retryAfterOf,
          signal,
          onRetry,
        });
      } catch (error) {
        throw describe(error, operation, key);
      }
    },
    error: describe,
    quickRead: async (key, range, buffer, signal) => {
      const address = await signedGet(prefix + key);
      return receive({ ...address, agent, range, buffer, connectMs, idleMs, signal });
    },
  };
}

/** Said here, because Node throws at such a header, and the SDK then leaves timers behind that keep a process alive for a minute. */
function canBeSent({ accessKeyId, sessionToken = '' }: StoreCredentials): boolean {
  return /^[\x21-\x7e]*$/.test(accessKeyId + sessionToken);
}

function wrongSigns(endpoint: string, bucket: string): DataManagerError {
  return new DataManagerError('CREDENTIALS_REJECTED', 'The access key holds a sign that no access key has.', {
    hint: 'Copy its id, and its session token if it has one, again: each is one line of plain letters, digits and signs.',
    data: { endpoint, bucket, status: null },
  });
}

/** Why each setting is there: R2 and the SDK disagree with the SDK's defaults in several places. */
function clientConfig(options: S3StoreOptions, agent: Agent): S3ClientConfig {
  const { endpoint, region, credentials, connectMs, idleMs } = options;
  return {
    endpoint,
    region,
    credentials: { ...credentials },
    forcePathStyle: true,
    // The default CRC32 was answered with 501 by R2 and goes wrong on other servers; our SHA-256 covers the body anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // R2 has no `100-continue`; with the default every part opens a new connection and waits up to 6 s.
    expectContinueHeader: false,
    // Repeats are ours: they have jitter, a limit a request and a fresh signal.
    maxAttempts: 1,
    retryMode: 'standard',
    // There is no request timeout, because a part may take its time on a slow line; only silence counts.
    requestHandler: {
      httpAgent: agent,
      httpsAgent: agent as HttpsAgent,
      connectionTimeout: connectMs ?? 10_000,
      socketTimeout: idleMs ?? 60_000,
    },
    // Everything below would otherwise be looked up in ~/.aws and AWS_* of this machine.
    defaultsMode: 'standard',
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    useArnRegion: false,
    disableMultiregionAccessPoints: true,
    disableS3ExpressSessionAuth: true,
    authSchemePreference: ['aws.auth#sigv4'],
    userAgentAppId: 'datamanager',
    logger: { trace() {}, debug() {}, info() {}, warn() {}, error() {} },
  };
}
