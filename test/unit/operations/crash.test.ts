import { join } from 'node:path';
import { createWorkerDiffEngine } from '../../../src/core/sqldiff/workerDiffEngine';
import { crashWorld, type StorePlace, situations } from '../../support/crashWorld';
import { type R2Emulator, startR2Emulator } from '../../support/r2Emulator';
import { tempDir } from '../../support/tempDir';

describe('a process that is killed with SIGKILL', () => {
  const diffEngine = createWorkerDiffEngine({ workerPath: join(process.cwd(), 'dist', 'worker.js') });
  let bucket: R2Emulator;
  before(async () => {
    bucket = await startR2Emulator();
  });
  after(async () => {
    await bucket.stop();
    await diffEngine.dispose();
  });
  const places = {
    folder: (): StorePlace => ({ settings: { type: 'folder', path: tempDir() }, credentials: null }),
    s3: (): StorePlace => ({
      settings: { type: 's3', endpoint: bucket.endpoint, bucket: bucket.bucket },
      credentials: bucket.credentials,
    }),
  };
  for (const store of ['folder', 's3'] as const) {
    // Each step once: the stores take turns where they make no difference.
    it(`loses nothing at any step, with a ${store} store`, async () => {
      const world = await crashWorld(places[store](), diffEngine);
      for (const [i, situation] of situations.entries()) {
        const { steps } = await world.rehearse(situation);
        for (let step = 1; step <= steps.length; step++) {
          if ((step + i) % 2 === (store === 'folder' ? 0 : 1)) await world.kill(situation, { step });
        }
      }
    }).timeout(240_000);

    it(`loses nothing at any moment, with a ${store} store`, async () => {
      const world = await crashWorld(places[store](), diffEngine);
      for (const situation of situations) {
        const { ms } = await world.rehearse(situation);
        await world.kill(situation, { afterMs: Math.random() * ms });
      }
    }).timeout(120_000);
  }
});
