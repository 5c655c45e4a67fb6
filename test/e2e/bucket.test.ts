import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeDemoVersions } from '../../scripts/demoDatabase.mjs';
import { initRepository } from '../../src/core/operations/initRepository';
import { git, identify, runIn } from '../support/gitFixture';
import { leaksBelow, leaksIn, spellingsOf } from '../support/leaks';
import { type R2Emulator, startR2Emulator } from '../support/r2Emulator';
import { tempDir } from '../support/tempDir';
import { openWorkbench, type Workbench } from './workbench';

// The main job once more, with objects in a bucket: trust, keys from the secret storage, S3 requests.
describe('a bucket in the editor', () => {
  let workbench: Workbench;
  let emulator: R2Emulator;
  let folder: string;

  before(async function () {
    this.timeout(120_000);
    emulator = await startR2Emulator();
    const home = tempDir();
    folder = path.join(home, 'energy-model');
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    const { endpoint, bucket } = emulator;
    await initRepository({ git, folder, store: { type: 's3', endpoint, bucket } });
    const versions = await writeDemoVersions(path.join(home, 'incoming'));
    for (const [i, file] of versions.entries()) copyFileSync(file, path.join(folder, `model-${i + 1}.sqlite`));
    workbench = await openWorkbench(folder, { env: { R2_ACCESS_KEY_ID: '', R2_SECRET_ACCESS_KEY: '' } });
    await workbench.openDataManager();
  });

  after(async () => {
    await workbench?.close();
    await emulator?.stop();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench?.shot('failed-bucket');
  });

  it('asks before the first use of a bucket, then takes the keys', async () => {
    await workbench.runCommand('Data Manager: Set Credentials...');
    await workbench.dialog.getByText(`Use the bucket "${emulator.bucket}"`).waitFor();
    await workbench.shot('20-bucket-trust');
    await workbench.dialog.getByRole('button', { name: 'Use This Bucket' }).click();
    await workbench.quickInput.getByText('Type the access key').waitFor();
    await workbench.answer('Type the access key');
    await workbench.quickInput.getByText('Access key ID').waitFor();
    await workbench.answer(emulator.credentials.accessKeyId);
    await workbench.quickInput.getByText('Secret access key').waitFor();
    await workbench.answer(emulator.credentials.secretAccessKey);
    await workbench.quickInput.getByText('Session token').waitFor();
    await workbench.answer('');
    await workbench.page.getByText(`Credentials for "${emulator.bucket}" kept`).first().waitFor();
  });

  it('creates, updates and compares', async () => {
    const { page } = workbench;
    await page.locator('.welcome-view-content').getByRole('button', { name: 'New Dataset' }).click();
    await workbench.chooseFile('Add', path.join(folder, 'model-1.sqlite'));
    await workbench.quickInput.getByText('Name of the dataset').waitFor();
    await workbench.answer('utopia.sqlite');
    await workbench.quickInput.getByText('What changed?').waitFor();
    await workbench.answer('Import the model');
    await workbench.toast('utopia.sqlite v1 was created').waitFor();
    await workbench.chooseAction('utopia.sqlite', 'Update...');
    await workbench.chooseFile('Update', path.join(folder, 'model-2.sqlite'));
    await workbench.quickInput.getByText('What changed?').waitFor();
    await workbench.answer('Revise the cost curve');
    await workbench.toast('was updated to v2').waitFor();
    if (!(await workbench.row('v2').isVisible())) await workbench.row('utopia.sqlite').click();
    await workbench.row('v2').click();
    await page.getByRole('tab', { name: /utopia\.sqlite v1 ↔ v2/ }).waitFor();
    await workbench.shot('21-bucket-rows');
  });

  it('pulls and verifies', async () => {
    await workbench.chooseAction('utopia.sqlite', 'Pull');
    await workbench.page.getByText('utopia.sqlite v2 pulled').first().waitFor();
    assert.deepEqual(
      readFileSync(path.join(folder, 'utopia.sqlite')),
      readFileSync(path.join(folder, 'model-2.sqlite')),
    );
    await workbench.runCommand('Data Manager: Verify Store');
    await workbench.toast('The store works').waitFor();
  });

  it('leaves the secret nowhere', () => {
    const needles = spellingsOf(emulator.credentials.secretAccessKey);
    assert.deepEqual([...leaksBelow(workbench.dir, needles), ...leaksBelow(folder, needles)], []);
    const objects = runIn(folder, ['cat-file', '--batch-all-objects', '--batch', '--buffer']);
    assert.ok(objects.includes('Revise the cost curve'));
    assert.deepEqual(leaksIn('the objects', objects, needles), []);
  });
});
