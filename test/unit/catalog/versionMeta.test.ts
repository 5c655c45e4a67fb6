import assert from 'node:assert/strict';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import { readVersionMeta, writeVersionMeta } from '../../../src/core/catalog/versionMeta';
import { writeManifest } from '../../../src/core/catalog/writeManifest';
import { sha } from './manifestFixture';

const key = `utopia/${sha('b')}.sqlite`;
const entry = (version: string, digit: string) => ({
  version,
  timestamp: '2026-01-02T03:04:05.000Z',
  sha256: sha(digit),
  r2_object_key: `utopia/${sha(digit)}.sqlite`,
  diffFromPrevious: null,
  commit: null,
  size: 12288,
  parents: [{ sha256: sha('c'), name: 'raw.sqlite', version: 'v7' }],
  weight: 1,
});
const dataset = {
  fileName: 'utopia.sqlite',
  latestVersion: 'v3',
  description: 'The classic',
  license: 'MIT',
  tags: ['energy'],
  keys: { cost: ['tech'] },
  owner: { name: 'someone' },
  history: [entry('v3', 'd'), entry('v2', 'b'), entry('v1', 'a')],
};

describe('what is kept beside an object', () => {
  // The number of an unknown member keeps its spelling too.
  const text = JSON.stringify([dataset]).replaceAll('"weight":1', '"weight":1.50');
  const manifest = parseManifest(text);
  const [utopia] = manifest.datasets;
  const v2 = utopia?.history[1];
  assert.ok(utopia && v2);
  const meta = writeVersionMeta({ dataset: utopia, entry: v2 });

  it('is a manifest with this one version, with every member of it and of the dataset', () => {
    assert.deepEqual(JSON.parse(meta), [
      { ...dataset, latestVersion: 'v2', history: [{ ...entry('v2', 'b'), weight: 1.5 }] },
    ]);
    assert.match(meta, /"weight": 1\.50\n/);
    assert.equal(writeManifest(parseManifest(meta)), meta);
  });

  it('is read again as the same version', () => {
    const read = readVersionMeta(meta, key);
    assert.deepEqual(read?.entry, v2);
    assert.deepEqual({ ...read?.dataset, history: null, json: null }, { ...utopia, history: null, json: null });
  });

  it('is nothing when it does not describe exactly one version of the object that it lies beside', () => {
    const [one] = JSON.parse(meta);
    const others: readonly [string, string][] = [
      ['another object', writeVersionMeta({ dataset: utopia, entry: utopia.history[0] })],
      ['two datasets', JSON.stringify([one, { ...one, fileName: 'b' }])],
      ['two versions', JSON.stringify([{ ...one, history: [entry('v2', 'b'), entry('v1', 'b')] }])],
      ['no version', JSON.stringify([{ ...one, history: [] }])],
      ['no dataset', '[]'],
      ['no hash', JSON.stringify([{ ...one, history: [{ ...entry('v2', 'b'), sha256: 'b' }] }])],
      ['no array', JSON.stringify(one)],
      ['cut short', meta.slice(0, -20)],
      ['empty', ''],
      ['bytes', '\u0000\ufffd'],
    ];
    for (const [what, found] of others) assert.equal(readVersionMeta(found, key), null, what);
  });
});
