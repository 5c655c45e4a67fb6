import assert from 'node:assert/strict';
import { checkDatasetName, datasetNameProblem } from '../../../src/core/catalog/datasetName';
import { DataManagerError } from '../../../src/core/errors';

describe('dataset names', () => {
  for (const name of [
    'utopia.sqlite',
    'energy/utopia.sqlite',
    'a b.csv',
    'Größe/données-été.sqlite',
    '🌍.sqlite',
    '__proto__',
    '.hidden',
    'console.db',
    '-n',
  ]) {
    it(`accepts ${name}`, () => assert.equal(datasetNameProblem(name), null));
  }

  const refused: readonly [string, RegExp][] = [
    ['', /empty/],
    ['../../x.sqlite', /leads out/],
    ['a/../../x', /leads out/],
    ['./x', /leads out/],
    ['/etc/passwd', /absolute/],
    ['C:/x', /absolute/],
    ['\\\\host\\x', /character/],
    ['a\\b', /character/],
    ['a//b', /empty part/],
    ['a/', /empty part/],
    ['con', /reserved/],
    ['data/NUL.sqlite', /reserved/],
    ['com1.db', /reserved/],
    ['x.', /dot or a space/],
    [' x', /space/],
    ['a\nb', /character/],
    ['a\0b', /character/],
    ['a@v2', /character/],
    ['sha256:abc', /character/],
    ['.git/config', /belongs to Git/],
    ['x'.repeat(300), /longer/],
    ['\ud800x', /Unicode/],
  ];
  for (const [name, reason] of refused) {
    it(`refuses ${JSON.stringify(name).slice(0, 30)}`, () => {
      assert.match(datasetNameProblem(name) ?? '', reason);
      assert.throws(
        () => checkDatasetName(name),
        (error) => DataManagerError.is(error, 'NAME_INVALID') && error.message.length < 200,
      );
    });
  }
});
