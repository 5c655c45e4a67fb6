import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError } from '../../../src/core/errors';
import type { DiffOutput } from '../../../src/core/sqldiff/diffEngine';
import { compareOtherFiles, maxTextBytes } from '../../../src/core/textdiff/compareOtherFiles';
import { makeSqlite } from '../../support/sqliteFixture';
import { tempDir } from '../../support/tempDir';

const labels = { before: 'costs.csv@v1', after: 'costs.csv@v2' };
const older = 'region;cost\nNORD;1\nSUED;2\n';
const newer = 'region;cost\nNORD;1\nSUED;3\nOST;4\n';

describe('compareOtherFiles', () => {
  it('compares texts line by line', () => {
    const { answer, text } = compare(older, newer, { kind: 'text', limit: null });
    assert.deepEqual(answer?.summary.lines, { added: 2, removed: 1 });
    assert.equal(answer?.summary.identical, false);
    assert.equal(
      text,
      [
        'costs.csv@v1 -> costs.csv@v2',
        '2 lines added, 1 removed',
        '',
        '--- costs.csv@v1',
        '+++ costs.csv@v2',
        '@@ -1,3 +1,4 @@',
        ' region;cost',
        ' NORD;1',
        '-SUED;2',
        '+SUED;3',
        '+OST;4',
        '',
      ].join('\n'),
    );
    assert.deepEqual(compare(null, newer, { kind: 'summary' }).answer?.summary.lines, { added: 4, removed: 0 });
  });

  it('stores the line diff while it is short, else the counts', () => {
    const full = compare(older, newer, { kind: 'stored', maxLines: 100, maxBytes: 1000 }).answer?.stored;
    assert.equal(full?.complete, true);
    assert.match(
      full.text,
      /^-- Data Manager diff 1: costs\.csv@v1 -> costs\.csv@v2\n-- lines: 2 added, 1 removed\n--- /,
    );
    for (const limits of [
      { maxLines: 5, maxBytes: 1000 },
      { maxLines: 100, maxBytes: 120 },
    ]) {
      const short = compare(older, newer, { kind: 'stored', ...limits }).answer?.stored;
      assert.equal(short?.complete, false);
      assert.match(short.text, /\n-- the lines are too many to be stored; .*\n$/);
    }
  });

  it('compares anything else by size and hash', () => {
    const { answer, text } = compare('a\0b', 'a\0bc', { kind: 'text', limit: null });
    assert.equal(answer?.summary.lines, undefined);
    assert.deepEqual([answer?.summary.files?.before?.size, answer?.summary.files?.after.size], [3, 4]);
    assert.match(answer?.summary.files?.after.sha256 ?? '', /^[0-9a-f]{64}$/);
    assert.match(text, /no text of at most 10 MB/);
    const huge = 'x\n'.repeat(maxTextBytes / 2 + 1);
    assert.equal(compare('a', huge, { kind: 'summary' }).answer?.summary.lines, undefined);
  });

  it('knows the same bytes, and the same lines in other bytes', () => {
    const same = compare(older, older, { kind: 'text', limit: null });
    assert.equal(same.answer?.summary.identical, true);
    assert.match(same.text, /no difference/);
    const marked = compare(older, `\ufeff${older}`, { kind: 'text', limit: null });
    assert.deepEqual(marked.answer?.summary.lines, { added: 0, removed: 0 });
    assert.equal(marked.answer?.summary.identical, false);
    assert.match(marked.text, /lines are the same/);
  });

  it('gives no SQL, and leaves databases to compareFiles', async () => {
    assert.throws(
      () => compare(older, newer, { kind: 'sql' }),
      (error) => DataManagerError.is(error, 'NOT_SQLITE'),
    );
    const before = await makeSqlite('CREATE TABLE t(a)');
    assert.equal(compareOtherFiles({ before, after: before, labels, output: { kind: 'summary' } }, hooks()), null);
    const text = join(tempDir(), 'a.csv');
    writeFileSync(text, older);
    assert.equal(compareOtherFiles({ before, after: text, labels, output: { kind: 'summary' } }, hooks()), null);
  });
});

function compare(before: string | null, after: string, output: DiffOutput) {
  const folder = tempDir();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const pieces: string[] = [];
  const request = {
    before: before === null ? null : file('before', before),
    after: file('after', after),
    labels,
    output,
  };
  const answer = compareOtherFiles(request, hooks(pieces));
  return { answer, text: pieces.join('') };
}

function hooks(pieces: string[] = []) {
  return {
    isCancelled: () => false,
    onProgress: () => undefined,
    onText: (piece: string) => {
      pieces.push(piece);
    },
  };
}
