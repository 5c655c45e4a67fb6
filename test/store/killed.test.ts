import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import type { MaterializedVersion } from '../../src/core/operations/materializeVersions';
import type { PublishResult } from '../../src/core/operations/publishVersion';
import type { PullResult } from '../../src/core/operations/pullVersion';
import { createS3Store } from '../../src/core/store/s3Store';
import type { SentObject } from '../../src/core/transfer/sendObject';
import { runCli, startCli } from '../support/cli';
import { type R2Emulator, startR2Emulator } from '../support/r2Emulator';
import type { SendTask } from '../support/sendInChild';
import { tempDir } from '../support/tempDir';
import { onDisk, readAll } from './contract';

const SIZE = 70_000_000;
const PART = 8 << 20;

describe('a process that is killed in mid-transfer', () => {
  const bytes = randomBytes(SIZE);
  let r2: R2Emulator;
  before(async () => {
    r2 = await startR2Emulator();
  });
  after(() => r2?.stop());

  it('pull: the same command goes on, and says what was there', async () => {
    const dir = join(tempDir(), 'catalog');
    const cache = join(tempDir(), 'cache');
    mkdirSync(dir);
    const env = {
      R2_ACCESS_KEY_ID: r2.credentials.accessKeyId,
      R2_SECRET_ACCESS_KEY: r2.credentials.secretAccessKey,
      DATAMANAGER_CACHE: cache,
    };
    const run = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await runCli(args, { cwd: dir, env });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    await run('init', '--store', `s3://${r2.bucket}`, '--endpoint', r2.endpoint);
    const made = await run('create', 'large.bin', onDisk(bytes).path, '--no-push', '--json');
    const { sha256 } = JSON.parse(made) as PublishResult;

    const again = { ...env, DATAMANAGER_CACHE: join(tempDir(), 'cache') };
    const folder = join(again.DATAMANAGER_CACHE, sha256.slice(0, 2));
    const pull = async (...options: readonly string[]) => {
      const { code, stdout, stderr } = await runCli(['pull', 'large.bin', ...options], { cwd: dir, env: again });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const killed = startCli(['pull', 'large.bin'], { cwd: dir, env: again });
    await killWhen(killed, () => notedLines(folder) >= 2);
    assert.deepEqual(
      readdirSync(dir).filter((name) => name === 'large.bin'),
      [],
    );
    const noted = notedLines(folder);
    const text = await pull('-o', 'first.bin');
    assert.match(text, /MiB received, .* MiB were there already/);
    assert.ok(readFileSync(join(dir, 'first.bin')).equals(bytes));

    const figures = JSON.parse(await pull('-o', 'second.bin', '--json')) as PullResult;
    assert.deepEqual([figures.from, figures.bytesResumed], ['cache', 0]);
    assert.ok(noted >= 2);
    assert.deepEqual(readdirSync(folder).sort(), [sha256, `${sha256}.idx`]);

    const unfinished = () => readdirSync(dir).filter((name) => name.endsWith('.part'));
    assert.equal(unfinished().length, 1);
    await pull();
    assert.deepEqual(unfinished(), []);
  });

  it('create, update and materialize: the same command goes on, and says what was there', async () => {
    const dir = join(tempDir(), 'catalog');
    mkdirSync(dir);
    const env = {
      R2_ACCESS_KEY_ID: r2.credentials.accessKeyId,
      R2_SECRET_ACCESS_KEY: r2.credentials.secretAccessKey,
      DATAMANAGER_CACHE: join(tempDir(), 'cache'),
    };
    const run = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await runCli(args, { cwd: dir, env });
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const killed = async (...args: readonly string[]) => {
      const uploads = join(dir, '.git/datamanager/uploads');
      await killWhen(startCli(args, { cwd: dir, env }), () => notedLines(uploads, '') >= 4);
      return (args: readonly string[]) => run(...args).finally(() => assert.deepEqual(readdirSync(uploads), []));
    };
    await run('init', '--store', `s3://${r2.bucket}/killed-cli`, '--endpoint', r2.endpoint);

    const create = ['create', 'large.bin', onDisk(bytes).path, '--no-push'];
    assert.match(await (await killed(...create))(create), /MiB sent, .* MiB there from an earlier try/);

    const second = onDisk(randomBytes(SIZE));
    const update = ['update', 'large.bin', second.path, '--no-push', '--json'];
    const { transfer } = JSON.parse(await (await killed(...update))(update)) as PublishResult;
    // A first line and three parts were noted.
    assert.ok(transfer.bytesResumed >= 3 * PART, `${transfer.bytesResumed} bytes were used again`);

    const settings = join(dir, '.datamanager.json');
    const text = JSON.parse(readFileSync(settings, 'utf8'));
    writeFileSync(settings, JSON.stringify({ ...text, transfer: { deltaFirst: true } }));
    const third = readFileSync(second.path);
    for (let at = 0; at < SIZE; at += 1 << 20) third[at] = (third[at] ?? 0) ^ 1;
    await run('update', 'large.bin', onDisk(third).path, '--no-push');
    const materialize = ['materialize', '--json'];
    const [made] = JSON.parse(await (await killed(...materialize))(materialize)) as MaterializedVersion[];
    assert.ok((made?.bytesResumed ?? 0) >= 3 * PART, `${made?.bytesResumed} bytes were used again`);

    await run('pull', 'large.bin', '-o', 'whole.bin');
    assert.ok(readFileSync(join(dir, 'whole.bin')).equals(third));
  });

  it('upload: the next process goes on, and sends at most the parts that were under way again', async () => {
    const script = join(tempDir(), 'sendInChild.cjs');
    await build({
      entryPoints: [join(process.cwd(), 'test/support/sendInChild.ts')],
      outfile: script,
      ...{ bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning' },
    });
    const { path, sha256, size } = onDisk(bytes) as { path: string; sha256: string; size: number };
    const { endpoint, bucket, credentials } = r2;
    const store = { endpoint, region: 'auto', bucket, prefix: 'killed', credentials };
    const task: SendTask = {
      ...{ store, key: 'large', file: { path, sha256, size }, cacheFolder: tempDir(), notesFolder: tempDir() },
    };
    const start = () =>
      spawn(process.execPath, [script, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'ignore'] });

    const killed = start();
    let confirmed = 0;
    const lines = createInterface({ input: killed.stdout }).on('line', (line) => {
      confirmed = Number(line);
    });
    await killWhen(killed, () => confirmed >= 2 * PART);
    lines.close();
    assert.equal(await createS3Store(store).head('large'), null);

    let last = '';
    const next = start();
    createInterface({ input: next.stdout }).on('line', (line) => {
      last = line;
    });
    await once(next, 'close');
    const sent = JSON.parse(last) as SentObject;
    assert.ok(sent.bytesResumed >= confirmed, `${sent.bytesResumed} of ${confirmed} bytes were used again`);
    assert.equal(sent.bytesSent + sent.bytesResumed, SIZE);
    assert.ok((await readAll(createS3Store(store).get('large'))).equals(bytes));
    assert.deepEqual(readdirSync(task.notesFolder), []);
  });
});

/** Lines in the notes of unfinished downloads, or in all files. */
function notedLines(folder: string, end = '.notes'): number {
  try {
    const notes = readdirSync(folder).filter((name) => name.endsWith(end));
    return notes.reduce((sum, name) => sum + readFileSync(join(folder, name), 'utf8').split('\n').length - 1, 0);
  } catch {
    return 0;
  }
}

async function killWhen(child: ChildProcess, isTime: () => boolean): Promise<void> {
  const ended = once(child, 'close');
  while (!isTime()) {
    assert.equal(child.exitCode, null, 'it was done before it could be killed');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  child.kill('SIGKILL');
  await ended;
}
