import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import type { StoreCredentials } from '../../src/core/store/storeSettings';
import type { CephServer } from './cephServer';

const run = promisify(execFile);

/** Makes another user of a Ceph gateway that was started in `folder`. */
export async function addCephUser(folder: string, name: string): Promise<StoreCredentials> {
  const credentials = { accessKeyId: `${name}-key`, secretAccessKey: `${name}-secret` };
  const user = [`--uid=${name}`, `--display-name=${name}`, `--access-key=${credentials.accessKeyId}`];
  const secret = `--secret=${credentials.secretAccessKey}`;
  await run('radosgw-admin', ['-c', join(folder, 'ceph.conf'), 'user', 'create', ...user, secret]);
  return credentials;
}

/** Lets a user do anything in the bucket but this, such as `s3:GetObject`. */
export async function allowAllBut(
  { endpoint, bucket, credentials }: CephServer,
  name: string,
  denied: readonly string[],
): Promise<void> {
  const common = {
    Principal: { AWS: [`arn:aws:iam:::user/${name}`] },
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  };
  const allow = { Effect: 'Allow', Action: ['s3:*'], ...common };
  const Statement = denied.length === 0 ? [allow] : [allow, { Effect: 'Deny', Action: denied, ...common }];
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  client.destroy();
}
