import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import { inspectInputFile } from '../../../src/core/store/inputFile';
import { tempDir } from '../../support/tempDir';

const coded = (code: string) => (error: unknown) => DataManagerError.is(error) && error.code === code;
const sqlite = Buffer.concat([Buffer.from('SQLite format 3\0', 'latin1'), Buffer.alloc(4080)]);

describe('inspectInputFile', () => {
  it('tells SQLite from other files', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'a.sqlite'), sqlite);
    writeFileSync(join(folder, 'b.csv'), 'a,b\n');
    assert.deepEqual(
      [
        (await inspectInputFile(join(folder, 'a.sqlite'))).isSqlite,
        (await inspectInputFile(join(folder, 'b.csv'))).isSqlite,
      ],
      [true, false],
    );
    assert.equal((await inspectInputFile(join(folder, 'b.csv'))).size, 4);
  });

  it('refuses what cannot be published', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'empty'), '');
    await assert.rejects(inspectInputFile(join(folder, 'empty')), coded('FILE_EMPTY'));
    await assert.rejects(inspectInputFile(folder), coded('FILE_NOT_REGULAR'));
    await assert.rejects(inspectInputFile(join(folder, 'absent')), coded('FILE_NOT_FOUND'));
  });

  it('refuses a database with a live journal, and names it', async () => {
    for (const suffix of ['-wal', '-journal']) {
      const path = join(tempDir(), 'a.sqlite');
      writeFileSync(path, sqlite);
      writeFileSync(path + suffix, '');
      await inspectInputFile(path);
      writeFileSync(path + suffix, Buffer.from([0xd9, 0xd5, 0x05, 0xf9]));
      await assert.rejects(inspectInputFile(path), (error: unknown) => {
        assert.ok(DataManagerError.is(error, 'FILE_HAS_JOURNAL'));
        assert.equal(error.data.journal, path + suffix);
        return true;
      });
    }
  });

  it('accepts the zeroed journal that journal_mode=PERSIST keeps, and any journal beside another kind of file', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'a.sqlite'), sqlite);
    writeFileSync(join(folder, 'a.sqlite-journal'), Buffer.alloc(512));
    await inspectInputFile(join(folder, 'a.sqlite'));
    writeFileSync(join(folder, 'b.csv'), 'a,b\n');
    writeFileSync(join(folder, 'b.csv-wal'), 'x');
    await inspectInputFile(join(folder, 'b.csv'));
  });

  it('sees the journal of a real writer, and no more once it has closed', async function () {
    try {
      execFileSync('sqlite3', ['--version']);
    } catch {
      this.skip();
    }
    const path = join(tempDir(), 'live.sqlite');
    const shell = spawn('sqlite3', [path], { stdio: ['pipe', 'pipe', 'ignore'] });
    const closed = new Promise((resolve) => shell.once('close', resolve));
    shell.stdin.write('PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1); SELECT 42;\n');
    await new Promise<void>((resolve) => {
      let text = '';
      shell.stdout.on('data', (bytes) => {
        text += String(bytes);
        if (text.includes('42')) resolve();
      });
    });
    assert.ok(existsSync(`${path}-wal`));
    await assert.rejects(inspectInputFile(path), coded('FILE_HAS_JOURNAL'));
    shell.stdin.end('.quit\n');
    await closed;
    assert.equal((await inspectInputFile(path)).isSqlite, true);
  });

  it('finds the journal beside the file that a link leads to, as SQLite does', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'a.sqlite'), sqlite);
    writeFileSync(join(folder, 'a.sqlite-wal'), 'pages');
    const link = join(tempDir(), 'link.sqlite');
    symlinkSync(join(folder, 'a.sqlite'), link);
    await assert.rejects(inspectInputFile(link), coded('FILE_HAS_JOURNAL'));
  });
});
