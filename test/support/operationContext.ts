import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import initSqlJs from 'sql.js';
import type { OperationContext } from '../../src/core/operations/context';
import { initRepository } from '../../src/core/operations/initRepository';
import { createWorkerDiffEngine } from '../../src/core/sqldiff/workerDiffEngine';
import { createCache } from '../../src/core/store/cache';
import { createFolderStore } from '../../src/core/store/folderStore';
import type { ObjectStore } from '../../src/core/store/objectStore';
import { bareRemote, emptyRepository, type GitFixture, git, runIn } from './gitFixture';
import { tempDir } from './tempDir';

/** What operations work with: a real Git repository, a folder store, a cache, the worker that was built. */
export interface Workbench {
  readonly context: OperationContext;
  readonly fixture: GitFixture;
  readonly storeFolder: string;
  /** Makes a SQLite file with these statements; gives its path. */
  database(name: string, ...statements: readonly string[]): Promise<string>;
}

const diffEngine = createWorkerDiffEngine({ workerPath: join(process.cwd(), 'dist', 'worker.js') });
after(() => diffEngine.dispose());

/** A repository that `init` has just set up, with a folder store; with `remote`, pushed to a bare one. */
export async function workbench({
  remote = false,
  store,
}: {
  readonly remote?: boolean;
  readonly store?: ObjectStore;
} = {}): Promise<Workbench & { readonly remote: string | null }> {
  const fixture = emptyRepository();
  const storeFolder = tempDir();
  await initRepository({ git, folder: fixture.dir, store: { type: 'folder', path: storeFolder } });
  const url = remote ? bareRemote() : null;
  if (url !== null) {
    runIn(fixture.dir, ['remote', 'add', 'origin', url]);
    runIn(fixture.dir, ['push', '-q', '-u', 'origin', 'main']);
  }
  const data = tempDir();
  let ticks = 0;
  return {
    fixture,
    storeFolder,
    remote: url,
    context: {
      repository: await fixture.open(),
      git,
      openStore: async () => store ?? createFolderStore({ folder: storeFolder }),
      cache: createCache({ folder: tempDir() }),
      diffEngine,
      now: () => new Date(Date.UTC(2026, 0, 1, 0, 0, ticks++)),
    },
    database: async (name, ...statements) => {
      const { Database } = await initSqlJs();
      const database = new Database();
      for (const statement of statements) database.run(statement);
      const file = join(data, name);
      writeFileSync(file, database.export());
      database.close();
      return file;
    },
  };
}
