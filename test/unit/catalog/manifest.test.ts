import assert from 'node:assert/strict';
import { addDataset, addVersion, nextVersion, setParents } from '../../../src/core/catalog/editManifest';
import { latest, type Manifest } from '../../../src/core/catalog/manifest';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import { findDataset } from '../../../src/core/catalog/reference';
import { writeManifest } from '../../../src/core/catalog/writeManifest';
import { DataManagerError } from '../../../src/core/errors';
import { originalManifest, sha, stagedManifest } from './manifestFixture';

function problem(text: string): DataManagerError {
  try {
    parseManifest(text);
  } catch (error) {
    assert.ok(DataManagerError.is(error, 'MANIFEST_INVALID'), String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${text.slice(0, 80)}` });
}

const newEntry = {
  version: 'v3',
  timestamp: '2026-01-01T00:00:00.000Z',
  sha256: sha('f'),
  key: `test_database/${sha('f')}.sqlite`,
  diffFromPrevious: null,
  size: 12,
};

describe('manifest', () => {
  it('takes the newest version from the history, not from latestVersion', () => {
    const dataset = findDataset(parseManifest(originalManifest), 'test_database.sqlite');
    assert.equal(latest(dataset).version, 'v2');
    assert.equal(latest(dataset).recordedCommit, '3f1c2ab');
    assert.equal(latest(dataset).status, 'published');
    assert.equal(latest(dataset).size, null);
  });

  it('reads the states of the original tool', () => {
    const { datasets } = parseManifest(stagedManifest);
    assert.deepEqual(
      datasets.map(({ name, status, history }) => [name, status, history.map((entry) => entry.status)]),
      [
        ['energy/utopia.sqlite', 'published', ['pending', 'pending-deletion']],
        ['old.sqlite', 'pending-deletion', ['published']],
      ],
    );
  });

  it('writes canonically: trailing newline, latestVersion put right, nothing else changed', () => {
    const written = writeManifest(parseManifest(originalManifest));
    assert.equal(written, `${originalManifest.replace('"latestVersion": "v1"', '"latestVersion": "v2"')}\n`);
    assert.equal(writeManifest(parseManifest(written)), written, 'writing again changes nothing');
  });

  it('keeps unknown members and the spelling of their numbers through an update', () => {
    const text = stagedManifest.replace(
      '"staging_key"',
      '"x": {"price": 1.10, "big": 12345678901234567890, "huge": 1e400, "__proto__": {"a": [-0, 2.0]}, "s": "1.0 "},\n        "staging_key"',
    );
    const manifest = addVersion(parseManifest(text), 'energy/utopia.sqlite', newEntry);
    const written = writeManifest(manifest);
    for (const kept of [
      '"price": 1.10',
      '"big": 12345678901234567890',
      '"huge": 1e400',
      '-0',
      '2.0',
      '"__proto__": {',
    ]) {
      assert.ok(written.includes(kept), `${kept} is kept`);
    }
    const entries = (JSON.parse(written) as { history: Record<string, unknown>[] }[])[0]?.history;
    assert.deepEqual(Object.keys(entries?.[0] ?? {}), [
      'version',
      'timestamp',
      'sha256',
      'r2_object_key',
      'diffFromPrevious',
      'commit',
      'size',
    ]);
    const before = (JSON.parse(text) as { history: Record<string, unknown>[] }[])[0]?.history[0];
    assert.deepEqual(entries?.[1], before);
  });

  it('writes the same text with and without a number to keep', () => {
    const member = '"x": {"a": [], "b": {}, "c": [1, "\\u2028", null, true], "__proto__": {"d": -1}}, "fileName"';
    const plain = writeManifest(parseManifest(stagedManifest.replace('"fileName"', member)));
    const spelled = writeManifest(parseManifest(stagedManifest.replace('"fileName"', member.replace('-1', '-1.0'))));
    assert.equal(spelled, plain.replace('"d": -1', '"d": -1.0'));
    assert.notEqual(spelled, plain);
  });

  it('reads a number that is to be kept wherever it stands', () => {
    for (const [before, number, after] of [
      ['"x":', '1.0', ''],
      ['"x" :\n', '-0', ''],
      ['"x": [', '1e5', ']'],
      ['"x": [1,\t', '12345678901234567890', ']'],
      ['"x": [2 ,', '-0.0', ']'],
    ] as const) {
      const text = stagedManifest.replace('"fileName"', `${before}${number}${after}, "fileName"`);
      assert.match(writeManifest(parseManifest(text)), new RegExp(`[ \\n]${number}[,\\n]`));
    }
  });

  it('points at the exact place of a fault', () => {
    assert.match(problem('').message, /^manifest\.json:1:1: not valid JSON/);
    assert.match(problem('[\n  {"fileName": }\n]').message, /^manifest\.json:2:16: not valid JSON: value expected\.$/);
    assert.match(problem('{}').message, /^manifest\.json:1:1: the file must be an array/);
    assert.match(problem('[1, "x", null]').message, /^manifest\.json:1:2: \[0\] must be an object/);
    assert.match(problem('[{"fileName": "a", "history": []}]').message, /:1:31: \[0\]\.history must not be empty/);
    assert.match(problem('[{"fileName": "a",\n "history": [{}]}]').message, /:2:14: \[0\]\.history\[0\]\.version must/);
    const bad = originalManifest.replace(sha('a'), 'A'.repeat(64));
    const line = bad.slice(0, bad.indexOf('A'.repeat(64))).split('\n').length;
    assert.match(
      problem(bad).message,
      new RegExp(`^manifest\\.json:${line}:\\d+: \\[0\\]\\.history\\[1\\]\\.sha256 must be 64`),
    );
    assert.match(problem(originalManifest.replace('"v2"', '"v1"').replace('"v2"', '"v1"')).message, /used twice: "v1"/);
  });

  it('names conflict markers in the hint', () => {
    assert.match(problem('[\n<<<<<<< HEAD\n]').hint ?? '', /conflict markers/);
  });

  it('does not overflow the stack on absurd nesting', () => {
    problem('['.repeat(200_000));
    problem(`[${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}]`);
  });

  it('never uses a version number again', () => {
    const dataset = findDataset(parseManifest(originalManifest), 'test_database.sqlite');
    assert.equal(nextVersion(dataset), 'v3');
  });

  it('adds a dataset once', () => {
    const manifest: Manifest = addDataset(
      { datasets: [] },
      'a.sqlite',
      { ...newEntry, version: 'v1' },
      { description: 'A' },
    );
    assert.deepEqual(JSON.parse(writeManifest(manifest))[0].history[0].commit, null);
    assert.throws(
      () => addDataset(manifest, 'a.sqlite', newEntry),
      (error) => DataManagerError.is(error, 'DATASET_EXISTS'),
    );
  });

  it('takes the last parent away without leaving an empty list', () => {
    const manifest = parseManifest(originalManifest);
    const dataset = findDataset(manifest, 'test_database.sqlite');
    const edge = { sha256: sha('a'), name: 'test_database.sqlite', version: 'v1' };
    const linked = setParents(manifest, { dataset, entry: latest(dataset) }, [edge]);
    assert.deepEqual(linked.datasets[0]?.history[0].parents, [edge]);
    const again = linked.datasets[0];
    assert.ok(again);
    assert.equal(
      writeManifest(setParents(linked, { dataset: again, entry: latest(again) }, [])),
      writeManifest(manifest),
    );
  });

  it('refuses nesting that no program can walk, instead of failing halfway', () => {
    const nested = (depth: number): string =>
      originalManifest.replace('"fileName"', `"x": ${'{"a":'.repeat(depth)}1.50${'}'.repeat(depth)}, "fileName"`);
    for (const depth of [300, 100_000]) {
      assert.throws(
        () => parseManifest(nested(depth)),
        (error) => DataManagerError.is(error, 'MANIFEST_INVALID') && /nested/.test(error.message),
      );
    }
    const fine = parseManifest(nested(50));
    assert.equal(writeManifest(parseManifest(writeManifest(fine))), writeManifest(fine));
  });
});
