import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { removeAbandoned, unfinishedPath } from '../../../src/core/store/unfinishedFile';
import { tempDir } from '../../support/tempDir';

describe('an unfinished file beside its target', () => {
  /** Made by a process that is gone, or by another machine's. */
  function abandoned(target: string, change: (name: string) => string): string {
    const path = unfinishedPath(target);
    const changed = join(dirname(path), change(basename(path)));
    writeFileSync(changed, 'bytes');
    return changed;
  }
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const ofDead = (name: string) => name.replace(`.${process.pid}.`, `.${dead}.`);
  const ofOtherMachine = (name: string) => ofDead(name).replace(/\.[0-9a-f]{8}\./, '.00000000.');

  for (const name of ['utopia.sqlite', 'データ'.repeat(28), `${'🗄'.repeat(62)}x`, '.hidden', 'a.b']) {
    it(`is removed when its process was killed, whatever its name: ${name.slice(0, 14)}`, async () => {
      const target = join(tempDir(), name);
      writeFileSync(target, 'there');
      const left = abandoned(target, ofDead);
      const alive = unfinishedPath(target);
      writeFileSync(alive, 'bytes');
      await removeAbandoned(target);
      assert.deepEqual(readdirSync(dirname(target)).sort(), [basename(target), basename(alive)].sort());
      renameSync(alive, target);
      assert.ok(!existsSync(left));
    });
  }

  it("of another machine is left alone for a day, and another target's always", async () => {
    const target = join(tempDir(), 'utopia');
    const recent = abandoned(target, ofOtherMachine);
    const old = abandoned(target, ofOtherMachine);
    const others = abandoned(join(dirname(target), 'utopia.sqlite'), ofOtherMachine);
    const theirs = join(dirname(target), '.utopia.film.part');
    writeFileSync(theirs, '');
    const before = Date.now() / 1000 - 90_000;
    for (const path of [old, others, theirs]) utimesSync(path, before, before);
    await removeAbandoned(target);
    assert.deepEqual([recent, old, others, theirs].map(existsSync), [true, false, true, true]);
  });

  it('is nothing to fail about where the folder can not be read', async () => {
    await removeAbandoned(join(tempDir(), 'none', 'utopia.sqlite'));
  });
});
