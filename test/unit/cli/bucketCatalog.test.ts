import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import type { PublishResult } from '../../../src/core/operations/publishVersion';
import { createFolderStore } from '../../../src/core/store/folderStore';
import type { ObjectStore } from '../../../src/core/store/objectStore';
import { openStore } from '../../../src/core/store/openStore';
import { metaKey } from '../../../src/core/transfer/companions';
import { manifestOfBucket } from '../../support/bucketCatalog';
import { newCatalog, runCli } from '../../support/cli';
import { startR2Emulator } from '../../support/r2Emulator';
import { makeSqlite } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

type Run = <T>(...args: readonly string[]) => Promise<T>;

const rows = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)';

/** Two datasets, one of which goes back to bytes that are stored already. */
async function publishAll(json: Run): Promise<readonly PublishResult[]> {
  const first = await makeSqlite(
    `CREATE TABLE cost(id INTEGER PRIMARY KEY, value TEXT); ${rows} INSERT INTO cost SELECT i, hex(randomblob(30)) FROM n`,
  );
  const second = await makeSqlite("UPDATE cost SET value = 'changed' WHERE id = 7", { from: first });
  const source = ['--source', 'https://example.org/cost', '--description', 'What it costs'];
  return [
    await json('create', 'energy/cost.sqlite', first, '-m', 'First import', ...source),
    await json('update', 'energy/cost.sqlite', second, '-m', 'Revise'),
    await json('create', 'copy.sqlite', second, '--parent', 'energy/cost.sqlite@v2'),
    await json('update', 'energy/cost.sqlite', first),
  ];
}

async function checkBucket(store: ObjectStore, dir: string, published: readonly PublishResult[]): Promise<void> {
  const text = readFileSync(join(dir, 'manifest.json'), 'utf8');
  assert.deepEqual(
    published.map(({ version }) => version),
    ['v1', 'v2', 'v1', 'v3'],
  );
  const entries = parseManifest(text).datasets.flatMap(({ history }) => history);
  for (const { key } of entries) assert.ok(await store.head(metaKey(key)), key);
  assert.equal(await manifestOfBucket(store), text);
}

describe('datamanager: the catalog from the bucket alone', () => {
  it('is the manifest, with a folder', async () => {
    const { dir, store, json } = await newCatalog();
    await checkBucket(createFolderStore({ folder: store }), dir, await publishAll(json));
  });

  it('is the manifest, with R2', async () => {
    const r2 = await startR2Emulator();
    try {
      const { endpoint, bucket, credentials } = r2;
      const dir = join(tempDir(), 'catalog');
      mkdirSync(dir);
      const env = { R2_ACCESS_KEY_ID: credentials.accessKeyId, R2_SECRET_ACCESS_KEY: credentials.secretAccessKey };
      const json: Run = async (...args) => {
        const { code, stdout, stderr } = await runCli([...args, '--json'], { cwd: dir, env });
        assert.equal(code, 0, stderr + stdout);
        return JSON.parse(stdout);
      };
      await json('init', '--store', `s3://${bucket}`, '--endpoint', endpoint);
      const published = await publishAll(json);
      const store = await openStore({ settings: { type: 's3', endpoint, bucket }, credentials, baseFolder: dir });
      await checkBucket(store, dir, published);
    } finally {
      await r2.stop();
    }
  });
});
