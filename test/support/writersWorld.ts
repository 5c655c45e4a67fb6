import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseManifest } from '../../src/core/catalog/parseManifest';
import { initRepository } from '../../src/core/operations/initRepository';
import { childBundle } from './childBundle';
import type { ChildOrder } from './crashChild';
import { emptyRepository, git } from './gitFixture';
import { tempDir } from './tempDir';

export interface WritersReport {
  readonly versions: number;
  readonly gitCommits: number;
  /** How often git itself had to be run again, because it does not wait for a lock. */
  readonly gitRefused: number;
  readonly seconds: number;
}

/**
 * Two processes publish to one clone, half of the time the same dataset, while a person runs `git commit` again and again. Throws
 * when a commit that was acknowledged is not in HEAD.
 */
export async function writers({ commits }: { readonly commits: number }): Promise<WritersReport> {
  const started = performance.now();
  const fixture = emptyRepository();
  const settings = { type: 'folder', path: tempDir() } as const;
  await initRepository({ git, folder: fixture.dir, store: settings });
  const data = tempDir();
  const acknowledged: string[] = [];
  let running = 2;

  const writer = async (number: number): Promise<void> => {
    const order: ChildOrder = {
      dir: fixture.dir,
      env: git.env,
      command: 'loop',
      name: `writer${number}.csv`,
      file: join(data, `${number}.csv`),
      times: commits,
      settings,
      credentials: null,
      cache: tempDir(),
      workerPath: join(process.cwd(), 'dist', 'worker.js'),
      dieAt: null,
    };
    const orderFile = join(data, `order${number}.json`);
    writeFileSync(orderFile, JSON.stringify(order));
    const child = spawn(process.execPath, [await childBundle(), orderFile], { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (piece: Buffer) => {
      output += piece.toString('utf8');
    });
    const code = await new Promise<number | null>((done) => child.on('close', done));
    running--;
    assert.equal(code, 0, /^failed .*$/m.exec(output)?.[0]);
    for (const [, version, sha256, name] of output.matchAll(/^done (\S+) (\S+) (\S+)$/gm)) {
      acknowledged.push(`${name} ${version} ${sha256}`);
    }
  };
  const own: string[] = [];
  let refused = 0;
  const person = async (): Promise<void> => {
    const run = (...args: readonly string[]) =>
      spawnSync('git', args, { cwd: fixture.dir, env: { ...git.env, LC_ALL: 'C' }, encoding: 'utf8' });
    while (running > 0) {
      fixture.write('notes.txt', `${own.length}\n`);
      const subject = `Note ${own.length}`;
      const done = run('add', 'notes.txt').status === 0 && run('commit', '-q', '-m', subject).status === 0;
      if (done) own.push(subject);
      else refused++;
      await sleep(20 + Math.random() * 100);
    }
  };
  await Promise.all([writer(1), writer(2), person()]);

  const { datasets } = parseManifest(fixture.run('show', 'HEAD:manifest.json'));
  const there = datasets.flatMap(({ name, history }) =>
    history.map(({ version, sha256 }) => `${name} ${version} ${sha256}`),
  );
  assert.deepEqual([...acknowledged].sort(), there.sort());
  assert.equal(there.length, 2 * commits);
  const subjects = fixture.run('log', '--format=%s').trim().split('\n');
  assert.deepEqual(
    own.filter((subject) => !subjects.includes(subject)),
    [],
  );
  assert.equal(subjects.length, 1 + 2 * commits + own.length);
  fixture.run('fsck', '--strict', '--no-dangling');
  assert.doesNotMatch(fixture.status(), /manifest|diffs|lock/);
  return {
    versions: acknowledged.length,
    gitCommits: own.length,
    gitRefused: refused,
    seconds: (performance.now() - started) / 1000,
  };
}
