import assert from 'node:assert/strict';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { contentHashForPublish } from '../../../src/core/operations/contentHashForPublish';
import { createWorkerDiffEngine } from '../../../src/core/sqldiff/workerDiffEngine';
import { hashFile } from '../../../src/core/store/hashFile';
import { workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';

describe('content hash for a publish', () => {
  it('is that of the bytes that were hashed, not of a file that changed since', async () => {
    const { context, database } = await workbench();
    const hashed = await hashFile({ path: await database('a.sqlite', 'CREATE TABLE t(a)') });
    assert.match((await contentHashForPublish(context, hashed, {})) ?? '', /^[0-9a-f]{64}$/);
    appendFileSync(hashed.path, Buffer.alloc(4096));
    await assert.rejects(contentHashForPublish(context, hashed, {}), (error) =>
      DataManagerError.is(error, 'FILE_CHANGED'),
    );
  });

  it('is left out when the worker dies', async () => {
    const workerPath = join(tempDir(), 'worker.js');
    writeFileSync(workerPath, 'process.exit(1)');
    const diffEngine = createWorkerDiffEngine({ workerPath });
    const path = join(tempDir(), 'data');
    writeFileSync(path, 'data');
    assert.equal(await contentHashForPublish({ diffEngine }, await hashFile({ path }), {}), undefined);
    await diffEngine.dispose();
  });
});
