import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { StoreReport } from '../../src/core/operations/verifyStore';
import type { StoreCheck } from '../../src/core/store/objectStore';
import type { DataManagerApi } from '../../src/extension/api';
import { identify, runIn } from '../support/gitFixture';
import { leaksBelow, spellingsOf } from '../support/leaks';
import { type R2Emulator, startR2Emulator } from '../support/r2Emulator';

describe('credentials in VS Code', function () {
  this.timeout(60_000);
  let r2: R2Emulator;
  let workspace: string;

  before(async () => {
    const opened = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
    assert.ok(opened);
    workspace = opened;
    r2 = await startR2Emulator();
    await vscode.extensions.getExtension<DataManagerApi>('datamanager.datamanager')?.activate();
  });
  after(async () => {
    await vscode.env.clipboard.writeText('');
    await r2.stop();
  });
  afterEach(async () => {
    for (const name of readdirSync(workspace).filter((entry) => entry.startsWith('keys-'))) {
      rmSync(path.join(workspace, name), { recursive: true, force: true });
    }
    await run('refresh', undefined);
  });

  async function repository(name: string): Promise<string> {
    const folder = path.join(workspace, `keys-${name}`);
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    await run('initRepository', { folder, store: { type: 's3', endpoint: r2.endpoint, bucket: r2.bucket } });
    return folder;
  }

  /** Where the desktop (hostSuite.mjs) and the server (server.mjs) keep logs, settings and state. */
  const places = () =>
    [path.join(workspace, '../user'), path.join(process.env.HOME ?? '', '../data')].filter(existsSync);
  const ourLogs = () =>
    places().flatMap((place) =>
      readdirSync(place, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('Data Manager.log'))
        .map((name) => readFileSync(path.join(place, name), 'utf8')),
    );
  const works = async (folder: string) => (await run<StoreReport>('verifyStore', { folder }))?.ok ?? false;
  const block = (id: string, secret: string): string =>
    `Access Key ID\n${id}\nClick to copy\nSecret Access Key\n${secret}\nDefault\nhttps://abc.r2.cloudflarestorage.com\n`;

  it('keeps none with which nothing works, and says what is wrong', async () => {
    const folder = await repository('wrong');
    await vscode.env.clipboard.writeText(block(r2.credentials.accessKeyId, 'NeedleOfAWrongKey'));
    assert.equal(await run('setCredentials', { folder, way: 'clipboard' }), undefined, 'it fails, with a notification');
    await vscode.env.clipboard.writeText('nothing of use');
    assert.equal(await run('setCredentials', { folder, way: 'clipboard' }), undefined);
    assert.equal(await run('setCredentials', { folder, way: 'dotEnv' }), undefined);
    assert.equal(await works(folder), false);
  });

  it('takes them from the clipboard, tries them, and keeps them out of every file', async () => {
    const folder = await repository('clipboard');
    const { accessKeyId, secretAccessKey } = r2.credentials;
    await vscode.env.clipboard.writeText(block(accessKeyId, secretAccessKey));
    const checks = await run<readonly StoreCheck[]>('setCredentials', { folder, way: 'clipboard' });
    assert.deepEqual(
      checks?.map(({ ok }) => ok),
      [true, true, true, true, true],
    );
    assert.equal(await works(folder), true);
    for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      assert.ok(!readFileSync(path.join(file.parentPath, file.name)).includes(secretAccessKey), file.name);
    }
  });

  it('of another R2 account are not tried', async () => {
    const folder = await repository('account');
    const store = { type: 's3', endpoint: `https://${'b'.repeat(32)}.eu.r2.cloudflarestorage.com`, bucket: 'data' };
    writeFileSync(path.join(folder, '.datamanager.json'), JSON.stringify({ schemaVersion: 1, store }));
    await run('initRepository', { folder, store });
    await vscode.env.clipboard.writeText(block(r2.credentials.accessKeyId, r2.credentials.secretAccessKey));
    assert.equal(await run('setCredentials', { folder, way: 'clipboard' }), undefined);
    assert.match(ourLogs().join(''), new RegExp(`is for the R2 account abc, and this bucket is in ${'b'.repeat(32)}`));
  });

  it('are found for the same bucket only', async () => {
    const folder = await repository('other');
    const store = { type: 's3', endpoint: r2.endpoint, bucket: 'another' };
    writeFileSync(path.join(folder, '.datamanager.json'), JSON.stringify({ schemaVersion: 1, store }));
    await run('initRepository', { folder, store });
    assert.equal(await works(folder), false);
  });

  it('takes them from .env beside the manifest', async () => {
    const folder = await repository('dotenv');
    const { accessKeyId, secretAccessKey } = r2.credentials;
    writeFileSync(
      path.join(folder, '.env'),
      `R2_ACCESS_KEY_ID=${accessKeyId}\nR2_SECRET_ACCESS_KEY=${secretAccessKey}\n`,
    );
    assert.ok(await run('setCredentials', { folder, way: 'dotEnv' }));
    rmSync(path.join(folder, '.env'));
    assert.equal(await works(folder), true);
  });

  it('keeps the name of a profile, whose keys are read each time', async () => {
    const folder = await repository('profile');
    const file = path.join(folder, 'aws-credentials');
    const profile = (secret: string) =>
      writeFileSync(
        file,
        `[r2]\naws_access_key_id = ${r2.credentials.accessKeyId}\naws_secret_access_key = ${secret}\n`,
      );
    profile(r2.credentials.secretAccessKey);
    process.env.AWS_SHARED_CREDENTIALS_FILE = file;
    try {
      assert.ok(await run('setCredentials', { folder, credentials: { profile: 'r2' } }));
      assert.equal(await works(folder), true);
      profile('wrong');
      assert.equal(await works(folder), false);
    } finally {
      delete process.env.AWS_SHARED_CREDENTIALS_FILE;
    }
  });

  it('are in no log, no setting, no state', () => {
    const logs = ourLogs();
    assert.ok(
      logs.some((text) => text.includes('CREDENTIALS_REJECTED')),
      'the log is written and was found',
    );
    const needles = spellingsOf(r2.credentials.secretAccessKey, 'NeedleOfAWrongKey');
    assert.deepEqual(
      [...places(), workspace].flatMap((place) => leaksBelow(place, needles)),
      [],
    );
  });
});

async function run<T>(command: string, argument: unknown): Promise<T | undefined> {
  return vscode.commands.executeCommand<T | undefined>(`datamanager.${command}`, argument);
}
