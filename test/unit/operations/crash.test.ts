import { join } from 'node:path';
import { createWorkerDiffEngine } from '../../../src/core/sqldiff/workerDiffEngine';
import { type CrashWorld, crashWorld, type Situation } from '../../support/crashWorld';
import { type R2Emulator, startR2Emulator } from '../../support/r2Emulator';
import { tempDir } from '../../support/tempDir';

// The whole of it, with hundreds of random instants: node bench/crash.mjs --kills 300
describe('a process that is killed with SIGKILL loses nothing', () => {
  const diffEngine = createWorkerDiffEngine({ workerPath: join(process.cwd(), 'dist', 'worker.js') });
  let bucket: R2Emulator;
  before(async () => {
    bucket = await startR2Emulator();
  });
  after(async () => {
    await bucket.stop();
    await diffEngine.dispose();
  });

  const folderWorld = (): Promise<CrashWorld> =>
    crashWorld({ settings: { type: 'folder', path: tempDir() }, credentials: null }, diffEngine);
  const bucketWorld = (): Promise<CrashWorld> => {
    const { endpoint, bucket: name, credentials } = bucket;
    return crashWorld({ settings: { type: 's3', endpoint, bucket: name }, credentials }, diffEngine);
  };
  const atEachStep = async (world: CrashWorld, situation: Situation, only = /./): Promise<void> => {
    const { steps } = await world.rehearse(situation);
    for (const [i, step] of steps.entries()) if (only.test(step)) await world.kill(situation, { step: i + 1 });
  };

  it('at each step of a create, with a bucket', async () => {
    await atEachStep(await bucketWorld(), 'create');
  }).timeout(300_000);

  it('at each step of a rebuild of what waits, with files of others', async () => {
    await atEachStep(await folderWorld(), 'diverged with files', /^(REBUILD_.*|COMMITTED)$/);
  }).timeout(300_000);

  it('at any moment, and when recovery dies too', async () => {
    for (const world of [await folderWorld(), await bucketWorld()]) {
      for (const situation of ['update', 'recover', 'diverged'] as const) {
        const { ms } = await world.rehearse(situation);
        await world.kill(situation, { afterMs: Math.random() * ms });
        await world.kill(situation, { afterMs: (Math.random() * ms) / 2 });
      }
    }
  }).timeout(300_000);
});
