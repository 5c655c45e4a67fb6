import assert from 'node:assert/strict';
import type { Dataset, VersionEntry } from '../../src/core/catalog/manifest';
import { datasetFromJson } from '../../src/core/catalog/parseManifest';
import type { ResolvedVersion } from '../../src/core/catalog/reference';
import { readVersionMeta } from '../../src/core/catalog/versionMeta';
import { writeManifest } from '../../src/core/catalog/writeManifest';
import type { ObjectStore } from '../../src/core/store/objectStore';

const metaName = /^(.*?)(?:\.also-[0-9a-f]{16})?\.meta\.json$/s;

/** Every `.meta.json` of a store, by its key; the test fails over one that describes nothing, or no object. */
export async function metasOf(store: ObjectStore): Promise<ReadonlyMap<string, ResolvedVersion>> {
  const metas = new Map<string, ResolvedVersion>();
  for await (const { key } of store.list('')) {
    const object = metaName.exec(key)?.[1];
    if (object === undefined) continue;
    const pieces: Buffer[] = [];
    for await (const piece of store.get(key)) pieces.push(Buffer.from(piece));
    const version = readVersionMeta(Buffer.concat(pieces).toString('utf8'), object);
    assert.ok(version, `${key} describes a version`);
    metas.set(key, version);
  }
  return metas;
}

/** What is described in a store, as `name@version`, in order; the test fails unless each is what these datasets say. */
export async function checkedMetas(store: ObjectStore, datasets: readonly Dataset[]): Promise<readonly string[]> {
  const names: string[] = [];
  for (const { dataset, entry } of (await metasOf(store)).values()) {
    const name = `${dataset.name}@${entry.version}`;
    const { history = [] } = datasets.find((other) => other.name === dataset.name) ?? {};
    assert.deepEqual(entry.json, history.find(({ version }) => version === entry.version)?.json, name);
    names.push(name);
  }
  return names.sort();
}

/** The text of `manifest.json`, made from the bucket alone: datasets in the order in which they were first published. */
export async function manifestOfBucket(store: ObjectStore): Promise<string> {
  const byName = new Map<string, ResolvedVersion[]>();
  for (const version of (await metasOf(store)).values()) {
    const { name } = version.dataset;
    byName.set(name, [...(byName.get(name) ?? []), version]);
  }
  const since = ({ timestamp }: VersionEntry): number => Date.parse(timestamp);
  const datasets = [...byName.values()].map((versions) => {
    versions.sort((a, b) => b.entry.number - a.entry.number);
    // The newest says what the dataset is; a number that two versions have is refused here.
    return datasetFromJson({ ...versions[0]?.dataset.json, history: versions.map(({ entry }) => entry.json) });
  });
  const first = (i: { readonly history: readonly VersionEntry[] }): number =>
    Math.min(...i.history.map((entry) => since(entry)));
  return writeManifest({ datasets: datasets.sort((a, b) => first(a) - first(b)) });
}
