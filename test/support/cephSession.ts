import { execFile } from 'node:child_process';
import { createHash, createHmac } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StoreCredentials } from '../../src/core/store/storeSettings';
import type { CephServer } from './cephServer';

/** Temporary credentials of the own user of a Ceph gateway that was started in `folder`, with their session token. */
export async function temporaryCredentials(folder: string, ceph: CephServer): Promise<StoreCredentials> {
  const caps = ['caps', 'add', '--uid=test', '--caps=user-policy=*'];
  await promisify(execFile)('radosgw-admin', ['-c', join(folder, 'ceph.conf'), ...caps]);
  const allow = { Effect: 'Allow', Action: ['sts:GetSessionToken'], Resource: '*' };
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [allow] });
  await ask(ceph, 'iam', { Action: 'PutUserPolicy', UserName: 'test', PolicyName: 'sessions', PolicyDocument });
  const text = await ask(ceph, 'sts', { Action: 'GetSessionToken', DurationSeconds: '900', Version: '2011-06-15' });
  const member = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1] ?? '';
  return {
    accessKeyId: member('AccessKeyId'),
    secretAccessKey: member('SecretAccessKey'),
    sessionToken: member('SessionToken'),
  };
}

/** One signed request, as https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html has it. */
async function ask(
  { endpoint, credentials }: CephServer,
  service: string,
  form: Record<string, string>,
): Promise<string> {
  const body = new URLSearchParams(form).toString();
  const at = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const type = 'application/x-www-form-urlencoded';
  const signed = 'content-type;host;x-amz-date';
  const named = [`content-type:${type}`, `host:${new URL(endpoint).host}`, `x-amz-date:${at}`];
  const request = ['POST', '/', '', ...named, '', signed, sha256(body)].join('\n');
  const scope = [at.slice(0, 8), 'us-east-1', service, 'aws4_request'];
  const toSign = ['AWS4-HMAC-SHA256', at, scope.join('/'), sha256(request)].join('\n');
  const key = scope.reduce<Buffer>((last, part) => hmac(last, part), Buffer.from(`AWS4${credentials.secretAccessKey}`));
  const whose = `Credential=${credentials.accessKeyId}/${scope.join('/')}`;
  const authorization = `AWS4-HMAC-SHA256 ${whose}, SignedHeaders=${signed}, Signature=${hmac(key, toSign).toString('hex')}`;
  const headers = { 'content-type': type, 'x-amz-date': at, authorization };
  const answer = await fetch(endpoint, { method: 'POST', body, headers });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${form.Action} was refused: ${text}`);
  return text;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
