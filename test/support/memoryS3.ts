import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface OpenUpload {
  readonly path: string;
  readonly metadata: StoredObject['metadata'];
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>;
}

export interface MemoryS3 {
  readonly port: number;
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** By `/bucket/key`. */
  readonly objects: Map<string, StoredObject>;
  readonly uploads: Map<string, OpenUpload>;
  stop(): Promise<void>;
}

/**
 * An S3 server in memory for runs by the thousand: what our store uses of S3, with R2's rules (equal parts, no conditions on Complete)
 * but for one, that parts have at least 5 MiB. Bodies are checked against `x-amz-content-sha256`, signatures are not.
 */
export async function startMemoryS3(): Promise<MemoryS3> {
  const objects = new Map<string, StoredObject>();
  const uploads = new Map<string, OpenUpload>();
  let made = 0;

  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (bytes: Buffer) => pieces.push(bytes));
    request.on('end', () => {
      const body = Buffer.concat(pieces);
      const announced = request.headers['x-amz-content-sha256'];
      if (typeof announced === 'string' && /^[0-9a-f]{64}$/.test(announced) && announced !== sha256(body)) {
        refuse(response, 400, 'XAmzContentSHA256Mismatch');
        return;
      }
      answer(request, response, body);
    });
  });

  function answer(request: IncomingMessage, response: ServerResponse, body: Buffer): ServerResponse {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    const path = decodeURIComponent(pathname);
    const isBucket = path.split('/').filter(Boolean).length < 2;
    const id = query.get('uploadId');
    const upload = id === null ? undefined : uploads.get(id);
    if (id !== null && upload?.path !== path) return refuse(response, 404, 'NoSuchUpload');
    const object = objects.get(path);
    switch (request.method) {
      case 'HEAD':
      case 'GET':
        if (isBucket)
          return xml(response, '<ListBucketResult><Name>data</Name><KeyCount>0</KeyCount></ListBucketResult>');
        if (upload) return listParts(response, upload);
        return object ? give(request, response, object) : refuse(response, 404, 'NoSuchKey');
      case 'PUT':
        if (upload) return takePart(request, response, upload, Number(query.get('partNumber')), body);
        if (object && request.headers['if-none-match'] === '*') return refuse(response, 412, 'PreconditionFailed');
        objects.set(path, { bytes: body, etag: md5(body), metadata: metadataOf(request) });
        return response.writeHead(200, { ETag: `"${md5(body)}"` }).end();
      case 'POST': {
        if (upload && id !== null) return complete(response, path, id, upload, body.toString('utf8'));
        const uploadId = `upload-${++made}`;
        uploads.set(uploadId, { path, metadata: metadataOf(request), parts: new Map() });
        return xml(
          response,
          `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      default:
        if (id !== null) uploads.delete(id);
        else objects.delete(path);
        return response.writeHead(204).end();
    }
  }

  function takePart(
    request: IncomingMessage,
    response: ServerResponse,
    { parts }: OpenUpload,
    number: number,
    body: Buffer,
  ): ServerResponse {
    const from = request.headers['x-amz-copy-source'];
    let bytes = body;
    if (typeof from === 'string') {
      const source = objects.get(`/${decodeURIComponent(from).replace(/^\//, '')}`);
      if (!source) return refuse(response, 404, 'NoSuchKey');
      const [, first = '0', last = ''] =
        /^bytes=(\d+)-(\d+)$/.exec(String(request.headers['x-amz-copy-source-range'])) ?? [];
      bytes = source.bytes.subarray(Number(first), Number(last) + 1);
    }
    parts.set(number, { bytes, etag: md5(bytes) });
    if (typeof from === 'string') return xml(response, `<CopyPartResult><ETag>"${md5(bytes)}"</ETag></CopyPartResult>`);
    return response.writeHead(200, { ETag: `"${md5(bytes)}"` }).end();
  }

  function listParts(response: ServerResponse, { parts }: OpenUpload): ServerResponse {
    const list = [...parts].map(
      ([number, { etag }]) => `<Part><PartNumber>${number}</PartNumber><ETag>"${etag}"</ETag></Part>`,
    );
    return xml(response, `<ListPartsResult><IsTruncated>false</IsTruncated>${list.join('')}</ListPartsResult>`);
  }

  function complete(
    response: ServerResponse,
    path: string,
    id: string,
    upload: OpenUpload,
    body: string,
  ): ServerResponse {
    const wanted = [...body.matchAll(/<Part>.*?<\/Part>/gs)].map(([part]) => ({
      part: upload.parts.get(Number(/<PartNumber>(\d+)</.exec(part)?.[1])),
      etag: /<ETag>(.*?)</.exec(part)?.[1]?.replaceAll(/"|&quot;/g, ''),
    }));
    const parts = wanted.map(({ part }) => part?.bytes ?? Buffer.alloc(0));
    const sizes = parts.map(({ length }) => length);
    const equal = sizes.slice(0, -1).every((size) => size === sizes[0]) && (sizes.at(-1) ?? 0) <= (sizes[0] ?? 0);
    if (!equal || wanted.some(({ part, etag }) => !part || part.etag !== etag))
      return refuse(response, 400, 'InvalidPart');
    const bytes = Buffer.concat(parts);
    objects.set(path, { bytes, etag: `${md5(bytes)}-${parts.length}`, metadata: upload.metadata });
    uploads.delete(id);
    return xml(
      response,
      `<CompleteMultipartUploadResult><ETag>"${md5(bytes)}-${parts.length}"</ETag></CompleteMultipartUploadResult>`,
    );
  }

  function give(
    request: IncomingMessage,
    response: ServerResponse,
    { bytes, etag, metadata }: StoredObject,
  ): ServerResponse {
    const condition = request.headers['if-match'];
    if (condition && condition.replaceAll('"', '') !== etag) return refuse(response, 412, 'PreconditionFailed');
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const first = Number(range?.[1] ?? 0);
    if (range && first >= bytes.length) return refuse(response, 416, 'InvalidRange');
    const end = range?.[2] ? Math.min(Number(range[2]) + 1, bytes.length) : bytes.length;
    response.writeHead(range ? 206 : 200, {
      ETag: `"${etag}"`,
      'Content-Length': end - first,
      'Accept-Ranges': 'bytes',
      ...(range && { 'Content-Range': `bytes ${first}-${end - 1}/${bytes.length}` }),
      ...metadata,
    });
    return response.end(request.method === 'HEAD' ? undefined : bytes.subarray(first, end));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    bucket: 'data',
    credentials: { accessKeyId: 'test-key', secretAccessKey: 'test-secret' },
    objects,
    uploads,
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function metadataOf({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (name.startsWith('x-amz-meta-') ? [[name, String(value)]] : [])),
  );
}

function refuse(response: ServerResponse, status: number, code: string): ServerResponse {
  response.writeHead(status, { 'Content-Type': 'application/xml' });
  return response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function xml(response: ServerResponse, body: string): ServerResponse {
  const text = `<?xml version="1.0"?>${body}`;
  return response.writeHead(200, { 'Content-Type': 'application/xml', 'Content-Length': text.length }).end(text);
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
