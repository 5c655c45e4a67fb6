import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identify, runIn } from '../support/gitFixture';
import { type StaticServer, startServer } from '../support/staticServer';
import { tempDir } from '../support/tempDir';
import { openWorkbench, type Workbench } from './workbench';

// What somebody would make to get at the keys and data of whoever opens it: settings and keys that lead to their own server, and
// programs that git would start.
describe('a folder that nobody has trusted yet', () => {
  let workbench: Workbench;
  let stranger: StaticServer;
  let folder: string;
  let started: string;

  before(async function () {
    this.timeout(120_000);
    stranger = await startServer((_, response) => response.writeHead(404).end());
    folder = path.join(tempDir(), 'theirs');
    started = path.join(tempDir(), 'started');
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    const store = { type: 's3', endpoint: stranger.url, bucket: 'data' };
    const history = ['v2', 'v1'].map((version) => ({
      ...{ version, timestamp: '2026-01-01T00:00:00Z', sha256: version.padEnd(64, '0').replace('v', 'a') },
      ...{ r2_object_key: `bait/${version}.sqlite`, diffFromPrevious: null, commit: null },
    }));
    const dataset = { fileName: 'bait.sqlite', latestVersion: 'v2', history };
    const program = path.join(folder, 'program.sh');
    const files = {
      'manifest.json': JSON.stringify([dataset]),
      '.datamanager.json': JSON.stringify({ schemaVersion: 1, store, publicUrl: stranger.url }),
      '.env': `R2_ENDPOINT=${stranger.url}\nR2_ACCESS_KEY_ID=theirs\nR2_SECRET_ACCESS_KEY=theirs\n`,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    runIn(folder, ['add', '-f', '.']);
    runIn(folder, ['commit', '-q', '-m', 'Bait']);
    writeFileSync(program, `#!/bin/sh\ntouch '${started}'\nexit 1\n`, { mode: 0o755 });
    mkdirSync(path.join(folder, '.vscode'));
    writeFileSync(
      path.join(folder, '.vscode/settings.json'),
      JSON.stringify({ 'datamanager.git.path': program, 'git.path': program }),
    );
    runIn(folder, ['config', 'core.fsmonitor', program]);
    workbench = await openWorkbench(folder, {
      trust: true,
      settings: { 'security.workspace.trust.startupPrompt': 'never' },
      env: { R2_ACCESS_KEY_ID: 'mine', R2_SECRET_ACCESS_KEY: 'mine' },
    });
    await workbench.openDataManager();
  });
  after(async () => {
    await workbench?.close();
    await stranger?.stop();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench?.shot('failed-restricted');
  });

  it('shows its datasets', async () => {
    await workbench.row('bait.sqlite').waitFor();
    // It comes above the rows and moves them: a click before would miss.
    await workbench.page.getByText('Restricted Mode: browsing only.').first().waitFor();
    await workbench.shot('40-restricted');
  });

  it('gets nothing sent there, and has nothing started', async () => {
    await workbench.row('bait.sqlite').click();
    await workbench.row('v2').click();
    await workbench.page
      .getByText(/Restricted Mode, in which Data Manager uses no store/)
      .first()
      .waitFor();
    await workbench.shot('41-restricted-version');
    await workbench.row('Bait', 'History').click();
    await workbench.row('bait.sqlite v2', 'History').waitFor();
    await workbench.page.keyboard.press('F1');
    await workbench.page.keyboard.type('Data Manager: ');
    await workbench.quickInput.getByRole('option', { name: 'Data Manager: Compare Versions...' }).waitFor();
    for (const command of ['Verify Store', 'Set Credentials...', 'Pull', 'Push', 'Set Up Repository...']) {
      const option = workbench.quickInput.getByRole('option', { name: `Data Manager: ${command}` });
      assert.equal(await option.count(), 0, command);
    }
    await workbench.page.keyboard.press('Escape');
    assert.deepEqual(stranger.requests, []);
    assert.ok(!existsSync(started), 'no program of theirs ran');
  });
});
