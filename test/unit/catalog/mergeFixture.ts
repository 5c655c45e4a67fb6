import type { JsonObject } from '../../../src/core/catalog/json';
import type { Manifest } from '../../../src/core/catalog/manifest';
import { parseManifest } from '../../../src/core/catalog/parseManifest';
import { sha } from './manifestFixture';

/** A version in short: `v2:b` has bytes whose hash is all b; what follows are further members. */
export function entry(short: string, more: JsonObject = {}): JsonObject {
  const [version = '', digit = ''] = short.split(':');
  const sha256 = sha(digit);
  const json = {
    version,
    timestamp: `2026-01-0${digit}`,
    sha256,
    r2_object_key: `x/${sha256}`,
    diffFromPrevious: null,
  };
  return { ...json, commit: null, ...more };
}

/** A dataset with versions in short, newest first. */
export function dataset(name: string, history: readonly (string | JsonObject)[], more: JsonObject = {}): JsonObject {
  const entries = history.map((item) => (typeof item === 'string' ? entry(item) : item));
  return { fileName: name, latestVersion: entries[0]?.version ?? null, ...more, history: entries };
}

export function manifest(...datasets: readonly JsonObject[]): Manifest {
  return parseManifest(JSON.stringify(datasets));
}

/** The other way: `a v2:b v1:a`. */
export function inShort({ datasets }: Manifest): readonly string[] {
  return datasets.map(({ name, history }) =>
    [name, ...history.map(({ version, sha256 }) => `${version}:${sha256[0]}`)].join(' '),
  );
}
