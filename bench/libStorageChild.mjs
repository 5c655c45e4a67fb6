// One transfer by @aws-sdk/lib-storage and a plain GetObject, as most programs do it. Copied by bench/transfer.mjs into a folder
// where npm has installed the two packages.
import { createReadStream, createWriteStream, readFileSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
// @ts-expect-error not a dependency of this package
import { Upload } from '@aws-sdk/lib-storage';

const { action, store, key, path } = JSON.parse(process.argv[2] ?? '{}');
const client = new S3Client({
  ...{ endpoint: store.endpoint, credentials: store.credentials, region: 'auto', forcePathStyle: true },
  ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
});
const idle = process.memoryUsage.rss();
const cpu = process.cpuUsage();
const start = performance.now();
if (action === 'upload') {
  await new Upload({ client, params: { Bucket: store.bucket, Key: key, Body: createReadStream(path) } }).done();
} else {
  const answer = await client.send(new GetObjectCommand({ Bucket: store.bucket, Key: key }));
  await pipeline(/** @type {import('node:stream').Readable} */ (answer.Body), createWriteStream(path));
}
const { user, system } = process.cpuUsage(cpu);
const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
const seconds = (performance.now() - start) / 1000;
console.log(JSON.stringify({ seconds, cpu: (user + system) / 1e6, rss: peak - idle }));
