import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { writeDemoVersions } from '../../scripts/demoDatabase.mjs';
import { initRepository } from '../../src/core/operations/initRepository';
import { git, identify, runIn } from '../support/gitFixture';
import { tempDir } from '../support/tempDir';
import { openWorkbench, type Workbench } from './workbench';

// Everything by mouse and keyboard, in the packaged extension. What is on the screen is kept in out/shots.
describe('the main job, clicked through', () => {
  let workbench: Workbench;
  let folder: string;

  before(async function () {
    this.timeout(120_000);
    const home = tempDir();
    folder = path.join(home, 'energy-model');
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    await initRepository({ git, folder, store: { type: 'folder', path: '../energy-store' } });
    const [v1, v2, v3] = await writeDemoVersions(path.join(home, 'incoming'));
    for (const [i, file] of [v1, v2, v3].entries()) copyFileSync(file, path.join(folder, `model-${i + 1}.sqlite`));
    workbench = await openWorkbench(folder);
    await workbench.openDataManager();
  });

  after(() => workbench?.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed')
      await workbench?.shot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  it('offers to add the first dataset', async () => {
    await workbench.page.getByRole('button', { name: 'New Dataset', exact: true }).first().waitFor();
    await workbench.shot('1-empty');
  });

  it('adds a dataset: file, name, message', async () => {
    const { page } = workbench;
    await page.locator('.welcome-view-content').getByRole('button', { name: 'New Dataset' }).click();
    await workbench.chooseFile('Add', path.join(folder, 'model-1.sqlite'));
    await workbench.quickInput.getByText('Name of the dataset').waitFor();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.type('../model.sqlite');
    await workbench.quickInput.getByText('leads out of its folder').waitFor();
    await workbench.shot('2-name-refused');
    await workbench.answer('utopia.sqlite');
    await workbench.quickInput.getByText('What changed?').waitFor();
    await workbench.answer('Import the model');
    await workbench.toast('utopia.sqlite v1 was created').waitFor();
    await workbench.row('utopia.sqlite').waitFor();
    await workbench.shot('3-created');
  });

  it('updates it from the context menu', async () => {
    for (const [version, file, message] of [
      ['v2', 'model-2.sqlite', 'Revise the cost curve, add a technology'],
      ['v3', 'model-3.sqlite', 'Drop the region INSEL'],
    ] as const) {
      await workbench.chooseAction('utopia.sqlite', 'Update...');
      await workbench.chooseFile('Update', path.join(folder, file));
      await workbench.quickInput.getByText('What changed?').waitFor();
      await workbench.answer(message);
      await workbench.toast(`was updated to ${version}`).waitFor();
    }
    await workbench.shot('4-updated');
  });

  it('shows the rows that changed, with a click on a version', async () => {
    const { page } = workbench;
    await workbench.runCommand('Notifications: Clear All Notifications');
    if (!(await workbench.row('v2').isVisible())) await workbench.row('utopia.sqlite').click();
    await workbench.row('v2').waitFor();
    await workbench.shot('5-versions');
    await workbench.row('v2').click();
    await page.getByRole('tab', { name: /utopia\.sqlite v1 ↔ v2/ }).waitFor();
    await opened('utopia.sqlite v1 ↔ v2');
    await page.locator('.monaco-diff-editor .line-insert').first().waitFor();
    await workbench.shot('6-rows');
    await workbench.row('v3').click();
    await page.getByRole('tab', { name: /utopia\.sqlite v2 ↔ v3/ }).waitFor();
    await opened('utopia.sqlite v2 ↔ v3');
    await page.locator('.monaco-diff-editor .line-delete').first().waitFor();
    await workbench.shot('7-schema-and-rows');
  });

  it('compares any two versions from the command palette', async () => {
    await workbench.runCommand('Data Manager: Compare Versions...');
    await workbench.pick(/^v3/);
    await workbench.pick(/^v1/);
    await workbench.page.getByRole('tab', { name: /utopia\.sqlite v1 ↔ v3/ }).waitFor();
    await opened('utopia.sqlite v1 ↔ v3');
    await workbench.shot('8-two-versions');
  });

  it('compares a file of the Explorer with a version', async () => {
    const { page } = workbench;
    await page.getByRole('tab', { name: /^Explorer/ }).click();
    await page.getByRole('treeitem', { name: 'model-2.sqlite' }).click({ button: 'right' });
    const entry = page.getByRole('menuitem', { name: 'Compare File with Version...', exact: true });
    await entry.waitFor();
    await page.waitForTimeout(500);
    await entry.click();
    await workbench.pick(/^v3/);
    await page.getByRole('tab', { name: /utopia\.sqlite v3 ↔ model-2\.sqlite/ }).waitFor();
    await opened('utopia.sqlite v3 ↔ model-2.sqlite');
    await workbench.shot('8-file-and-version');
    await workbench.openDataManager();
  });

  it('pulls the newest version', async () => {
    const target = path.join(folder, 'utopia.sqlite');
    assert.equal(existsSync(target), false);
    await workbench.chooseAction('utopia.sqlite', 'Pull');
    await workbench.page.getByText('utopia.sqlite v3 pulled').first().waitFor();
    assert.deepEqual(readFileSync(target), readFileSync(path.join(folder, 'model-3.sqlite')));
    await workbench.shot('9-pulled');
  });

  it('asks before it replaces a file that is no version', async () => {
    const target = path.join(folder, 'utopia.sqlite');
    writeFileSync(target, 'edited by hand');
    await workbench.chooseAction('utopia.sqlite', 'Pull');
    await workbench.dialog.getByText('holds data that is no version').waitFor();
    await workbench.shot('10-replace');
    await workbench.dialog.getByRole('button', { name: 'Cancel' }).click();
    await workbench.dialog.waitFor({ state: 'hidden' });
    assert.equal(readFileSync(target, 'utf8'), 'edited by hand');
    await workbench.chooseAction('utopia.sqlite', 'Pull');
    await workbench.dialog.getByRole('button', { name: 'Replace' }).click();
    await expectBytes(target, path.join(folder, 'model-3.sqlite'));
  });

  it('shows the commits, and under each what it changed', async () => {
    const commit = workbench.row('Revise the cost curve, add a technology', 'History');
    await commit.click();
    await workbench.row('utopia.sqlite v2', 'History').click();
    await workbench.page.getByRole('tab', { name: /utopia\.sqlite v1 ↔ v2/ }).waitFor();
    await opened('utopia.sqlite v1 ↔ v2');
    await workbench.shot('11-history');
  });

  it('verifies the store', async () => {
    await workbench.runCommand('Data Manager: Verify Store');
    const toast = workbench.toast('The store works');
    await toast.waitFor();
    await toast.getByRole('button', { name: 'Details' }).click();
    await workbench.quickInput.getByText('Delete objects').waitFor();
    await workbench.shot('12-verified');
    await workbench.page.keyboard.press('Escape');
  });

  /** The multi-file diff says "Loading..." until its documents are there; the first one is on top. */
  async function opened(first: string): Promise<void> {
    const { page } = workbench;
    await page.locator('.multiDiffEntry').filter({ hasText: first, visible: true }).first().waitFor();
    await page.getByText('Loading...', { exact: true }).waitFor({ state: 'hidden' });
  }

  async function expectBytes(file: string, expected: string): Promise<void> {
    for (let tries = 0; tries < 100 && !readFileSync(file).equals(readFileSync(expected)); tries++) {
      await workbench.page.waitForTimeout(50);
    }
    assert.deepEqual(readFileSync(file), readFileSync(expected));
  }
});
