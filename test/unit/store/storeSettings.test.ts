import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { credentialsFromEnvironment, storeFromEnvironment } from '../../../src/core/store/credentialsFromEnvironment';
import { parseDotEnv } from '../../../src/core/store/dotEnv';
import { defaultRegion, openStore } from '../../../src/core/store/openStore';
import { tempDir } from '../../support/tempDir';

describe('credentialsFromEnvironment', () => {
  const r2 = { R2_ACCESS_KEY_ID: 'r', R2_SECRET_ACCESS_KEY: 'rs' };
  const aws = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'as', AWS_SESSION_TOKEN: 't' };

  it('prefers R2, falls back to AWS, never mixes', () => {
    assert.deepEqual(credentialsFromEnvironment({ ...aws, ...r2 }), { accessKeyId: 'r', secretAccessKey: 'rs' });
    const amazon = { accessKeyId: 'a', secretAccessKey: 'as', sessionToken: 't' };
    assert.deepEqual(credentialsFromEnvironment(aws), amazon);
    assert.deepEqual(credentialsFromEnvironment({ ...aws, R2_ACCESS_KEY_ID: 'r', R2_SECRET_ACCESS_KEY: ' ' }), amazon);
    assert.equal(credentialsFromEnvironment({ R2_ACCESS_KEY_ID: 'r', AWS_SECRET_ACCESS_KEY: 'as' }), null);
  });

  it('finds the store of the original tool', () => {
    assert.deepEqual(storeFromEnvironment({ R2_ACCOUNT_ID: 'abc1', R2_BUCKET: 'data' }), {
      type: 's3',
      endpoint: 'https://abc1.r2.cloudflarestorage.com',
      bucket: 'data',
      region: 'auto',
    });
    assert.equal(storeFromEnvironment({ R2_ACCOUNT_ID: 'abc1' }), null);
    assert.equal(storeFromEnvironment({ R2_ACCOUNT_ID: 'evil.example/#', R2_BUCKET: 'data' }), null);
  });
});

describe('parseDotEnv', () => {
  const cases: [string, Record<string, string>][] = [
    ['A=1\r\nB = two words \r\n', { A: '1', B: 'two words' }],
    ['# A=0\nexport A=1 # one\n  # B=2', { A: '1' }],
    ['A="x # y" # z\nB=\'$HOME "q"\'\nC=`it\'s`', { A: 'x # y', B: '$HOME "q"', C: "it's" }],
    ['A="line1\\nline2\\t\\"q\\" \\\\ \\d"\nB=x\\n', { A: 'line1\nline2\t"q" \\ \\d', B: 'x\\n' }],
    ['A="first\nsecond"\nB=2', { A: 'first\nsecond', B: '2' }],
    ['A=\nB=""\nC=#none', { A: '', B: '', C: '' }],
    ['A=pa#ss=wo/rd+==', { A: 'pa#ss=wo/rd+==' }],
    ['\uFEFFA=1\nA=2\nno assignment\n1B=3', { A: '2' }],
  ];
  for (const [text, expected] of cases) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parseDotEnv(text), expected));
  }
});

describe('openStore', () => {
  const s3 = { type: 's3', endpoint: 'https://abc.r2.cloudflarestorage.com', bucket: 'data' } as const;
  const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };

  it('opens a folder relative to the repository', async () => {
    const baseFolder = tempDir();
    const store = await openStore({ settings: { type: 'folder', path: '../objects' }, credentials: null, baseFolder });
    assert.equal(store.kind, 'folder');
    assert.equal(store.location, baseFolder.replace(/[^/]+$/, 'objects'));
  });

  it('opens a bucket, with its prefix and without its secret in the location', async () => {
    const store = await openStore({ settings: { ...s3, prefix: '/team/' }, credentials, baseFolder: '/' });
    assert.deepEqual([store.kind, store.location], ['s3', 's3://data/team at abc.r2.cloudflarestorage.com']);
  });

  it('refuses bad settings and names the missing variables', async () => {
    const open = (changes: object, given: typeof credentials | null = credentials) =>
      openStore({ settings: { ...s3, ...changes }, credentials: given, baseFolder: '/' });
    const coded = (code: string) => (error: unknown) => DataManagerError.is(error) && error.code === code;
    for (const endpoint of ['', 'abc.example', 'ftp://abc.example', 'https://me:pw@abc.example']) {
      await assert.rejects(open({ endpoint }), coded('SETTINGS_INVALID'));
    }
    await assert.rejects(open({ prefix: '../other' }), coded('KEY_INVALID'));
    await assert.rejects(open({}, null), (error: unknown) => {
      assert.ok(DataManagerError.is(error, 'CREDENTIALS_MISSING'));
      assert.match(error.hint ?? '', /R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY/);
      return true;
    });
  });

  it('knows the region of an endpoint', () => {
    const region = (host: string) => defaultRegion(new URL(`https://${host}`));
    assert.equal(region('s3.eu-central-1.amazonaws.com'), 'eu-central-1');
    assert.equal(region('s3.amazonaws.com'), 'us-east-1');
    assert.equal(region('abc.eu.r2.cloudflarestorage.com'), 'auto');
  });
});

describe('the place of a folder store', () => {
  it("is never in Git's own folder, not even through a link", async () => {
    const baseFolder = tempDir();
    mkdirSync(join(baseFolder, '.git', 'hooks'), { recursive: true });
    symlinkSync(join(baseFolder, '.git'), join(baseFolder, 'objects'));
    for (const path of ['.git', '.git/hooks', 'objects', '.GIT/x']) {
      await assert.rejects(
        openStore({ settings: { type: 'folder', path }, credentials: null, baseFolder }),
        (error) => DataManagerError.is(error, 'SETTINGS_INVALID'),
        path,
      );
    }
    await openStore({ settings: { type: 'folder', path: 'my.git.objects' }, credentials: null, baseFolder });
  });
});
