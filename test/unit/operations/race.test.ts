import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createWorkerDiffEngine } from '../../../src/core/sqldiff/workerDiffEngine';
import { race } from '../../support/raceWorld';
import { writers } from '../../support/writersWorld';

describe('several who publish at once', () => {
  const diffEngine = createWorkerDiffEngine({ workerPath: join(process.cwd(), 'dist', 'worker.js') });
  after(() => diffEngine.dispose());

  it('clones over a bad connection: every version is there once, none is uploaded twice', async () => {
    const { acknowledged, objects } = await race(diffEngine, { clones: 3, versions: 5 });
    assert.equal(acknowledged, 15);
    assert.equal(objects, 15);
  }).timeout(180_000);

  it('two processes and a person with git on one clone: every commit is there', async () => {
    const { versions, gitCommits } = await writers({ commits: 6 });
    assert.equal(versions, 12);
    assert.ok(gitCommits > 0);
  }).timeout(120_000);
});
