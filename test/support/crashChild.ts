// A process that publishes (or recovers) and may kill itself at a step: test/support/crashWorld.ts starts it.
import { readFileSync, writeFileSync, writeSync } from 'node:fs';
import type { OperationContext } from '../../src/core/operations/context';
import { createDataset } from '../../src/core/operations/createDataset';
import { pushFile } from '../../src/core/operations/pushFile';
import { recover } from '../../src/core/operations/recover';
import { updateDataset } from '../../src/core/operations/updateDataset';
import { openRepository } from '../../src/core/repo/openRepository';
import { createWorkerDiffEngine } from '../../src/core/sqldiff/workerDiffEngine';
import { createCache } from '../../src/core/store/cache';
import { openStore } from '../../src/core/store/openStore';
import type { StoreCredentials, StoreSettings } from '../../src/core/store/storeSettings';

export interface ChildOrder {
  readonly dir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly command: 'create' | 'update' | 'recover' | 'loop';
  readonly name: string;
  readonly file: string;
  /** How often a loop publishes, each time other bytes, to `name` and to `shared.csv` in turn. */
  readonly times?: number;
  readonly settings: StoreSettings;
  readonly credentials: StoreCredentials | null;
  readonly cache: string;
  readonly workerPath: string;
  /** Dies behind the step of this number, from 1; null for not at all. */
  readonly dieAt: number | null;
}

const say = (line: string): void => {
  writeSync(1, `${line}\n`);
};

async function main(order: ChildOrder): Promise<void> {
  const { dir, env, command, name, file, settings, credentials } = order;
  const diffEngine = createWorkerDiffEngine({ workerPath: order.workerPath });
  let steps = 0;
  const context: OperationContext = {
    repository: await openRepository(dir),
    git: { path: 'git', env },
    openStore: () => openStore({ settings, credentials, baseFolder: dir }),
    cache: createCache({ folder: order.cache }),
    diffEngine,
    now: () => new Date(),
    onStep: (step) => {
      steps++;
      say(`step ${step}`);
      if (steps === order.dieAt) process.kill(process.pid, 'SIGKILL');
    },
  };
  say('ready');
  if (command === 'recover') await recover(context, {});
  else if (command === 'loop') {
    for (let i = 0; i < (order.times ?? 0); i++) {
      writeFileSync(file, `writer,turn\n${name},${i}\n`);
      const dataset = i % 2 === 0 ? name : 'shared.csv';
      const { version, sha256 } = await pushFile(context, dataset, { file });
      say(`done ${version} ${sha256} ${dataset}`);
    }
  } else {
    const publish = command === 'create' ? createDataset : updateDataset;
    const { version, sha256 } = await publish(context, name, { file, onConflict: 'on-top' });
    say(`done ${version} ${sha256}`);
  }
  await diffEngine.dispose();
}

void main(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))).then(
  () => process.exit(0),
  (error: unknown) => {
    say(`failed ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`.replace(/\n/g, ' '));
    process.exit(1);
  },
);
