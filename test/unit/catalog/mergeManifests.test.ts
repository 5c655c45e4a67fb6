import assert from 'node:assert/strict';
import type { Manifest } from '../../../src/core/catalog/manifest';
import { type ManifestMerge, type MergeOptions, mergeManifests } from '../../../src/core/catalog/mergeManifests';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import { writeManifest } from '../../../src/core/catalog/writeManifest';
import { sha } from './manifestFixture';
import { dataset, entry, inShort, manifest } from './mergeFixture';

function merge(
  base: Manifest,
  published: Manifest,
  mine: Manifest,
  options: MergeOptions = { sameDataset: 'stop' },
): ManifestMerge {
  return mergeManifests({ base, published, mine }, options);
}

/** Merges what must merge without a question. */
function merged(...sides: [Manifest, Manifest, Manifest]): Manifest {
  const result = merge(...sides);
  assert.deepEqual(result.conflicts, []);
  return result.manifest;
}

const none = manifest();
const a1 = dataset('a', ['v1:a']);
const onTop = { sameDataset: 'on-top' } as const;

describe('merge of manifests', () => {
  describe('without a question', () => {
    it('puts datasets that both sides added behind each other, the published ones first', () => {
      const base = manifest(a1);
      const result = merged(base, manifest(a1, dataset('z', ['v1:c'])), manifest(a1, dataset('b', ['v1:b'])));
      assert.deepEqual(inShort(result), ['a v1:a', 'z v1:c', 'b v1:b']);
    });

    it('takes versions of different datasets from both sides', () => {
      const base = manifest(a1, dataset('b', ['v1:b']));
      const result = merged(
        base,
        manifest(dataset('a', ['v2:c', 'v1:a']), dataset('b', ['v1:b'])),
        manifest(a1, dataset('b', ['v2:d', 'v1:b'])),
      );
      assert.deepEqual(inShort(result), ['a v2:c v1:a', 'b v2:d v1:b']);
    });

    it('merges different members of one dataset and of one version, unknown ones with their spelling', () => {
      const read = (description: string, tags: string, version: string): Manifest =>
        parseManifest(
          `[{"fileName":"a","latestVersion":"v1","description":"${description}","x":${tags},"history":[${version}]}]`,
        );
      const version = JSON.stringify(entry('v1:a'));
      const result = merged(
        read('old', '[1.50]', version),
        read('new', '[1.50]', version.replace('"commit":null', '"commit":"abc"')),
        read('old', '[1.500, 1e400]', version.replace('}', ',"status":"deleted"}')),
      );
      const text = writeManifest(result);
      for (const part of ['"description": "new"', '1.500,', '1e400', '"commit": "abc"', '"status": "deleted"']) {
        assert.ok(text.includes(part), `${part} in ${text}`);
      }
    });

    it('merges the same change on both sides, and a member that one side took away', () => {
      const base = manifest(dataset('a', ['v1:a'], { license: 'MIT', tags: ['x'] }));
      const result = merged(
        base,
        manifest(dataset('a', ['v1:a'], { license: 'ODbL', tags: ['x'] })),
        manifest(dataset('a', ['v1:a'], { license: 'ODbL' })),
      );
      assert.equal(result.datasets[0]?.license, 'ODbL');
      assert.deepEqual(Object.keys(result.datasets[0]?.json ?? {}), [
        'fileName',
        'latestVersion',
        'license',
        'history',
      ]);
    });

    it('adds and removes lineage edges one by one', () => {
      const edge = (digit: string): { sha256: string; name: string; version: string } => ({
        sha256: sha(digit),
        name: 'raw',
        version: 'v1',
      });
      const child = (...parents: string[]): Manifest =>
        manifest(dataset('a', [entry('v1:a', parents.length > 0 ? { parents: parents.map(edge) } : {})]));
      const parents = (result: Manifest): unknown => result.datasets[0]?.history[0].json.parents;
      assert.deepEqual(
        parents(merged(child('1', '2'), child('1', '2', '3'), child('2', '4'))),
        ['2', '3', '4'].map(edge),
      );
      assert.deepEqual(parents(merged(child('1', '2'), child('1'), child('2'))), undefined, 'no empty list is left');
    });

    it('takes a removal of what the other side did not touch', () => {
      const base = manifest(a1, dataset('b', ['v2:c', 'v1:b']));
      const result = merged(base, manifest(a1, dataset('b', ['v2:c'])), manifest(dataset('b', ['v2:c', 'v1:b'])));
      assert.deepEqual(inShort(result), ['b v2:c']);
    });

    it('recognises the same bytes that somebody else published first', () => {
      const mine = manifest(
        dataset('a', [
          entry('v3:d'),
          entry('v2:c', { parents: [{ name: 'r', sha256: sha('1'), version: 'v1' }] }),
          'v1:a',
        ]),
        dataset('child', [entry('v1:e', { parents: [{ name: 'a', sha256: sha('c'), version: 'v2' }] })]),
      );
      const result = merge(manifest(a1), manifest(dataset('a', ['v3:c', 'v1:a'])), mine);
      assert.deepEqual(result.conflicts, []);
      assert.deepEqual(inShort(result.manifest), ['a v4:d v3:c v1:a', 'child v1:e']);
      assert.deepEqual(result.already, [{ name: 'a', version: 'v3', sha256: sha('c') }]);
      assert.deepEqual(result.renumbered, [{ name: 'a', from: 'v3', to: 'v4', sha256: sha('d') }]);
      const [a, child] = result.manifest.datasets;
      assert.equal(child?.history[0].parents[0]?.version, 'v3', 'the edge follows');
      assert.equal(a?.history[1]?.parents.length, 1, 'what my version was derived from is kept');
    });

    it('recognises the same bytes under another key', () => {
      const theirs = dataset('a', [entry('v2:c', { r2_object_key: `a/v2-${sha('c')}.sqlite` }), 'v1:a']);
      const result = merge(manifest(a1), manifest(theirs), manifest(dataset('a', ['v2:c', 'v1:a'])));
      assert.deepEqual([result.conflicts, inShort(result.manifest)], [[], ['a v2:c v1:a']]);
      assert.equal(result.already.length, 1);
    });

    it('goes on after a version that was renumbered before, as a rebase of several commits does', () => {
      const result = merge(
        manifest(dataset('a', ['v2:b', 'v1:a'])),
        manifest(dataset('a', ['v3:b', 'v2:c', 'v1:a'])),
        manifest(dataset('a', ['v3:d', 'v2:b', 'v1:a'])),
      );
      assert.deepEqual([result.conflicts, inShort(result.manifest)], [[], ['a v4:d v3:b v2:c v1:a']]);
    });

    it('does not use the number of a removed version again', () => {
      const result = merge(
        manifest(dataset('a', ['v3:c', 'v2:b', 'v1:a'])),
        manifest(dataset('a', ['v2:b', 'v1:a'])),
        manifest(dataset('a', ['v3:d', 'v2:b', 'v1:a'])),
      );
      assert.deepEqual([result.conflicts, inShort(result.manifest)], [[], ['a v4:d v2:b v1:a']]);
    });

    it('tells versions with the same bytes apart, which a rollback makes', () => {
      const base = manifest(dataset('a', ['v2:b', 'v1:a']));
      const rolledBack = manifest(dataset('a', ['v3:a', 'v2:b', 'v1:a']));
      assert.deepEqual(inShort(merged(base, rolledBack, rolledBack)), ['a v3:a v2:b v1:a']);
      const edited = manifest(dataset('a', ['v2:b', entry('v1:a', { status: 'deleted' })]));
      const result = merged(base, rolledBack, edited);
      assert.deepEqual(
        result.datasets[0]?.history.map(({ version, status }) => `${version} ${status}`),
        ['v3 published', 'v2 published', 'v1 deleted'],
      );
      // The rollback outlives the version that it went back to.
      const again = manifest(dataset('a', [entry('v3:a', { timestamp: 'later' }), 'v2:b']));
      assert.deepEqual(inShort(merged(base, again, manifest(dataset('a', ['v2:b'])))), ['a v3:a v2:b']);
    });
  });

  describe('mine on top of theirs', () => {
    const base = manifest(a1);
    const theirs = manifest(dataset('a', ['v3:c', 'v2:b', 'v1:a']));
    const mine = manifest(
      dataset('a', [
        entry('v3:e', {
          diffFromPrevious: 'data/diffs/a/diff-v2-to-v3.diff',
          parents: [{ name: 'a', sha256: sha('d'), version: 'v2' }],
        }),
        entry('v2:d', { diffFromPrevious: 'data/diffs/a/diff-v1-to-v2.diff' }),
        'v1:a',
      ]),
      dataset('child', [entry('v1:f', { parents: [{ name: 'a', sha256: sha('e'), version: 'v3', kind: 'clean' }] })]),
    );

    it('renumbers several versions in their order, with their edges and the paths of their diffs', () => {
      const result = merge(base, theirs, mine, onTop);
      assert.deepEqual(result.conflicts, []);
      assert.deepEqual(inShort(result.manifest), ['a v5:e v4:d v3:c v2:b v1:a', 'child v1:f']);
      assert.deepEqual(result.renumbered, [
        { name: 'a', from: 'v2', to: 'v4', sha256: sha('d') },
        { name: 'a', from: 'v3', to: 'v5', sha256: sha('e') },
      ]);
      const [a, child] = result.manifest.datasets;
      assert.deepEqual(
        a?.history.slice(0, 2).map(({ diffFromPrevious }) => diffFromPrevious),
        ['data/diffs/a/diff-v4-to-v5.diff', 'data/diffs/a/diff-v3-to-v4.diff'],
      );
      assert.equal(a?.history[0].parents[0]?.version, 'v4');
      assert.deepEqual(child?.history[0].json.parents, [{ name: 'a', sha256: sha('e'), version: 'v5', kind: 'clean' }]);
      assert.equal(a?.json.latestVersion, 'v5');
    });

    it('keeps the published entries as they are', () => {
      const [a] = merge(base, theirs, mine, onTop).manifest.datasets;
      assert.deepEqual(
        a?.history.slice(2).map(({ json }) => json),
        theirs.datasets[0]?.history.map(({ json }) => json),
      );
    });

    it('gives a diff up that is against another version now, though its own number stays', () => {
      const result = merge(
        manifest(a1),
        manifest(dataset('a', ['v2:b', 'v1:a'])),
        manifest(dataset('a', [entry('v3:d', { diffFromPrevious: 'diffs/a/diff-v1-to-v3.diff' }), 'v1:a'])),
        onTop,
      );
      assert.deepEqual(inShort(result.manifest), ['a v3:d v2:b v1:a']);
      assert.deepEqual(result.renumbered, []);
      assert.equal(result.manifest.datasets[0]?.history[0].diffFromPrevious, null);
    });

    it('follows a dataset of the same name that somebody else made', () => {
      const theirs = manifest(dataset('n', ['v1:b'], { description: 'theirs' }));
      const mine = manifest(dataset('n', ['v1:c'], { description: 'mine', license: 'MIT' }));
      const result = merge(none, theirs, mine, onTop);
      assert.deepEqual([result.conflicts, inShort(result.manifest)], [[], ['n v2:c v1:b']]);
      assert.deepEqual(
        [result.manifest.datasets[0]?.description, result.manifest.datasets[0]?.license],
        ['theirs', 'MIT'],
      );
    });
  });

  describe('conflicts', () => {
    it('new versions of one dataset on both sides: base, theirs and mine', () => {
      const result = merge(
        manifest(a1),
        manifest(dataset('a', ['v3:c', 'v2:b', 'v1:a'])),
        manifest(dataset('a', ['v2:d', 'v1:a'])),
      );
      const [conflict, ...others] = result.conflicts;
      assert.ok(conflict?.kind === 'same-dataset' && others.length === 0);
      assert.equal(conflict.dataset, 'a');
      assert.equal(conflict.base?.version, 'v1');
      assert.deepEqual(
        conflict.published.map(({ version }) => version),
        ['v3', 'v2'],
      );
      assert.deepEqual(
        conflict.mine.map(({ sha256 }) => sha256),
        [sha('d')],
      );
      assert.deepEqual(inShort(result.manifest), ['a v3:c v2:b v1:a']);
    });

    it('a dataset added on both sides with different bytes', () => {
      const [theirs, mine] = [manifest(dataset('n', ['v1:b'])), manifest(dataset('n', ['v1:c']))];
      const { conflicts } = merge(none, theirs, mine);
      assert.deepEqual(
        conflicts.map((conflict) => [conflict.kind, conflict.dataset, conflict.base]),
        [['same-dataset', 'n', null]],
      );
      const taken = merge(none, theirs, mine, { sameDataset: 'stop', take: 'mine' });
      assert.deepEqual(inShort(taken.manifest), ['n v1:c']);
    });

    it('somebody went back to older bytes while mine went on', () => {
      const { conflicts } = merge(
        manifest(dataset('a', ['v2:b', 'v1:a'])),
        manifest(dataset('a', ['v3:a', 'v2:b'])),
        manifest(dataset('a', ['v3:c', 'v2:b', 'v1:a'])),
      );
      assert.deepEqual(
        conflicts.map(({ kind }) => kind),
        ['same-dataset'],
      );
    });

    it('my older version would become the newest', () => {
      const { conflicts } = merge(
        manifest(a1),
        manifest(dataset('a', ['v2:c', 'v1:a'])),
        manifest(dataset('a', ['v3:c', 'v2:b', 'v1:a'])),
      );
      assert.deepEqual(
        conflicts.map(({ kind }) => kind),
        ['same-dataset'],
      );
    });

    it('one member with two new values, of a dataset and of a version', () => {
      const side = (description: string, status: string): Manifest =>
        manifest(dataset('a', [entry('v1:a', { statusReason: status })], { description }));
      const result = merge(side('old', 'x'), side('theirs', 'y'), side('mine', 'z'));
      assert.deepEqual(result.conflicts, [
        { kind: 'field', dataset: 'a', version: 'v1', field: 'statusReason', base: 'x', published: 'y', mine: 'z' },
        {
          kind: 'field',
          dataset: 'a',
          version: null,
          field: 'description',
          base: 'old',
          published: 'theirs',
          mine: 'mine',
        },
      ]);
      const taken = merge(side('old', 'x'), side('theirs', 'y'), side('mine', 'z'), {
        sameDataset: 'stop',
        take: 'mine',
      });
      assert.equal(writeManifest(taken.manifest), writeManifest(side('mine', 'z')));
    });

    it('a dataset removed on one side, changed on the other', () => {
      const base = manifest(a1, dataset('b', ['v1:b']));
      const gone = manifest(dataset('b', ['v1:b']));
      const changed = manifest(dataset('a', ['v2:c', 'v1:a']), dataset('b', ['v1:b']));
      const outcome = (result: ManifestMerge): unknown =>
        result.conflicts.map(
          (conflict) => conflict.kind === 'deleted' && [conflict.dataset, conflict.version, conflict.deletedBy],
        );
      assert.deepEqual(outcome(merge(base, gone, changed)), [['a', null, 'published']]);
      assert.deepEqual(outcome(merge(base, changed, gone)), [['a', null, 'mine']]);
      assert.deepEqual(inShort(merge(base, gone, changed, { ...onTop, take: 'mine' }).manifest), [
        'b v1:b',
        'a v2:c v1:a',
      ]);
    });

    it('a dataset marked for deletion on one side, with a new version on the other', () => {
      const marked = manifest(dataset('a', ['v1:a'], { status: 'pending-deletion' }));
      const { conflicts } = merge(manifest(a1), marked, manifest(dataset('a', ['v2:b', 'v1:a'])));
      assert.deepEqual(
        conflicts.map((conflict) => [conflict.kind, conflict.dataset]),
        [['deleted', 'a']],
      );
    });

    it('a version removed on one side, edited on the other', () => {
      const base = manifest(dataset('a', ['v2:b', 'v1:a']));
      const removed = manifest(dataset('a', ['v2:b']));
      const edited = manifest(dataset('a', ['v2:b', entry('v1:a', { description: 'x' })]));
      for (const [theirs, mine, by] of [
        [removed, edited, 'published'],
        [edited, removed, 'mine'],
      ] as const) {
        const result = merge(base, theirs, mine);
        const [conflict] = result.conflicts;
        assert.ok(conflict?.kind === 'deleted' && result.conflicts.length === 1);
        assert.deepEqual([conflict.version, conflict.deletedBy], ['v1', by]);
        assert.equal(writeManifest(result.manifest), writeManifest(theirs));
        assert.equal(
          writeManifest(merge(base, theirs, mine, { ...onTop, take: 'mine' }).manifest),
          writeManifest(mine),
        );
      }
    });

    it('each side removed what the other kept', () => {
      const base = manifest(dataset('a', ['v2:b', 'v1:a']));
      const result = merge(base, manifest(dataset('a', ['v2:b'])), manifest(a1));
      assert.deepEqual(
        result.conflicts.map(({ kind }) => kind),
        ['nothing-left'],
      );
      assert.deepEqual(inShort(result.manifest), ['a v2:b']);
    });

    it('two new names that one file would stand for', () => {
      for (const [theirs, mine] of [
        ['Utopia.sqlite', 'utopia.sqlite'],
        ['caf\u00e9', 'cafe\u0301'],
      ] as const) {
        const sides = [none, manifest(dataset(theirs, ['v1:a'])), manifest(dataset(mine, ['v1:b']))] as const;
        const result = merge(...sides);
        assert.deepEqual(result.conflicts, [
          { kind: 'name-clash', dataset: mine, base: null, published: theirs, mine },
        ]);
        assert.deepEqual(inShort(result.manifest), [`${theirs} v1:a`]);
        assert.deepEqual(inShort(merge(...sides, { ...onTop, take: 'mine' }).manifest), [`${mine} v1:b`]);
      }
    });
  });

  it('is not fooled by a member called __proto__', () => {
    const side = (value: string): Manifest =>
      parseManifest(
        JSON.stringify([dataset('a', ['v1:a'])]).replace('"history"', `"__proto__":${value},"x":1,"history"`),
      );
    const result = merge(side('{"a":1}'), side('{"a":2}'), side('{"a":1}'));
    assert.ok(writeManifest(result.manifest).includes('"__proto__": {\n      "a": 2'));
    assert.equal(merge(side('{"a":1}'), side('{"a":2}'), side('{"a":3}')).conflicts.length, 1);
  });
});
