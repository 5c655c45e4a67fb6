import { startCeph } from '../test/support/cephServer';
import { startR2Emulator } from '../test/support/r2Emulator';
import { startDiscardingStore } from './discardingStore';

/**
 * A server in a process of its own, so that its CPU time is not the client's: `ceph`, `r2` or `sink`. Writes where it is as one line
 * of JSON; ends with its stdin.
 */
async function main([kind = '', folder = '']: readonly string[]): Promise<void> {
  const server = await start(kind, folder);
  process.stdin.resume().on('close', () => void server.stop().then(() => process.exit(0)));
  const { stop: _, ...about } = server;
  process.stdout.write(`${JSON.stringify(about)}\n`);
}

async function start(kind: string, folder: string) {
  if (kind === 'ceph') return startCeph(folder);
  if (kind === 'r2') return startR2Emulator();
  const { port, stop } = await startDiscardingStore();
  const credentials = { accessKeyId: 'test-key', secretAccessKey: 'test-secret' };
  return { endpoint: `http://127.0.0.1:${port}`, port, bucket: 'data', credentials, stop };
}

void main(process.argv.slice(2));
