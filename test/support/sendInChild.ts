import { createCache } from '../../src/core/store/cache';
import type { S3StoreOptions } from '../../src/core/store/s3Connection';
import { createS3Store } from '../../src/core/store/s3Store';
import { type SendObjectOptions, sendObject } from '../../src/core/transfer/sendObject';

export interface SendTask {
  readonly store: S3StoreOptions;
  readonly key: string;
  readonly file: SendObjectOptions['file'];
  readonly cacheFolder: string;
  readonly notesFolder: string;
}

/** Uploads in a process of its own, which a test may kill. Says the bytes that are confirmed, a line each, and at last the result. */
async function main({ store, key, file, cacheFolder, notesFolder }: SendTask): Promise<void> {
  const sent = await sendObject({
    ...{ store: createS3Store(store), key, file, base: null, cache: createCache({ folder: cacheFolder }) },
    ...{ notesFolder, now: Date.now, onProgress: ({ done }) => void process.stdout.write(`${done}\n`) },
  });
  process.stdout.write(`${JSON.stringify(sent)}\n`);
}

void main(JSON.parse(process.argv[2] ?? '{}') as SendTask);
