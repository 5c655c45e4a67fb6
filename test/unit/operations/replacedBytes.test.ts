import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDataset } from '../../../src/core/operations/createDataset';
import { replacedBytes } from '../../../src/core/operations/replacedBytes';
import { updateDataset } from '../../../src/core/operations/updateDataset';
import { workbench } from '../../support/operationContext';
import { tempDir } from '../../support/tempDir';

describe('bytes that a pull would replace', () => {
  it('are lost only when they are no version of the dataset', async () => {
    const { context, database } = await workbench();
    const [first, second] = [
      await database('a.sqlite', 'CREATE TABLE t(x)'),
      await database('b.sqlite', 'CREATE TABLE t(x, y)'),
    ];
    await createDataset(context, 'u.sqlite', { file: first });
    await updateDataset(context, 'u.sqlite', { file: second });
    const lost = (output: string) =>
      replacedBytes(context.repository, 'u.sqlite@v2', { output, workingFolder: tempDir() });
    assert.equal(await lost(first), null); // v1 can be pulled again
    assert.equal(await lost(second), null);
    assert.equal(await lost(join(tempDir(), 'new.sqlite')), null);
    const folder = tempDir();
    assert.equal(await lost(folder), null);
    const mine = join(folder, 'u.sqlite');
    writeFileSync(mine, '');
    assert.equal(await lost(folder), null);
    writeFileSync(mine, 'my own work');
    assert.equal(await lost(folder), mine);
    await assert.rejects(replacedBytes(context.repository, 'u.sqlite@v9', { workingFolder: folder }), {
      code: 'VERSION_NOT_FOUND',
    });
  });
});
