import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const MIB = 1 << 20;

export interface DiscardingStore {
  readonly port: number;
  stop(): Promise<void>;
}

interface Stored {
  readonly size: number;
  readonly metadata: readonly (readonly [string, string])[];
}

interface Upload {
  readonly metadata: Stored['metadata'];
  readonly parts: Map<number, number>;
}

/**
 * As much of S3 as an upload and a download need, for files of any size: it forgets the bytes of an upload and makes up those of a
 * download (`sparse` in transferData.mjs), so that the client is what gets measured. A key that ends in `/made-up-BYTES` is there
 * from the start. Checks nothing.
 */
export async function startDiscardingStore(): Promise<DiscardingStore> {
  const objects = new Map<string, Stored>();
  const uploads = new Map<string, Upload>();
  const server = createServer({ highWaterMark: 1 << 18 }, (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const query = url.searchParams;
    let received = 0;
    let small = '';
    request.on('data', (bytes: Buffer) => {
      received += bytes.length;
      if (request.method === 'POST') small += bytes.toString('latin1');
    });
    request.on('end', () => answer(request, response, { path: url.pathname, query, received, small }));
  });

  function answer(
    request: IncomingMessage,
    response: ServerResponse,
    { path, query, received, small }: { path: string; query: URLSearchParams; received: number; small: string },
  ): void {
    const upload = uploads.get(query.get('uploadId') ?? '');
    const isBucket = path.split('/').filter(Boolean).length < 2;
    if (request.method === 'PUT' && !isBucket) {
      const number = query.get('partNumber');
      if (number !== null) upload?.parts.set(Number(number), received);
      else objects.set(path, { size: received, metadata: metadataOf(request) });
      response.writeHead(200, { ETag: etag(`${path} ${number}`) }).end();
    } else if (request.method === 'POST' && query.has('uploads')) {
      const id = `upload-${uploads.size}`;
      uploads.set(id, { metadata: metadataOf(request), parts: new Map() });
      xml(response, `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`);
    } else if (request.method === 'POST' && upload) {
      const numbers = [...small.matchAll(/<PartNumber>(\d+)</g)].map(([, number]) => Number(number));
      const size = numbers.reduce((sum, number) => sum + (upload.parts.get(number) ?? 0), 0);
      objects.set(path, { size, metadata: upload.metadata });
      xml(response, `<CompleteMultipartUploadResult><ETag>${etag(path)}</ETag></CompleteMultipartUploadResult>`);
    } else if (request.method === 'DELETE') response.writeHead(204).end();
    else if (isBucket) xml(response, '<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>');
    else read(request, response, path);
  }

  function read(request: IncomingMessage, response: ServerResponse, path: string): void {
    const madeUp = /\/made-up-(\d+)$/.exec(path)?.[1];
    const object = objects.get(path) ?? (madeUp ? { size: Number(madeUp), metadata: [] } : null);
    if (!object) {
      response.writeHead(404).end(request.method === 'HEAD' ? '' : '<Error><Code>NoSuchKey</Code></Error>');
      return;
    }
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const from = Number(first ?? 0);
    const end = last ? Math.min(Number(last) + 1, object.size) : object.size;
    response.writeHead(first === undefined ? 200 : 206, {
      ETag: etag(path),
      'Content-Length': end - from,
      'Accept-Ranges': 'bytes',
      'Last-Modified': new Date(0).toUTCString(),
      ...(first !== undefined && { 'Content-Range': `bytes ${from}-${end - 1}/${object.size}` }),
      ...Object.fromEntries(object.metadata),
    });
    if (request.method === 'HEAD') response.end();
    else send(response, from, end);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const zeros = Buffer.alloc(MIB);

/** Zeros, but for a number in the first 8 bytes of each MiB. */
function send(response: ServerResponse, from: number, end: number): void {
  for (let at = from; at < end; ) {
    const start = at - (at % MIB);
    const next = Math.min(end, start + MIB);
    let piece = zeros.subarray(at - start, next - start);
    if (at - start < 8) {
      piece = Buffer.from(piece);
      const number = Buffer.alloc(8);
      number.writeBigUInt64BE(BigInt(start / MIB + 1));
      number.copy(piece, 0, at - start, Math.min(8, next - start));
    }
    at = next;
    if (!response.write(piece)) {
      const go = at;
      response.once('drain', () => send(response, go, end));
      return;
    }
  }
  response.end();
}

function metadataOf({ rawHeaders }: IncomingMessage): Stored['metadata'] {
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 0 && /^x-amz-meta-/i.test(name) ? [[name, rawHeaders[i + 1] ?? ''] as const] : [],
  );
}

function xml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'Content-Type': 'application/xml' }).end(`<?xml version="1.0"?>${body}`);
}

function etag(text: string): string {
  return `"${createHash('md5').update(text).digest('hex')}-1"`;
}
