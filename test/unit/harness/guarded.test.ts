import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { startGuarded } from '../../harness/guarded.mjs';
import { tempDir } from '../../support/tempDir';

describe('a guarded command', () => {
  // Tells its process id through a file, then stays until it is ended.
  const stays = (note: string) => [
    process.execPath,
    '-e',
    'require("fs").writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)',
    note,
  ];

  it('passes its exit code on', async () => {
    assert.equal(await startGuarded([process.execPath, '-e', 'process.exit(7)']).ended, 7);
  });

  it('is ended by stop(), and its folder removed', async () => {
    const folder = path.join(tempDir(), 'scratch');
    mkdirSync(folder);
    const note = path.join(tempDir(), 'pid');
    const command = startGuarded(stays(note), { remove: folder });
    const pid = await readPid(note);
    await command.stop();
    assert.equal(isRunning(pid), false);
    assert.equal(existsSync(folder), false);
  });

  it('is ended with its folder when whoever started it is killed', async () => {
    const folder = path.join(tempDir(), 'scratch');
    mkdirSync(folder);
    const note = path.join(tempDir(), 'pid');
    const module = pathToFileURL(path.resolve('test/harness/guarded.mjs')).href;
    const starter = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      `import { startGuarded } from ${JSON.stringify(module)};
       startGuarded(${JSON.stringify(stays(note))}, { remove: ${JSON.stringify(folder)} });`,
    ]);
    const pid = await readPid(note);
    assert.equal(isRunning(pid), true);
    starter.kill('SIGKILL');
    await until(() => !isRunning(pid) && !existsSync(folder));
  });
});

async function readPid(note: string): Promise<number> {
  await until(() => existsSync(note) && readFileSync(note, 'utf8') !== '');
  return Number(readFileSync(note, 'utf8'));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (const start = Date.now(); !condition(); ) {
    assert.ok(Date.now() - start < 10_000, 'it did not happen within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
