import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { identify, runIn } from '../support/gitFixture';
import { leaksBelow, leaksIn, spellingsOf } from '../support/leaks';
import { type R2Emulator, startR2Emulator } from '../support/r2Emulator';
import { tempDir } from '../support/tempDir';
import { openWorkbench, type Workbench } from './workbench';

const secret = 'NeedleSecret/with+signs==&"%';
const wrongSecret = 'NeedleOfAWrongSecret/+=';

// A person who has a bucket and an access key, and has never seen this extension: each question, its answer, and what comes of it.
describe('the access key of a bucket, asked for step by step', () => {
  let workbench: Workbench;
  let r2: R2Emulator;
  let folder: string;

  before(async function () {
    this.timeout(120_000);
    r2 = await startR2Emulator('data', { accessKeyId: 'a1b2c3d4'.repeat(4), secretAccessKey: secret });
    folder = path.join(tempDir(), 'energy-model');
    mkdirSync(folder);
    runIn(folder, ['init', '-q', '-b', 'main']);
    identify(folder);
    workbench = await openWorkbench(folder, { env: { R2_ACCESS_KEY_ID: '', R2_SECRET_ACCESS_KEY: '' } });
    await workbench.openDataManager();
  });
  after(async () => {
    await workbench?.close();
    await r2?.stop();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench?.shot('failed-credentials');
  });

  /** Waits for a question and leaves a picture of it. */
  async function asked(question: string | RegExp, picture: string): Promise<void> {
    const { quickInput } = workbench;
    await quickInput.getByText(question).or(quickInput.getByPlaceholder(question)).first().waitFor();
    await workbench.shot(`3-${picture}`);
  }
  const option = (label: string | RegExp) => workbench.quickInput.getByRole('option', { name: label }).first();
  /** Types without accepting, to see what the box says about it. */
  async function complains(text: string, about: string | RegExp, picture: string): Promise<void> {
    await workbench.page.keyboard.press('ControlOrMeta+a');
    await workbench.page.keyboard.type(text);
    await asked(about, picture);
  }

  it('takes an R2 account apart from its jurisdiction, and makes nothing when it is left', async () => {
    await workbench.runCommand('Data Manager: Set Up Repository...');
    await asked('Where shall the data live?', '0-where');
    await option(/Cloudflare R2, S3/).click();
    await asked('Where is the bucket?', '1-service');
    await option('Cloudflare R2').click();
    await asked('Account ID', '2-account');
    await complains('abc', /has 32 digits/, '3-account-wrong');
    await workbench.answer('0123456789abcdef'.repeat(2));
    await asked('jurisdiction', '4-jurisdiction');
    for (const place of ['European Union', 'United States', 'FedRAMP']) await option(new RegExp(place)).waitFor();
    await option(/European Union/).click();
    await asked('Name of the bucket', '5-bucket');
    await complains('https://x', /its name only/, '6-bucket-wrong');
    await workbench.page.keyboard.press('Escape');
    await workbench.quickInput.waitFor({ state: 'hidden' });
    assert.ok(!existsSync(path.join(folder, 'manifest.json')));
  });

  it('sets up a repository with any S3 service, and says what is wrong with a key', async () => {
    await workbench.runCommand('Data Manager: Set Up Repository...');
    await option(/Cloudflare R2, S3/).click();
    await option('Any S3 service').click();
    await asked('Endpoint', '7-endpoint');
    await complains('s3.example.org', /Write it with https/, '8-endpoint-wrong');
    await complains('https://me:pw@s3.example.org', /without a user name/, '8-endpoint-user');
    await workbench.answer(r2.endpoint);
    await asked('Name of the bucket', '9-bucket');
    await workbench.answer(r2.bucket);
    await asked('How do you have the access key', 'a-ways');
    await option('Type the access key').click();
    await asked('Access key ID', 'b-id');
    await workbench.answer(r2.credentials.accessKeyId);
    await asked('Secret access key', 'c-secret');
    await workbench.page.keyboard.type(wrongSecret);
    await workbench.shot('3-d-secret-typed');
    await workbench.page.keyboard.press('Enter');
    await asked('Session token', 'e-token');
    await workbench.answer('');
    await workbench.toast(/was not kept.*rejected the secret access key/).waitFor();
    await workbench.shot('3-f-refused');
  });

  it('takes what the page of an R2 token shows, from the clipboard', async () => {
    const block = `Use the following credentials for S3 clients:\nAccess Key ID\n${r2.credentials.accessKeyId}\nClick to copy\nSecret Access Key\n${secret}\nClick to copy\nUse jurisdiction-specific endpoints for S3 clients:\nDefault\nhttps://abc.r2.cloudflarestorage.com\n`;
    await workbench.copy(block);
    await workbench
      .toast(/was not kept/)
      .getByRole('button', { name: 'Set Credentials' })
      .click();
    await option('Take it from the clipboard').click();
    await workbench.page.getByText(`Credentials for "${r2.bucket}" kept`).first().waitFor();
    await workbench.shot('3-g-kept');
    await workbench.copy('');
    await workbench.runCommand('Data Manager: Verify Store');
    await workbench.toast('The store works').waitFor();
    await workbench.shot('3-h-works');
  });

  it('imports it from .env beside the manifest', async () => {
    writeFileSync(
      path.join(folder, '.env'),
      `R2_ACCESS_KEY_ID=${r2.credentials.accessKeyId}\nR2_SECRET_ACCESS_KEY='${secret}'\n`,
    );
    await workbench.runCommand('Data Manager: Set Credentials...');
    await asked('How do you have the access key', 'i-ways-with-file');
    await option('Take it from the file .env').click();
    await workbench.page.getByText(`Credentials for "${r2.bucket}" kept`).first().waitFor();
  });

  it('leaves it nowhere: no log, no settings, no state, no commit', async () => {
    const needles = spellingsOf(secret, wrongSecret);
    writeFileSync(path.join(folder, '.env'), '');
    const logs = path.join(workbench.dir, 'data/logs');
    const ours = readdirSync(logs, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('Manager.log'));
    assert.match(readFileSync(path.join(logs, ours ?? ''), 'utf8'), /CREDENTIALS_REJECTED/);
    assert.deepEqual([...leaksBelow(workbench.dir, needles), ...leaksBelow(folder, needles)], []);
    const objects = runIn(folder, ['cat-file', '--batch-all-objects', '--batch', '--buffer']);
    assert.ok(objects.includes('.datamanager.json'));
    assert.deepEqual(leaksIn('the objects', objects, needles), []);
    assert.deepEqual(leaksIn('the page', await workbench.page.content(), needles), []);
  });
});
