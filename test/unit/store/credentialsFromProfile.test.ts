import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { credentialsFromProfile, profileFiles, profileNames } from '../../../src/core/store/credentialsFromProfile';
import { tempDir } from '../../support/tempDir';

describe('credentialsFromProfile', () => {
  const folder = tempDir();
  const files = profileFiles({
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
    AWS_CONFIG_FILE: join(folder, 'config'),
  });
  writeFileSync(
    files.credentialsFile,
    '[default]\naws_access_key_id = D\naws_secret_access_key = DS\n[r2] # ours\naws_access_key_id=R\naws_secret_access_key=a/b+c=d#e\naws_session_token = T\n[half]\naws_access_key_id = H\n',
  );
  writeFileSync(
    files.configFile,
    '[profile r2]\naws_secret_access_key = other\n[profile inConfig]\naws_access_key_id = C\naws_secret_access_key = CS\n[profile sso]\nsso_session = x\n[profile runs]\ncredential_process = /bin/false\n',
  );

  it('reads the keys and the session token of a profile', async () => {
    assert.deepEqual(await credentialsFromProfile('default', files), { accessKeyId: 'D', secretAccessKey: 'DS' });
    const r2 = { accessKeyId: 'R', secretAccessKey: 'a/b+c=d#e', sessionToken: 'T' };
    assert.deepEqual(await credentialsFromProfile('r2', files), r2);
    assert.equal((await credentialsFromProfile('inConfig', files)).accessKeyId, 'C');
    assert.deepEqual(await profileNames(files), ['default', 'inConfig', 'r2']);
  });

  it('says what a profile lacks', async () => {
    for (const [name, says] of [
      ['half', /holds no access key/],
      ['sso', /holds no access key/],
      ['runs', /holds no access key/],
      ['absent', /is not there/],
      ['__proto__', /is not there/],
    ] as const) {
      await assert.rejects(credentialsFromProfile(name, files), (error: unknown) => {
        assert.ok(DataManagerError.is(error, 'CREDENTIALS_MISSING'));
        assert.match(error.message, says);
        return true;
      });
    }
    assert.deepEqual(await profileNames(profileFiles({}, '/nowhere')), []);
  });
});
