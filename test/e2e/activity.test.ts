import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Locator } from 'playwright-core';
import { initRepository } from '../../src/core/operations/initRepository';
import { stampFile } from '../../src/core/store/hashFile';
import type { PublishRecord } from '../../src/core/transaction/journal';
import { bareRemote, cloneOf, git, identify, runIn } from '../support/gitFixture';
import { type R2Emulator, startR2Emulator } from '../support/r2Emulator';
import { type SlowRelay, startSlowRelay } from '../support/slowRelay';
import { tempDir } from '../support/tempDir';
import { openWorkbench, type Workbench } from './workbench';

const megabyte = 1_000_000;

// Transfers through a slow line, a remote that goes away, a process that died: what a person sees of it and can do.
describe('the Activity view, clicked through', () => {
  let workbench: Workbench;
  let emulator: R2Emulator;
  let relay: SlowRelay;
  let folder: string;
  let bare: string;

  before(async function () {
    this.timeout(120_000);
    emulator = await startR2Emulator();
    relay = await startSlowRelay(emulator.port, null);
    folder = path.join(tempDir(), 'energy-model');
    bare = bareRemote();
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    const endpoint = emulator.endpoint.replace(String(emulator.port), String(relay.port));
    await initRepository({ git, folder, store: { type: 's3', endpoint, bucket: emulator.bucket } });
    runIn(folder, ['remote', 'add', 'origin', bare]);
    runIn(folder, ['push', '-q', '-u', 'origin', 'main']);
    writeFileSync(path.join(folder, 'weather.bin'), randomBytes(60 * megabyte));
    writeFileSync(path.join(folder, 'prices.csv'), csv(1));
    const { accessKeyId, secretAccessKey } = emulator.credentials;
    workbench = await openWorkbench(folder, {
      env: { R2_ACCESS_KEY_ID: accessKeyId, R2_SECRET_ACCESS_KEY: secretAccessKey },
    });
    await workbench.openDataManager();
    // All of the room to the view that this is about.
    for (const other of ['Datasets', 'History']) {
      await workbench.page.getByRole('button', { name: `${other} Section` }).click();
    }
  });

  after(async () => {
    await workbench?.close();
    await relay?.stop();
    await emulator?.stop();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') {
      await workbench?.shot(`failed-activity-${this.currentTest.title.replace(/\W+/g, '-')}`);
    }
  });

  it('shows what a transfer does, pauses it and goes on', async () => {
    await create('prices.csv');
    await workbench.dialog.getByRole('button', { name: 'Use This Bucket' }).click();
    await workbench.toast('prices.csv v1 was created').waitFor();
    await workbench.runCommand('Notifications: Clear All Notifications');
    relay.bytesPerSecond = 1.2 * megabyte;
    await create('weather.bin');
    const row = rowOf('Creating weather.bin');
    await row.getByText(/^[1-9]\d* % · .* left · uploading/).waitFor({ timeout: 40_000 });
    await row.click();
    await rowOf('Confirmed').waitFor();
    await row.hover();
    await workbench.shot('30-activity-running-light');
    await workbench.runCommand('Preferences: Toggle between Light/Dark Themes');
    await row.hover();
    await workbench.shot('30-activity-running-dark');
    await workbench.runCommand('Preferences: Toggle between Light/Dark Themes');
    await row.hover();
    const clicked = Date.now();
    await row.getByRole('button', { name: 'Pause' }).click();
    await rowOf('Creating weather.bin')
      .getByText(/^Paused, .* are kept$/)
      .waitFor();
    const took = Date.now() - clicked;
    assert.ok(took < 3_000, `paused after ${took} ms`);
    await workbench.shot('31-activity-paused');
    relay.bytesPerSecond = null;
    await rowOf('Creating weather.bin').hover();
    await rowOf('Creating weather.bin').getByRole('button', { name: 'Resume' }).click();
    await workbench.toast('weather.bin v1 was created').waitFor({ timeout: 40_000 });
    await rowOf('Creating weather.bin')
      .getByText(/MB from before/)
      .waitFor();
    await workbench.runCommand('Notifications: Clear All Notifications');
  });

  it('shows what needs a person: interrupted publishes, versions that are not pushed', async () => {
    runIn(folder, ['remote', 'set-url', 'origin', path.join(tempDir(), 'away.git')]);
    writeFileSync(path.join(folder, 'prices.csv'), csv(2));
    await update('prices.csv');
    await workbench.toast('was updated to v2').waitFor();
    await workbench.runCommand('Notifications: Clear All Notifications');
    await interrupt(path.join(folder, 'weather.bin'), 'weather.bin');
    await workbench.runCommand('Data Manager: Refresh');
    await rowOf('Interrupted: weather.bin').waitFor();
    await rowOf('1 commit to push').waitFor();
    await rowOf('1 commit to push').click();
    await rowOf('prices.csv v2').waitFor();
    await bothThemes('32-activity-waiting', rowOf('Interrupted: weather.bin'));
    await rowOf('Interrupted: weather.bin').hover();
    await rowOf('Interrupted: weather.bin').getByRole('button', { name: 'Undo' }).click();
    await rowOf('Interrupted: weather.bin').waitFor({ state: 'hidden' });
  });

  it('asks how to go on when somebody else published the same dataset', async () => {
    const { page } = workbench;
    runIn(folder, ['remote', 'set-url', 'origin', bare]);
    await publishElsewhere();
    await workbench.runCommand('Notifications: Clear All Notifications');
    await rowOf('1 commit to push').hover();
    await rowOf('1 commit to push').getByRole('button', { name: 'Push Pending Versions' }).click();
    await workbench.quickInput.getByText('Publish mine on top, as v3').waitFor();
    await page.keyboard.press('Escape');
    for (const theme of ['light', 'dark']) {
      await rowOf('Conflict: prices.csv').hover();
      await rowOf('Conflict: prices.csv').getByRole('button', { name: 'Resolve Conflict...' }).click();
      await workbench.quickInput.getByText('Publish mine on top, as v3').waitFor();
      await workbench.shot(`33-activity-conflict-${theme}`);
      if (theme === 'light') {
        await page.keyboard.press('Escape');
        await workbench.runCommand('Preferences: Toggle between Light/Dark Themes');
      }
    }
    await workbench.pick(/Show how mine differs/);
    await page.getByRole('tab', { name: /prices\.csv v2 ↔ mine/ }).waitFor();
    await workbench.toast('theirs or mine?').waitFor();
    await workbench.shot('34-activity-difference');
    await workbench.toast('theirs or mine?').getByRole('button', { name: 'Decide...' }).click();
    await workbench.pick(/Publish mine on top/);
    await workbench.toast('prices.csv is published on top of theirs').waitFor();
    const manifest = JSON.parse(runIn(bare, ['show', 'main:manifest.json'])) as { latestVersion: string }[];
    assert.deepEqual(manifest.map(({ latestVersion }) => latestVersion).sort(), ['v1', 'v3']);
    await workbench.shot('35-activity-settled');
  });

  function rowOf(label: string): Locator {
    return workbench.row(label, 'Activity');
  }

  async function create(file: string): Promise<void> {
    await workbench.runCommand('Data Manager: New Dataset...');
    await workbench.chooseFile('Add', path.join(folder, file));
    await workbench.quickInput.getByText('Name of the dataset').waitFor();
    await workbench.answer(file);
    await finishQuestions();
  }

  async function update(name: string): Promise<void> {
    await workbench.runCommand('Data Manager: Update...');
    await workbench.pick(new RegExp(`^${name}`));
    await workbench.chooseFile('Update', path.join(folder, name));
    await finishQuestions();
  }

  /** Which parents, where there are other datasets; what changed. */
  async function finishQuestions(): Promise<void> {
    const { page, quickInput } = workbench;
    const parents = quickInput.getByRole('button', { name: 'OK', exact: true });
    const message = quickInput.getByText('What changed?');
    await parents.or(message).first().waitFor();
    if (!(await message.isVisible())) {
      await page.keyboard.press('Enter');
      await message.waitFor();
    }
    await page.keyboard.press('Enter');
  }

  async function bothThemes(shot: string, hovered: Locator): Promise<void> {
    for (const theme of ['light', 'dark']) {
      await hovered.hover();
      await workbench.page.waitForTimeout(1_500);
      await workbench.shot(`${shot}-${theme}`);
      await workbench.runCommand('Preferences: Toggle between Light/Dark Themes');
    }
  }

  async function interrupt(file: string, name: string): Promise<void> {
    const id = '6f1cf5d5-6d7a-4b8a-9d3c-0a4f2b1c9e55';
    const journal = path.join(folder, '.git/datamanager/txn', id);
    mkdirSync(journal, { recursive: true });
    const record: PublishRecord = {
      schemaVersion: 1,
      id,
      owner: { pid: 2 ** 22 + 1, host: hostname(), process: 'gone', started: null, at: Date.now() },
      started: new Date(Date.now() - 600_000).toISOString(),
      root: folder,
      manifestPath: 'manifest.json',
      branch: 'main',
      kind: 'publish',
      state: 'UPLOADING',
      name,
      target: 'existing',
      file,
      stamp: await stampFile(file),
      message: 'Weather of 2024',
      base: null,
    };
    writeFileSync(path.join(journal, 'journal.json'), JSON.stringify(record));
  }

  /** As a colleague does with the command line. */
  async function publishElsewhere(): Promise<void> {
    const colleague = cloneOf(bare);
    identify(colleague.dir, 'Grace Hopper', 'grace@example.com');
    writeFileSync(path.join(colleague.dir, 'prices.csv'), csv(3));
    const { accessKeyId, secretAccessKey } = emulator.credentials;
    // Not synchronously: the relay that it talks to lives in this process.
    await promisify(execFile)(
      process.execPath,
      [path.resolve('dist/cli.js'), 'update', 'prices.csv', 'prices.csv', '-m', 'Prices of the new auction', '--yes'],
      {
        cwd: colleague.dir,
        env: { ...process.env, ...git.env, R2_ACCESS_KEY_ID: accessKeyId, R2_SECRET_ACCESS_KEY: secretAccessKey },
      },
    );
    assert.ok(readFileSync(path.join(colleague.dir, 'manifest.json'), 'utf8').includes('v2'));
  }
});

function csv(seed: number): string {
  const rows = Array.from(
    { length: 24 },
    (_, hour) => `${hour},${40 + ((hour * 7 + (hour % 5 === 0 ? seed : 0)) % 30)}`,
  );
  return `hour,price\n${rows.join('\n')}\n`;
}
