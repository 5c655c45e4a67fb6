import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MaterializedVersion } from '../../../src/core/operations/materializeVersions';
import type { PublishResult } from '../../../src/core/operations/publishVersion';
import type { PullResult } from '../../../src/core/operations/pullVersion';
import { createFolderStore } from '../../../src/core/store/folderStore';
import { manifestOfBucket, metasOf } from '../../support/bucketCatalog';
import { type CatalogFolder, newCatalog, runCli } from '../../support/cli';
import { runIn } from '../../support/gitFixture';
import { makeSqlite } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const firstSql = `CREATE TABLE cost(id INTEGER PRIMARY KEY, value TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO cost SELECT i, hex(randomblob(40)) FROM n`;

describe('datamanager materialize', () => {
  let catalog: CatalogFolder;
  let second: string;
  let updated: PublishResult;

  before(async () => {
    catalog = await newCatalog();
    const settings = join(catalog.dir, '.datamanager.json');
    const text = JSON.parse(readFileSync(settings, 'utf8'));
    writeFileSync(settings, `${JSON.stringify({ ...text, transfer: { deltaFirst: true } }, null, 2)}\n`);
    runIn(catalog.dir, ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', 'commit', '-qam', 'Changes first']);
    const first = await makeSqlite(firstSql);
    second = await makeSqlite("UPDATE cost SET value = 'changed' WHERE id = 7", { from: first });
    await catalog.json('create', 'cost.sqlite', first);
    updated = await catalog.json<PublishResult>('update', 'cost.sqlite', second);
  });

  it('has something to do after a publish of the changes alone, which anybody can pull', async () => {
    assert.ok(updated.transfer.bytesSent < 5000, `${updated.transfer.bytesSent} bytes`);
    assert.equal(existsSync(join(catalog.store, updated.key)), false);
    const output = join(tempDir(), 'pulled.sqlite');
    const env = { DATAMANAGER_CACHE: tempDir() };
    const { stdout } = await runCli(['pull', 'cost.sqlite', '-o', output, '--json'], { cwd: catalog.dir, env });
    assert.equal((JSON.parse(stdout) as PullResult).from, 'delta');
    assert.deepEqual(readFileSync(output), readFileSync(second));
  });

  it('makes the whole object, from a machine that has nothing, and then nothing more', async () => {
    const env = { DATAMANAGER_CACHE: tempDir() };
    const run = async () =>
      JSON.parse((await runCli(['materialize', '--json'], { cwd: catalog.dir, env })).stdout) as MaterializedVersion[];
    const made = await run();
    assert.deepEqual(
      made.map(({ name, version, key }) => ({ name, version, key })),
      [{ name: 'cost.sqlite', version: 'v2', key: updated.key }],
    );
    const bytes = readFileSync(join(catalog.store, updated.key));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), updated.sha256);
    assert.deepEqual(await run(), []);
    assert.equal((await catalog.run('materialize')).stdout, 'Every version is whole already.\n');
  });

  it('describes the versions again whose description is gone', async () => {
    const store = createFolderStore({ folder: catalog.store });
    const metas = [...(await metasOf(store)).keys()];
    assert.equal(metas.length, 2);
    for (const key of metas) rmSync(join(catalog.store, key));
    assert.deepEqual(await catalog.json('materialize'), []);
    assert.equal(await manifestOfBucket(store), readFileSync(join(catalog.dir, 'manifest.json'), 'utf8'));
  });

  it('says so when there is no such dataset', async () => {
    const { code, stderr } = await catalog.run('materialize', 'no.sqlite');
    assert.equal(code, 1);
    assert.match(stderr, /no\.sqlite/);
  });
});
