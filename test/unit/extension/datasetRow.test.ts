import assert from 'node:assert/strict';
import type { LocalState } from '../../../src/core/repo/localCopies';
import { type DatasetNode, datasetChildren } from '../../../src/extension/tree/datasetNodes';
import { datasetRow } from '../../../src/extension/tree/datasetRow';
import { datasetTooltip } from '../../../src/extension/tree/datasetTooltip';
import type { RowText } from '../../../src/extension/tree/rowText';
import { entry, repositoryState, sha, words } from './treeFixture';

const name = 'energy/utopia.sqlite';
type Copy = Pick<LocalState, 'name' | 'version' | 'sha256' | 'state'>;

describe('a row of the Datasets view', () => {
  it('says newest version, local state, size and age', () => {
    const { dataset } = rows([copy(2, 'present')]);
    assert.equal(dataset.label, name);
    assert.equal(dataset.description, 'v2 · local · 1.2 MB · 2 days ago');
    assert.equal(dataset.icon.id, 'database');
    assert.equal(dataset.contextValue, 'dataset+available+diff+local');
    assert.equal(dataset.spoken, `${name}, newest version 2, local, 1.2 MB, 2 days ago`);
  });

  it('says which versions are not pushed yet', () => {
    const state = repositoryState([{ fileName: name, latestVersion: 'v2', history: [entry(2), entry(1)] }]);
    const [dataset] = datasetChildren(null, { repositories: [state], shown: new Map() });
    assert.ok(dataset);
    const waits = (folder: string, of: string, version: string): boolean =>
      folder === state.folder && of === name && version === 'v2';
    assert.match(datasetRow(dataset, words, waits).description ?? '', /^v2 · to push · /);
    const versions = datasetChildren(dataset, { repositories: [state], shown: new Map() });
    assert.deepEqual(
      versions.map((version) => / to push,/.test(datasetRow(version, words, waits).spoken)),
      [true, false],
    );
  });

  it('tells apart what is here, older, changed and not downloaded', () => {
    const description = (copies: readonly Copy[]): string | undefined => rows(copies).dataset.description;
    assert.match(description([]) ?? '', /^v2 · 1\.2 MB/);
    assert.match(rows([]).dataset.spoken, /not downloaded/);
    assert.match(description([copy(1, 'present')]) ?? '', /local v1/);
    assert.match(description([copy(1, 'modified')]) ?? '', /changed locally/);
  });

  it('never says a state by its colour only', () => {
    const { versions } = rows([copy(2, 'present'), copy(1, 'modified')]);
    assert.deepEqual(
      versions.map(({ icon, description, spoken }) => [icon.id, description?.split(' · ')[0], spoken.split(', ')[2]]),
      [
        ['pass-filled', 'local', 'local'],
        ['edit', 'changed locally', 'changed locally'],
      ],
    );
    assert.deepEqual(
      rows([]).versions.map(({ icon }) => icon.id),
      ['cloud', 'cloud'],
    );
  });

  it('offers nothing for bytes that cannot be had', () => {
    const pending = rows([], { staging_key: 'staging/1' }).versions[0];
    assert.deepEqual([pending?.icon.id, pending?.contextValue, pending?.command], ['clock', 'version', undefined]);
    const deleted = rows([], { status: 'deleted', statusReason: 'wrong units' });
    assert.equal(deleted.versions[0]?.icon.id, 'circle-slash');
    assert.match(deleted.tooltip ?? '', /withdrawn\\: wrong units/);
  });

  it('does not let a manifest put links, HTML or commands into a tooltip', () => {
    const evil = '[x](command:evil) <img src=x> https://evil.example ![y](http://z) | `a` $(trash)\n# h';
    const { tooltip } = rows([], { description: evil, author: evil, r2_object_key: evil });
    assert.ok(tooltip);
    const unescaped = tooltip.replace(/\\[!-/:-@[-`{-~]/g, '');
    for (const mark of ['[', '](', '<', '`', '://', '$(', '\n#']) assert.ok(!unescaped.includes(mark), mark);
  });

  it('keeps a label on one line and in reading order', () => {
    const label = rows([], {}, 'a\nb\u202egpj.sqlite').dataset.label;
    assert.equal(label, 'a b gpj.sqlite');
  });
});

function copy(number: number, state: LocalState['state']): Copy {
  return { name, version: `v${number}`, sha256: sha(number), state };
}

function rows(
  copies: readonly Copy[],
  newest: Readonly<Record<string, unknown>> = {},
  fileName = name,
): { readonly dataset: RowText; readonly versions: readonly RowText[]; readonly tooltip: string | null } {
  const state = repositoryState([{ fileName, history: [entry(2, newest), entry(1)] }], copies);
  const children = (node: DatasetNode | null): readonly DatasetNode[] =>
    datasetChildren(node, { repositories: [state], shown: new Map() });
  const [dataset] = children(null);
  assert.ok(dataset);
  const versions = children(dataset);
  assert.ok(versions[0]);
  return {
    dataset: datasetRow(dataset, words),
    versions: versions.map((node) => datasetRow(node, words)),
    tooltip: datasetTooltip(versions[0], words),
  };
}
