import assert from 'node:assert/strict';
import { credentialsFromText } from '../../../src/core/store/credentialsFromText';

const id = '0123456789abcdef0123456789abcdef';
const secret = 'fedcba9876543210'.repeat(4);

describe('credentialsFromText', () => {
  it('reads what R2 shows when a token is made', () => {
    const page = `Token value
Use this value for authenticating against the Cloudflare API
AbCdEf_token-value-that-is-no-secret-key

Use the following credentials for S3 clients:
Access Key ID
${id}
Click to copy
Secret Access Key
${secret}
Click to copy
Use jurisdiction-specific endpoints for S3 clients:
Default
https://abc.r2.cloudflarestorage.com
European Union (EU)
https://abc.eu.r2.cloudflarestorage.com`;
    const expected = { accessKeyId: id, secretAccessKey: secret, endpoint: 'https://abc.r2.cloudflarestorage.com' };
    assert.deepEqual(credentialsFromText(page), expected);
    assert.deepEqual(credentialsFromText(page.replaceAll('\n', '\r\n')), expected);
  });

  it('reads lines with names and values, however they are written', () => {
    const keys = { accessKeyId: id, secretAccessKey: 'a/b+c=' };
    for (const text of [
      `R2_ACCESS_KEY_ID=${id}\nR2_SECRET_ACCESS_KEY=a/b+c=`,
      `export AWS_ACCESS_KEY_ID="${id}"\nexport AWS_SECRET_ACCESS_KEY='a/b+c='`,
      `aws_access_key_id = ${id}\naws_secret_access_key = a/b+c=`,
      `Access Key ID: ${id}\nSecret Access Key: a/b+c=`,
      `Access key ID\t${id}\nSecret access key\ta/b+c=`,
      `{\n "accessKeyId": "${id}",\n "secretAccessKey": "a/b+c="\n}`,
      `{"AccessKeyId": "${id}", "SecretAccessKey": "a/b+c="}`,
      `access key\n${id}\nsecret key\na/b+c=`,
    ]) {
      assert.deepEqual(credentialsFromText(text), keys, text);
    }
    const more = 'AWS_SESSION_TOKEN=tok/en==\nR2_BUCKET=data\nR2_ENDPOINT=https://s3.example.org/x';
    assert.deepEqual(credentialsFromText(more), {
      sessionToken: 'tok/en==',
      bucket: 'data',
      endpoint: 'https://s3.example.org/x',
    });
  });

  it('finds nothing where nothing is', () => {
    for (const text of ['', 'hello', 'Access Key ID\nSecret Access Key\n', 'The access key is lost.']) {
      assert.deepEqual(credentialsFromText(text), {});
    }
  });
});
