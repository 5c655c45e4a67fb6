import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { readDeltaHeader, readDeltaOperations } from '../../../src/core/transfer/deltaReader';
import { makeDelta } from '../../../src/core/transfer/makeDelta';
import { TargetBuilder } from '../../../src/core/transfer/targetBuilder';
import { filePair } from '../../support/filePair';
import { tempDir } from '../../support/tempDir';

const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** A file handle that counts what is written through it. */
function counting(handle: FileHandle, onWrite: (bytes: number) => void): FileHandle {
  const write = async (buffer: Buffer, offset: number, length: number, position: number) => {
    onWrite(length);
    return handle.write(buffer, offset, length, position);
  };
  return new Proxy(handle, {
    get: (_, name) => (name === 'write' ? write : Reflect.get(handle, name, handle)?.bind(handle)),
  });
}

describe('a target built in a clone of the base', () => {
  let folder: string;

  before(() => {
    folder = tempDir();
  });

  /** A plain copy stands for the clone: not every file system can make one. Gives the bytes written. */
  async function built(base: Buffer, target: Buffer, story: string): Promise<number> {
    const [basePath, targetPath, deltaPath, outputPath] = ['base', 'target', 'delta', 'output'].map((name) =>
      join(folder, name),
    ) as [string, string, string, string];
    for (const path of [deltaPath, outputPath]) rmSync(path, { force: true });
    writeFileSync(basePath, base);
    writeFileSync(targetPath, target);
    const from = { path: basePath, sha256: shaOf(base) };
    await makeDelta({ base: from, target: { path: targetPath }, deltaPath, maxBytes: 1e9 });
    copyFileSync(basePath, outputPath);
    const source = { bytes: readFileSync(deltaPath) };
    const [handle, output] = [await open(basePath), await open(outputPath, 'r+')];
    let written = 0;
    try {
      const builder = new TargetBuilder({
        base: { handle, path: basePath, size: base.length },
        output: counting(output, (bytes) => {
          written += bytes;
        }),
        outputPath,
        cloned: true,
        targetSize: target.length,
      });
      for await (const operations of readDeltaOperations(source, await readDeltaHeader(source))) {
        for (const operation of operations) await builder.add(operation);
      }
      assert.equal(await builder.finish(), shaOf(target), story);
    } finally {
      await handle.close();
      await output.close();
    }
    assert.ok(readFileSync(outputPath).equals(target), story);
    return written;
  }

  it('is right, whatever was edited', async () => {
    for (let seed = 1000; seed < 1150; seed++) {
      const { base, target, story } = filePair(seed);
      await built(base, target, `seed ${seed}: ${story.join('; ')}`);
    }
  }).timeout(30_000);

  it('writes only what changed, and cuts what the base had more', async () => {
    const base = randomBytes(5_000_000);
    const edited = Buffer.from(base);
    for (const at of [10, 1_500_000, 4_900_000]) edited[at] = (edited[at] as number) ^ 1;
    assert.ok((await built(base, edited, 'edited')) <= 4 * 4096);
    assert.equal(await built(base, base.subarray(0, 4096 * 1000), 'truncated'), 0);
    assert.ok((await built(base, Buffer.concat([base, Buffer.from('more')]), 'appended')) <= 4096);
  });
});
