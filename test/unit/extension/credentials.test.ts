import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Credentials } from '../../../src/extension/ui/credentials';
import { tempDir } from '../../support/tempDir';

const store = { type: 's3', endpoint: 'https://one.example', bucket: 'data' } as const;
const keys = { accessKeyId: 'id', secretAccessKey: 'secret' };

describe('the credentials of a bucket', () => {
  it('are bound to endpoint and bucket', async () => {
    const credentials = new Credentials(secretStorage(), {});
    await credentials.keep(store, keys);
    const folder = tempDir();
    assert.deepEqual(await credentials.find(store, folder), keys);
    assert.equal(await credentials.find({ ...store, endpoint: 'https://two.example' }, folder), null);
    assert.equal(await credentials.find({ ...store, bucket: 'other' }, folder), null);
  });

  it('come from the secret storage first, then the environment, then .env beside the manifest', async () => {
    const folder = tempDir();
    writeFileSync(path.join(folder, '.env'), 'R2_ACCESS_KEY_ID=file\nR2_SECRET_ACCESS_KEY=file-secret\n');
    const secrets = secretStorage();
    const environment = { R2_ACCESS_KEY_ID: 'env', R2_SECRET_ACCESS_KEY: 'env-secret' };
    assert.equal((await new Credentials(secrets, {}).find(store, folder))?.accessKeyId, 'file');
    assert.equal((await new Credentials(secrets, environment).find(store, folder))?.accessKeyId, 'env');
    await new Credentials(secrets, environment).keep(store, keys);
    assert.equal((await new Credentials(secrets, environment).find(store, folder))?.accessKeyId, 'id');
  });

  it('that are not readable count as none', async () => {
    const secrets = secretStorage();
    await new Credentials(secrets, {}).keep(store, keys);
    for (const name of secrets.kept.keys()) secrets.kept.set(name, '{"accessKeyId":1}');
    assert.equal(await new Credentials(secrets, {}).find(store, tempDir()), null);
  });
});

function secretStorage(): ConstructorParameters<typeof Credentials>[0] & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    get: async (name) => kept.get(name),
    store: async (name, value) => void kept.set(name, value),
  };
}
