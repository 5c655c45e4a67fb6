import { join } from 'node:path';
import { parseArgs } from 'node:util';
import './mochaHooks';
import { createWorkerDiffEngine } from '../src/core/sqldiff/workerDiffEngine';
import { crashWorld, type Death, type Situation, type StorePlace, situations } from '../test/support/crashWorld';
import { startR2Emulator } from '../test/support/r2Emulator';
import { race } from '../test/support/raceWorld';
import { tempDir } from '../test/support/tempDir';
import { writers } from '../test/support/writersWorld';
import { runHooks } from './mochaHooks';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    store: { type: 'string', default: 'folder,s3' },
    situation: { type: 'string' },
    race: { type: 'boolean', default: false },
    clones: { type: 'string', default: '8' },
    versions: { type: 'string', default: '25' },
    writers: { type: 'boolean', default: false },
    commits: { type: 'string', default: '100' },
    quiet: { type: 'boolean', default: false },
  },
});

const diffEngine = createWorkerDiffEngine({ workerPath: join(process.cwd(), 'dist', 'worker.js') });
const chosen = situations.filter((situation) => values.situation === undefined || values.situation === situation);
let kills = 0;
let losses = 0;

async function killing(kind: string, place: StorePlace, random: number): Promise<void> {
  let world = await crashWorld(place, diffEngine);
  const once = async (situation: Situation, death: Death): Promise<void> => {
    kills++;
    const when = 'step' in death ? `step ${death.step}` : `${death.afterMs.toFixed(0)} ms`;
    const about = `${kind.padEnd(6)} ${situation.padEnd(19)} ${when.padEnd(8)}`;
    try {
      const { lastStep, left, mended } = await world.kill(situation, death);
      if (!values.quiet) {
        console.log(
          `${about} ${lastStep.padEnd(16)} left: ${left.join(', ') || '-'} | mended: ${mended.join(', ') || '-'}`,
        );
      }
    } catch (error) {
      losses++;
      console.log(`${about} LOST:`, error);
      world = await crashWorld(place, diffEngine);
    }
  };
  const durations = new Map<Situation, number>();
  for (const situation of chosen) {
    const { steps, ms } = await world.rehearse(situation);
    durations.set(situation, ms);
    for (let step = 1; step <= steps.length; step++) await once(situation, { step });
  }
  for (let i = 0; i < random; i++) {
    const situation = chosen[i % chosen.length] ?? 'update';
    await once(situation, { afterMs: Math.random() * (durations.get(situation) ?? 1000) });
  }
  console.log(`${kind}: ${world.versions()} versions, each with its object`);
}

async function main(): Promise<void> {
  if (values.race) {
    console.log(await race(diffEngine, { clones: Number(values.clones), versions: Number(values.versions) }));
  } else if (values.writers) {
    console.log(await writers({ commits: Number(values.commits) }));
  } else await killAll();
  await diffEngine.dispose();
}

async function killAll(): Promise<void> {
  const stores = values.store.split(',');
  const random = Math.ceil(Number(values.kills) / stores.length);
  if (stores.includes('folder')) {
    await killing('folder', { settings: { type: 'folder', path: tempDir() }, credentials: null }, random);
  }
  if (stores.includes('s3')) {
    const { endpoint, bucket, credentials, stop } = await startR2Emulator();
    await killing('s3', { settings: { type: 's3', endpoint, bucket }, credentials }, random);
    await stop();
  }
  console.log(`${kills} kills, ${losses} losses`);
}

void main()
  .finally(runHooks)
  .then(
    () => process.exit(losses === 0 ? 0 : 1),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
