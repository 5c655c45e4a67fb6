import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { conflictText } from '../../../src/core/catalog/conflictText';
import type { JsonObject, JsonValue } from '../../../src/core/catalog/json';
import type { Manifest } from '../../../src/core/catalog/manifest';
import { type ManifestMerge, mergeManifests } from '../../../src/core/catalog/mergeManifests';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import { writeManifest } from '../../../src/core/catalog/writeManifest';
import { randomNumbers } from '../../support/randomPair';

interface Entry {
  version: string;
  timestamp: string;
  sha256: string;
  r2_object_key: string;
  diffFromPrevious: string | null;
  /** Given once, copied along: says which entries are the same without asking the code under test. */
  uid: number;
  parents?: JsonValue;
  [field: string]: JsonValue | undefined;
}
interface Item {
  fileName: string;
  history: Entry[];
  [field: string]: JsonValue | Entry[] | undefined;
}

/** Three manifests that have something in common, from nothing but a seed. */
class SidesMaker {
  readonly #random: () => number;
  #uid = 0;
  /** The highest number of each side and dataset, because numbers are not used again. */
  readonly #numbers = new Map<string, number>();

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  make(): { readonly base: Manifest; readonly published: Manifest; readonly mine: Manifest } {
    const base: Item[] = [];
    for (let i = this.#below(5); i >= 0; i--) this.#edit(base, 'base', ['dataset', 'version', 'version', 'link']);
    const [published, mine] = [structuredClone(base), structuredClone(base)];
    for (const [name, side] of [
      ['published', published],
      ['mine', mine],
    ] as const) {
      for (let i = this.#below(8); i > 0; i--) {
        this.#edit(side, name, [
          'dataset',
          'version',
          'version',
          'rollback',
          'field',
          'entryField',
          'link',
          'link',
          'link',
          'prune',
          'remove',
        ]);
      }
    }
    return { base: read(base), published: read(published), mine: read(mine) };
  }

  #edit(items: Item[], side: string, kinds: readonly string[]): void {
    const item = this.#pick(items);
    const entry = item && this.#pick(item.history);
    switch (item && entry ? this.#pick(kinds) : 'dataset') {
      case 'version':
        return this.#addVersion(item as Item, side);
      case 'rollback':
        return this.#addVersion(item as Item, side, entry);
      case 'field':
        (item as Item)[this.#pick(['description', 'license', 'x']) as string] = `${side} ${this.#below(2)}`;
        return;
      case 'entryField':
        (entry as Entry)[this.#pick(['description', 'status', 'y']) as string] = `${side} ${this.#below(2)}`;
        return;
      case 'link':
        return this.#link(items, entry as Entry);
      case 'prune':
        if ((item as Item).history.length > 1)
          (item as Item).history.splice(this.#below((item as Item).history.length), 1);
        return;
      case 'remove':
        items.splice(items.indexOf(item as Item), 1);
        return;
      default: {
        const fileName = `${this.#pick(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'])}.sqlite`;
        if (items.some((other) => other.fileName === fileName)) return;
        items.push({ fileName, history: [] });
        this.#addVersion(items.at(-1) as Item, side);
      }
    }
  }

  /** Few enough different bytes that both sides now and then publish the same ones. */
  #addVersion(item: Item, side: string, bytesOf?: Entry): void {
    const content = this.#below(3) === 0 ? `${item.fileName} ${this.#below(4)}` : `${side} ${this.#uid}`;
    const sha256 = bytesOf?.sha256 ?? createHash('sha256').update(content).digest('hex');
    const r2_object_key = bytesOf?.r2_object_key ?? `${item.fileName}/${sha256}`;
    const newest = item.history[0];
    if (newest?.sha256 === sha256) return;
    const number =
      Math.max(this.#numbers.get(`base ${item.fileName}`) ?? 0, this.#numbers.get(`${side} ${item.fileName}`) ?? 0) + 1;
    this.#numbers.set(`${side} ${item.fileName}`, number);
    const diffFromPrevious = newest ? `diffs/${item.fileName}/diff-${newest.version}-to-v${number}.diff` : null;
    const timestamp = new Date(this.#uid).toISOString();
    item.history.unshift({
      version: `v${number}`,
      timestamp,
      sha256,
      r2_object_key,
      diffFromPrevious,
      uid: this.#uid++,
    });
  }

  #link(items: readonly Item[], child: Entry): void {
    const item = this.#pick(items);
    const parent = item && this.#pick(item.history);
    if (!item || !parent || parent.uid >= child.uid) return;
    const edges = (child.parents ?? []) as JsonObject[];
    if (edges.some(({ name, sha256 }) => name === item.fileName && sha256 === parent.sha256)) return;
    child.parents = [...edges, { sha256: parent.sha256, name: item.fileName, version: parent.version }];
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#below(from.length)];
  }
}

function read(items: readonly Item[]): Manifest {
  return parseManifest(JSON.stringify(items));
}

/** Every entry by dataset and uid. */
function entries(manifest: Manifest): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  for (const { name, history } of manifest.datasets) {
    for (const { json } of history) {
      const id = `${name} ${String(json.uid)}`;
      assert.ok(!found.has(id), `${id} is there once`);
      found.set(id, json);
    }
  }
  return found;
}

const same = (a: Manifest, b: Manifest, what: string): void => assert.equal(writeManifest(a), writeManifest(b), what);

describe('merge of manifests, of any sides', function () {
  this.timeout(20_000);
  const seeds = Array.from({ length: 1000 }, (_, i) => i + 1);
  const modes = ['stop', 'on-top'] as const;
  const each = (check: (sides: ReturnType<SidesMaker['make']>, result: ManifestMerge, seed: number) => void): void => {
    let clean = 0;
    for (const seed of seeds) {
      const sides = new SidesMaker(seed).make();
      for (const sameDataset of modes) {
        const result = mergeManifests(sides, { sameDataset });
        if (result.conflicts.length > 0) continue;
        clean++;
        try {
          check(sides, result, seed);
        } catch (error) {
          const shown = [sides.base, sides.published, sides.mine, result.manifest].map(writeManifest).join('\n---\n');
          throw new Error(`seed ${seed}, ${sameDataset}: ${(error as Error).message}\n${shown}`, { cause: error });
        }
      }
    }
    assert.ok(clean > seeds.length / 3, `${clean} merges without a conflict`);
  };

  it('takes one side when the other did nothing', () => {
    for (const seed of seeds) {
      const { base, mine } = new SidesMaker(seed).make();
      for (const sameDataset of modes) {
        for (const [published, own] of [
          [base, mine],
          [mine, base],
          [mine, mine],
        ] as const) {
          const result = mergeManifests({ base, published, mine: own }, { sameDataset });
          assert.deepEqual([result.conflicts, result.renumbered], [[], []], `seed ${seed}`);
          same(result.manifest, mine, `seed ${seed}`);
        }
      }
    }
  });

  it('has every version that nobody removed exactly once', () => {
    each(({ base, published, mine }, result) => {
      const [before, theirs, ours, all] = [base, published, mine, result.manifest].map(entries);
      assert.ok(before && theirs && ours && all);
      const gone = [...theirs.keys(), ...ours.keys()].filter((id) => !all.has(id));
      const unexpected = gone.filter((id) => !before.has(id) || (theirs.has(id) && ours.has(id)));
      // What is missing though nobody removed it is mine, and there with the same bytes from the other side.
      for (const id of unexpected) {
        const json = ours.get(id);
        const name = id.split(' ')[0];
        assert.ok(json && !before.has(id) && !theirs.has(id), `${id} is lost`);
        assert.ok(
          result.already.some((known) => known.name === name && known.sha256 === json.sha256),
          `${id} is said to be there already`,
        );
      }
      assert.equal(new Set(unexpected).size, result.already.length);
      for (const id of all.keys()) assert.ok(theirs.has(id) || ours.has(id), `${id} came from nowhere`);
      for (const id of before.keys()) assert.equal(all.has(id), theirs.has(id) && ours.has(id), `${id} as removed`);
    });
  });

  it('keeps the numbers of published versions, and gives each other a number of its own, in order', () => {
    each(({ base, published, mine }, result) => {
      const [theirs, ours, all] = [published, mine, result.manifest].map(entries);
      assert.ok(theirs && ours && all);
      for (const [id, json] of theirs) if (all.has(id)) assert.equal(all.get(id)?.version, json.version);
      for (const { name, history } of result.manifest.datasets) {
        const numbers = history.map(({ number }) => number);
        assert.deepEqual(
          numbers,
          [...new Set(numbers)].sort((a, b) => b - a),
          name,
        );
        const known = [base, published]
          .flatMap(({ datasets }) => datasets.filter((other) => other.name === name).flatMap((other) => other.history))
          .map(({ number }) => number);
        const added = history.filter(({ json }) => !theirs.has(`${name} ${String(json.uid)}`));
        for (const { number } of added) assert.ok(number > Math.max(0, ...known), 'a number is not used again');
      }
      for (const { name, from, to, sha256 } of result.renumbered) {
        assert.notEqual(from, to);
        const moved = result.manifest.datasets
          .find((other) => other.name === name)
          ?.history.find(({ version }) => version === to);
        assert.equal(moved?.sha256, sha256);
      }
    });
  });

  it('leaves published entries that mine did not touch byte for byte', () => {
    each(({ base, published, mine }, result) => {
      const [before, theirs, ours, all] = [base, published, mine, result.manifest].map(entries);
      const already = new Set(result.already.map(({ name, sha256 }) => `${name} ${sha256}`));
      for (const [id, json] of theirs ?? []) {
        if (!all?.has(id) || already.has(`${id.split(' ')[0]} ${String(json.sha256)}`)) continue;
        const touched = ours?.has(id) && JSON.stringify(ours.get(id)) !== JSON.stringify(before?.get(id));
        if (!touched) assert.equal(JSON.stringify(all.get(id)), JSON.stringify(json), id);
      }
    });
  });

  it('leaves no edge without the version that it named', () => {
    each(({ base, mine }, result) => {
      const triples = ({ datasets }: Manifest): Set<string> =>
        new Set(datasets.flatMap(({ name, history }) => history.map((v) => `${name} ${v.version} ${v.sha256}`)));
      const [before, ours, all] = [base, mine, result.manifest].map(triples);
      const bytes = new Set([...(all ?? [])].map((triple) => triple.replace(/ v\d+ /, ' ')));
      for (const { parents } of result.manifest.datasets.flatMap(({ history }) => history)) {
        for (const { name, version, sha256 } of parents) {
          const triple = `${name} ${version} ${sha256}`;
          if (all?.has(triple) || !bytes.has(`${name} ${sha256}`)) continue;
          // It named nothing in mine either, or a version that somebody removed while the same bytes are there twice.
          assert.ok(!ours?.has(triple) || before?.has(triple), triple);
        }
      }
    });
  });

  it('changes nothing when it is done again', () => {
    each(({ base, published, mine }, { manifest }) => {
      for (const sameDataset of modes) {
        for (const sides of [
          { base, published, mine: manifest },
          { base, published: manifest, mine },
          { base: mine, published: manifest, mine: manifest },
          { base: published, published: manifest, mine: manifest },
        ]) {
          const again = mergeManifests(sides, { sameDataset });
          assert.deepEqual([again.conflicts, again.renumbered], [[], []]);
          same(again.manifest, manifest, 'again');
        }
      }
    });
  });

  it('marks every conflict, so that taking one side of the markers gives one of the two manifests', () => {
    for (const seed of seeds) {
      const sides = new SidesMaker(seed).make();
      const { manifest: left, conflicts } = mergeManifests(sides, { sameDataset: 'stop' });
      const { manifest: right } = mergeManifests(sides, { sameDataset: 'on-top', take: 'mine' });
      if (conflicts.length === 0) continue;
      const text = conflictText({ manifest: left, label: 'left' }, { manifest: right, label: 'right' });
      assert.match(text, /^<{7} left$/m, `seed ${seed}`);
      const markers = /^<{7} left\n([\s\S]*?)^={7}\n([\s\S]*?)^>{7} right\n/gm;
      assert.equal(text.replace(markers, '$1'), writeManifest(left), `seed ${seed}`);
      assert.equal(text.replace(markers, '$2'), writeManifest(right), `seed ${seed}`);
    }
  });

  it('finds the same conflicts whichever side it shows', () => {
    for (const seed of seeds) {
      const sides = new SidesMaker(seed).make();
      const [theirs, ours] = (['published', 'mine'] as const).map((take) =>
        mergeManifests(sides, { sameDataset: 'stop', take }),
      );
      assert.deepEqual(ours?.conflicts, theirs?.conflicts, `seed ${seed}`);
      parseManifest(writeManifest(ours?.manifest ?? sides.base));
    }
  });
});
