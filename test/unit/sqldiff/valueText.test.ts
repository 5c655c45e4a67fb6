import assert from 'node:assert/strict';
import { sqlLiteral } from '../../../src/core/sqldiff/sqlLiteral';
import { changedTexts, valueText } from '../../../src/core/sqldiff/valueText';

describe('valueText', () => {
  it('writes what is different differently, on one line', () => {
    const values = [
      null,
      1n,
      1,
      '1',
      '1.0',
      'NULL',
      'null',
      '',
      ' a',
      'a',
      'a ',
      'a  b',
      'a b',
      'a\nb',
      'a\\nb',
      "x'00'",
      '-5',
      'Inf',
      "'a'",
    ];
    const bytes = [new Uint8Array([0]), { malformedText: new Uint8Array([0]) }];
    const texts = [...values, Infinity, ...bytes].map(valueText);
    assert.equal(new Set(texts).size, texts.length, texts.join(' | '));
    for (const text of texts) assert.doesNotMatch(text, /[\n\r]/);
    assert.deepEqual([null, 1n, 1, '1', 'a b', ''].map(valueText), ['NULL', '1', '1.0', "'1'", 'a b', "''"]);
  });

  it('cuts long values, and shows that two of them differ', () => {
    const [one, two] = [`${'x'.repeat(5000)}1`, `${'x'.repeat(5000)}2`].map(valueText);
    assert.notEqual(one, two);
    assert.match(one ?? '', /^'x{200}…' \(5001 characters, sha256 [0-9a-f]{8}\)$/);
    assert.match(valueText(new Uint8Array(70000)), /^x'0{64}…' \(70000 bytes, sha256 [0-9a-f]{8}\)$/);
  });

  it('keeps control characters and text direction marks from a terminal', () => {
    assert.equal(valueText('\u001b[31m\u202e'), "'\\u{1b}[31m\\u{202e}'");
  });
});

describe('changedTexts', () => {
  it('shows long values around their first difference', () => {
    const same = 'x'.repeat(300);
    assert.deepEqual(changedTexts(`${same}1`, `${same}2${same}`), [
      "'…xxxxxxxx1' (301 characters)",
      "'…xxxxxxxx2xxxxxxxxxxxxxxxxxxxxxxx…' (601 characters)",
    ]);
    assert.deepEqual(changedTexts(same, `${same}\n`), [
      "'…xxxxxxxx' (300 characters)",
      "'…xxxxxxxx\\n' (301 characters)",
    ]);
    const [zeros, ended] = [new Uint8Array(4000), new Uint8Array(4000)];
    ended[3999] = 1;
    assert.deepEqual(changedTexts(zeros, ended), ["x'…00000000' (4000 bytes)", "x'…00000001' (4000 bytes)"]);
  });

  it('halves no character', () => {
    for (let before = 40; before < 60; before++) {
      const same = `${'x'.repeat(before % 2)}${'😀'.repeat(before)}`;
      // The halves of these two begin alike.
      const texts = changedTexts(`${same}😁${same}`, `${same}😂${same}`);
      assert.notEqual(texts[0], texts[1]);
      for (const text of texts) assert.equal(text.isWellFormed(), true, text);
    }
  });

  it('shows all others as they are', () => {
    assert.deepEqual(changedTexts('a b', 'a  b'), ['a b', "'a  b'"]);
    assert.deepEqual(changedTexts(null, 'x'.repeat(50)), ['NULL', 'x'.repeat(50)]);
    assert.deepEqual(changedTexts(1n, 1), ['1', '1.0']);
  });
});

describe('sqlLiteral', () => {
  it('writes each type as SQLite reads it back', () => {
    assert.deepEqual(
      [null, 5n, 5, -0, 1e21, 0.1, Infinity, -Infinity, "it's", 'a\nb', new Uint8Array([255])].map((value) =>
        sqlLiteral(value),
      ),
      [
        'NULL',
        '5',
        '5.0',
        '-0.0',
        '1e+21',
        '0.1',
        '9e999',
        '-9e999',
        "'it''s'",
        "replace('a\\nb','\\n',char(10))",
        "x'ff'",
      ],
    );
  });
});
