import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { StoreCredentials } from '../../src/core/store/storeSettings';

export interface CephServer {
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  readonly credentials: StoreCredentials;
  /** Ends the daemons and waits until they are gone. */
  stop(): Promise<void>;
}

const run = promisify(execFile);
const PROGRAMS = ['monmaptool', 'ceph', 'ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin'];
const READY_MS = 60_000;

/** Whether this machine has Ceph (Debian: radosgw, ceph-mon, ceph-osd, ceph-common). */
export function hasCeph(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return PROGRAMS.every((program) => folders.some((folder) => isExecutable(join(folder, program))));
}

/**
 * Starts a Ceph cluster of one monitor and one in-memory disk with its S3 gateway, on loopback, with an empty bucket. Takes 2 to 5 s
 * and no rights beyond those of an ordinary user. All it writes is below `folder`.
 * With `sessions` it gives temporary credentials (`cephSession.ts`).
 */
export async function startCeph(
  folder: string,
  { bucket = 'data', sessions = false }: { readonly bucket?: string; readonly sessions?: boolean } = {},
): Promise<CephServer> {
  const [msgr2 = 0, msgr1 = 0, port = 0] = await freePorts(3);
  const credentials = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' };
  const monitor = `[v2:127.0.0.1:${msgr2},v1:127.0.0.1:${msgr1}]`;
  const cluster = randomUUID();
  const disk = randomUUID();
  for (const name of ['mon', 'osd', 'run', 'rgw']) mkdirSync(join(folder, name), { recursive: true });
  const conf = join(folder, 'ceph.conf');
  writeFileSync(conf, configuration({ folder, cluster, monitor, port, sessions }));

  const daemons: ChildProcess[] = [];
  const start = (program: string, ...args: string[]): void => {
    daemons.push(spawn(program, ['-c', conf, ...args, '-f'], { stdio: 'ignore' }));
  };
  const stop = async (): Promise<void> => {
    for (const daemon of daemons.reverse()) {
      if (daemon.exitCode !== null || daemon.signalCode !== null) continue;
      daemon.kill('SIGKILL'); // nothing in memory is worth an orderly end
      await once(daemon, 'exit');
    }
  };
  try {
    const map = join(folder, 'monmap');
    await run('monmaptool', ['--create', '--clobber', '--fsid', cluster, '--addv', 'a', monitor, map]);
    await run('ceph-mon', ['-c', conf, '--mkfs', '-i', 'a', '--monmap', map]);
    start('ceph-mon', '-i', 'a');
    await run('ceph', ['-c', conf, '--connect-timeout', '20', 'osd', 'new', disk]);
    await run('ceph-osd', ['-c', conf, '--mkfs', '-i', '0', '--osd-uuid', disk]);
    start('ceph-osd', '-i', '0');
    start('radosgw', '-n', 'client.rgw');
    const endpoint = `http://127.0.0.1:${port}`;
    await answers(endpoint, daemons);
    const user = ['--uid=test', '--display-name=test', `--access-key=${credentials.accessKeyId}`];
    await run('radosgw-admin', ['-c', conf, 'user', 'create', ...user, `--secret=${credentials.secretAccessKey}`]);
    // It knows no region `auto` here, and minds only when a bucket is made.
    const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
    return { endpoint, port, bucket, credentials, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

async function answers(endpoint: string, daemons: readonly ChildProcess[]): Promise<void> {
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; ) {
    if (daemons.some(({ exitCode }) => exitCode !== null)) break;
    const answer = await fetch(endpoint, { signal: AbortSignal.timeout(1000) }).catch(() => null);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('The gateway of Ceph did not come up.');
}

/** Everything on loopback, no keys between the daemons, no replicas, and no waiting for decisions that one monitor takes alone. */
function configuration({
  folder,
  cluster,
  monitor,
  port,
  sessions,
}: {
  readonly folder: string;
  readonly cluster: string;
  readonly monitor: string;
  readonly port: number;
  readonly sessions: boolean;
}): string {
  const lines = {
    fsid: cluster,
    'mon host': monitor,
    'public addr': '127.0.0.1',
    'cluster addr': '127.0.0.1',
    'auth cluster required': 'none',
    'auth service required': 'none',
    'auth client required': 'none',
    'ms mon client mode': 'crc',
    'ms mon service mode': 'crc',
    'ms mon cluster mode': 'crc',
    'paxos propose interval': 0.02,
    'paxos min wait': 0.01,
    'run dir': join(folder, 'run'),
    'admin socket': join(folder, 'run/$name.asok'),
    'pid file': join(folder, 'run/$name.pid'),
    'log file': join(folder, '$name.log'),
    'crash dir': join(folder, 'run'),
    'mon data': join(folder, 'mon'),
    'mon allow pool size one': true,
    'mon data avail crit': 1,
    'mon data avail warn': 2,
    'mon max pg per osd': 1000,
    'osd data': join(folder, 'osd'),
    'osd objectstore': 'memstore',
    'memstore device bytes': 8 * 2 ** 30,
    'osd pool default size': 1,
    'osd pool default min size': 1,
    'osd pool default pg num': 1,
    'osd pool default pgp num': 1,
    'osd pool default pg autoscale mode': 'off',
    'osd crush chooseleaf type': 0,
    'osd op num shards': 2,
    'rgw frontends': `beast endpoint=127.0.0.1:${port}`,
    'rgw data': join(folder, 'rgw'),
    'rgw num rados handles': 1,
    'rgw thread pool size': 32,
    'rgw enable usage log': false,
    'rgw dynamic resharding': false,
    'rgw override bucket index max shards': 1,
    'rgw run sync thread': false,
    // Temporary credentials, at the price that an unknown access key is told like a missing right. The key encrypts their tokens.
    ...(sessions && { 'rgw s3 auth use sts': true, 'rgw sts key': 'f0e1d2c3b4a59687' }),
    'debug none': 0,
    'debug mon': 0,
    'debug osd': 0,
    'debug rgw': 0,
    'debug ms': 0,
  };
  return ['[global]', ...Object.entries(lines).map(([name, value]) => `${name} = ${value}`), ''].join('\n');
}
