import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createFolderStore } from '../../../src/core/store/folderStore';
import { claimObject, withdrawObject } from '../../../src/core/store/objectFate';
import type { ObjectStore } from '../../../src/core/store/objectStore';
import { tempDir } from '../../support/tempDir';

const bytes = Buffer.from('data');
const source = { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
const key = `x/${source.sha256}.csv`;

async function keys(store: ObjectStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const object of store.list('')) found.push(object.key);
  return found;
}

describe('an object that no manifest names yet', () => {
  it('is taken back when nobody builds on it', async () => {
    const store = createFolderStore({ folder: tempDir() });
    await store.put(key, source);
    await withdrawObject(store, key);
    assert.deepEqual(await keys(store), []);
  });

  it('stays when somebody else was first to build on it', async () => {
    const store = createFolderStore({ folder: tempDir() });
    await store.put(key, source);
    assert.equal(await claimObject(store, key), true);
    await withdrawObject(store, key);
    assert.ok((await keys(store)).includes(key));
    assert.equal(await claimObject(store, key), true, 'a third one may build on it too');
  });

  it('is never both taken back and built on, however the two meet', async () => {
    for (let round = 0; round < 30; round++) {
      const folder = createFolderStore({ folder: tempDir() });
      const slow = <T>(result: Promise<T>): Promise<T> =>
        new Promise((done, fail) => setTimeout(() => result.then(done, fail), Math.random() * 8));
      const store: ObjectStore = {
        ...folder,
        put: (...args) => slow(Promise.resolve()).then(() => folder.put(...args)),
        head: (...args) => slow(folder.head(...args)),
        delete: (...args) => slow(Promise.resolve()).then(() => folder.delete(...args)),
      };
      await folder.put(key, source);
      const [built] = await Promise.all([
        slow(Promise.resolve()).then(() => claimObject(store, key)),
        slow(Promise.resolve()).then(() => withdrawObject(store, key)),
      ]);
      assert.equal((await folder.head(key)) !== null, built, `round ${round}`);
    }
  }).timeout(60_000);
});
