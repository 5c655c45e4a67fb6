import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeText } from '../../../src/core/textdiff/decodeText';
import { lineDiff, unifiedLines } from '../../../src/core/textdiff/lineDiff';
import { tempDir } from '../../support/tempDir';

const labels = { before: 'a.csv@v1', after: 'a.csv@v2' };

describe('lineDiff', () => {
  it('counts lines, and writes what git applies', () => {
    const numbers = Array.from({ length: 40 }, (_, i) => `${i};x`);
    const before = `${numbers.join('\n')}\n`;
    const after = `${['new', ...numbers.slice(0, 20), '20;y', ...numbers.slice(21, 39)].join('\n')}\n`;
    // The last search has no time at all, so that everything between start and end is replaced.
    for (const milliseconds of [3000, -1]) {
      const diff = lineDiff(before, after, milliseconds);
      if (milliseconds > 0) assert.deepEqual([diff.added, diff.removed], [2, 2]);
      else assert.ok(diff.added > 20, 'the fall-back was taken');
      assert.equal(patched(before, [...unifiedLines(diff, labels, null)]), after);
    }
  });

  it('writes what git applies where one side is empty or does not end a line', () => {
    for (const [before, after] of [
      ['a\n', ''],
      ['', 'a\nb\n'],
      ['a\nb', 'a\nb\n'],
      ['a\r\nb\r\n', 'a\nb\n'],
    ] as const) {
      const diff = lineDiff(before, after);
      assert.equal(patched(before, [...unifiedLines(diff, labels, null)]), after, JSON.stringify([before, after]));
    }
  });

  it('stops after so many changed lines, and says how many more there are', () => {
    const diff = lineDiff('a\nb\nc\n', 'x\ny\nz\n');
    const lines = [...unifiedLines(diff, labels, 2)];
    assert.equal(lines.filter((line) => /^[-+](?![-+])/.test(line)).length, 2);
    assert.equal(lines.at(-1), '... 4 more lines');
    assert.deepEqual([...unifiedLines(lineDiff('a', 'a'), labels, null)], []);
  });
});

describe('decodeText', () => {
  it('reads UTF-8, UTF-16 with its mark and Windows-1252, and nothing that is no text', () => {
    assert.equal(decodeText(Buffer.from('Köln;5 €\n')), 'Köln;5 €\n');
    assert.equal(decodeText(Buffer.from('\ufeffKöln')), 'Köln');
    assert.equal(decodeText(Buffer.from('\ufeffKöln', 'utf16le')), 'Köln');
    assert.equal(decodeText(Buffer.from('\ufeffKöln', 'utf16le').swap16()), 'Köln');
    assert.equal(decodeText(Buffer.from([0x4b, 0xf6, 0x6c, 0x6e, 0x80])), 'Köln€');
    assert.equal(decodeText(Buffer.from([0x50, 0x4b, 0x03, 0x04])), null);
    assert.equal(decodeText(Buffer.from('a\0b')), null);
  });
});

function patched(before: string, patch: readonly string[]): string {
  const cwd = tempDir();
  writeFileSync(join(cwd, 'file'), before);
  const text = `${patch.join('\n')}\n`.replace(/^--- .*\n\+\+\+ .*\n/, '--- a/file\n+++ b/file\n');
  writeFileSync(join(cwd, 'patch'), text);
  // --unidiff-zero is for a file without a line, which has no context.
  execFileSync('git', ['apply', '--unidiff-zero', '--whitespace=nowarn', 'patch'], { cwd });
  return readFileSync(join(cwd, 'file'), 'utf8');
}
