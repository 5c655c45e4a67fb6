import type { Readable } from 'node:stream';
import { Miniflare } from 'miniflare';
import type { StoreCredentials } from '../../src/core/store/storeSettings';

export interface R2Emulator {
  /** Where the S3 API is. */
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  readonly credentials: StoreCredentials;
  stop(): Promise<void>;
}

/** Cloudflare's own simulation of R2, with its S3 API, in memory and on loopback. Stop it in an `after` hook. */
export async function startR2Emulator(
  bucket = 'data',
  credentials: StoreCredentials = { accessKeyId: 'a1b2c3d4'.repeat(4), secretAccessKey: 'f0e1d2c3'.repeat(8) },
): Promise<R2Emulator> {
  const server = new Miniflare({
    host: '127.0.0.1',
    port: 0,
    modules: true,
    script: 'export default { fetch() { return new Response(null, { status: 404 }) } }',
    // It reports every connection that a test cuts.
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.resume();
      stderr.resume();
    },
    r2Buckets: { BUCKET: { id: bucket, s3Credentials: credentials } },
  });
  const url = await server.ready;
  return {
    endpoint: `http://127.0.0.1:${url.port}/cdn-cgi/local/r2/s3/`,
    port: Number(url.port),
    bucket,
    credentials,
    stop: () => server.dispose(),
  };
}
