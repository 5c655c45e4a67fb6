import assert from 'node:assert/strict';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import { parseReference, resolveReference } from '../../../src/core/catalog/reference';
import { DataManagerError, type ErrorCode } from '../../../src/core/errors';
import { originalManifest, sha, stagedManifest } from './manifestFixture';

const manifest = parseManifest(originalManifest);
const found = (text: string): string => {
  const { dataset, entry } = resolveReference(manifest, parseReference(text));
  return `${dataset.name}@${entry.version}`;
};
const code = (text: string): ErrorCode | null => {
  try {
    found(text);
    return null;
  } catch (error) {
    if (DataManagerError.is(error)) return error.code;
    throw error;
  }
};

describe('references', () => {
  it('name, version, latest and hash', () => {
    assert.equal(found('test_database.sqlite'), 'test_database.sqlite@v2');
    assert.equal(found('test_database.sqlite@latest'), 'test_database.sqlite@v2');
    assert.equal(found('test_database.sqlite@v1'), 'test_database.sqlite@v1');
    assert.equal(found('test_database.sqlite@1'), 'test_database.sqlite@v1');
    assert.equal(found(`sha256:${'a'.repeat(8)}`), 'test_database.sqlite@v1');
    assert.equal(found(`SHA256:${'A'.repeat(64)}`), 'test_database.sqlite@v1');
  });

  it('says what is wrong', () => {
    assert.equal(code('nothing.sqlite'), 'DATASET_NOT_FOUND');
    assert.equal(code('__proto__'), 'DATASET_NOT_FOUND');
    assert.equal(code('test_database.sqlite@v9'), 'VERSION_NOT_FOUND');
    assert.equal(code('test_database.sqlite@v0'), 'REFERENCE_INVALID');
    assert.equal(code('test_database.sqlite@'), 'REFERENCE_INVALID');
    assert.equal(code('@v1'), 'REFERENCE_INVALID');
    assert.equal(code('sha256:abc'), 'REFERENCE_INVALID');
    assert.equal(code(`sha256:${'9'.repeat(8)}`), 'VERSION_NOT_FOUND');
  });

  it('a hash prefix of two different contents is ambiguous, one of equal contents is not', () => {
    const other = stagedManifest.replaceAll(sha('d'), `${'c'.repeat(63)}0`);
    assert.throws(
      () => resolveReference(parseManifest(other), parseReference('sha256:cccccccc')),
      (error) => DataManagerError.is(error, 'REFERENCE_AMBIGUOUS'),
    );
    const same = stagedManifest.replaceAll(sha('d'), sha('c'));
    assert.equal(resolveReference(parseManifest(same), parseReference('sha256:cccccccc')).entry.version, 'v2');
  });

  it('suggests a near name', () => {
    assert.throws(
      () => found('Test_Database'),
      (error) => DataManagerError.is(error) && error.hint === 'Did you mean test_database.sqlite?',
    );
  });
});
