import { GetObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { HttpAddress } from './httpRange';

/** Milliseconds. Servers take a signature for 15 minutes; clocks differ. */
const GOOD_FOR_MS = 4 * 60_000;
/** Of the objects that are being read just now. */
const KEPT = 64;

/**
 * Signs GET requests without sending them. The header `Range` is no part of a signature, so one serves for all ranges of an object
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html: only Host and x-amz-* have to be).
 *
 * @example
 * const signedGet = createSignedGet(clientConfig, bucket);
 * await receiveRange({ ...(await signedGet('utopia/3f5a.sqlite')), agent, range, buffer, connectMs, idleMs });
 */
export function createSignedGet(config: S3ClientConfig, bucket: string): (fullKey: string) => Promise<HttpAddress> {
  let client: S3Client | null = null;
  const signed = new Map<string, { readonly get: HttpAddress; readonly until: number }>();
  return async (fullKey) => {
    const known = signed.get(fullKey);
    if (known && performance.now() < known.until) return known.get;
    client ??= new S3Client(config);
    const get = await sign(client, bucket, fullKey);
    if (signed.size >= KEPT) signed.clear();
    signed.set(fullKey, { get, until: performance.now() + GOOD_FOR_MS });
    return get;
  };
}

/** The SDK's own steps up to its signature; the step that would send stops there. */
async function sign(client: S3Client, bucket: string, fullKey: string): Promise<HttpAddress> {
  const command = new GetObjectCommand({ Bucket: bucket, Key: fullKey });
  let signed: HttpAddress | null = null;
  command.middlewareStack.add(
    (_next) =>
      async ({ request }) => {
        const { protocol, hostname, port, path, query, headers } = request as {
          readonly protocol: string;
          readonly hostname: string;
          readonly port?: number;
          readonly path: string;
          readonly query: Record<string, string>;
          readonly headers: Record<string, string>;
        };
        const pairs = Object.entries(query).map((pair) => pair.map(encodeURIComponent).join('='));
        signed = { protocol, hostname, port, path: pairs.length > 0 ? `${path}?${pairs.join('&')}` : path, headers };
        return { response: {}, output: { $metadata: {} } } as never;
      },
    { step: 'deserialize', priority: 'high', name: 'signOnly' },
  );
  await client.send(command);
  if (signed === null) throw new TypeError('The SDK did not come to signing a request.');
  return signed;
}
