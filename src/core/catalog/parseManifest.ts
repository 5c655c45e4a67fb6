import { isArray, isObject, type JsonObject, type JsonPath, type JsonSource, jsonError, parseJson } from './json';
import type { Dataset, LineageEdge, Manifest, VersionEntry, VersionStatus } from './manifest';

const sha256Pattern = /^[0-9a-f]{64}$/;
const versionPattern = /^v([1-9]\d{0,8})$/;

/**
 * Reads a manifest: every file that the original tool wrote, and ours. Unknown members are kept.
 *
 * Throws MANIFEST_INVALID with the exact position for text that is not JSON, a root that is not an array, an empty history,
 * a missing or malformed `fileName`, `version`, `sha256` or `r2_object_key`, and names or versions that occur twice.
 *
 * @example
 * const { datasets } = parseManifest(await readFile('manifest.json', 'utf8'));
 */
export function parseManifest(text: string, file = 'manifest.json'): Manifest {
  const source: JsonSource = { file, text, code: 'MANIFEST_INVALID' };
  const root = parseJson(source);
  if (!isArray(root)) throw jsonError(source, [], 'must be an array of datasets');
  const datasets = root.map((value, i) => {
    if (!isObject(value)) throw jsonError(source, [i], 'must be an object that describes a dataset');
    return readDataset(source, [i], value);
  });
  const seen = new Set<string>();
  datasets.forEach(({ name }, i) => {
    if (seen.has(name)) throw jsonError(source, [i, 'fileName'], `is used twice: "${name}"`);
    seen.add(name);
  });
  return { datasets };
}

/**
 * The typed view of a dataset's JSON, for code that has just built it. Throws MANIFEST_INVALID like parseManifest.
 *
 * @example
 * const dataset = datasetFromJson({ ...old.json, history: [entry, ...old.history.map((h) => h.json)] });
 */
export function datasetFromJson(json: JsonObject): Dataset {
  const source: JsonSource = { file: 'manifest.json', text: '', code: 'MANIFEST_INVALID' };
  return readDataset(source, [], json);
}

function readDataset(source: JsonSource, path: JsonPath, json: JsonObject): Dataset {
  const name = json.fileName;
  if (typeof name !== 'string' || name === '') {
    throw jsonError(source, [...path, 'fileName'], 'must be the name of the dataset');
  }
  const entries = json.history;
  if (!isArray(entries)) throw jsonError(source, [...path, 'history'], 'must be an array of versions');
  const history = entries.map((value, i) => {
    if (!isObject(value))
      throw jsonError(source, [...path, 'history', i], 'must be an object that describes a version');
    return readEntry(source, [...path, 'history', i], value);
  });
  const [first, ...rest] = history;
  if (!first) throw jsonError(source, [...path, 'history'], 'must not be empty');
  const numbers = new Set<number>();
  history.forEach(({ number, version }, i) => {
    if (numbers.has(number)) throw jsonError(source, [...path, 'history', i, 'version'], `is used twice: "${version}"`);
    numbers.add(number);
  });
  return {
    name,
    description: text(json.description),
    source: text(json.source),
    license: text(json.license),
    tags: isArray(json.tags) ? json.tags.filter((tag) => typeof tag === 'string') : [],
    keys: readKeys(json),
    status: readStatus(json),
    history: [first, ...rest],
    json,
  };
}

function readEntry(source: JsonSource, path: JsonPath, json: JsonObject): VersionEntry {
  const version = json.version;
  const number = typeof version === 'string' ? versionPattern.exec(version)?.[1] : undefined;
  if (typeof version !== 'string' || number === undefined) {
    throw jsonError(source, [...path, 'version'], 'must be "v1", "v2" and so on');
  }
  const sha256 = json.sha256;
  if (typeof sha256 !== 'string' || !sha256Pattern.test(sha256)) {
    throw jsonError(source, [...path, 'sha256'], 'must be 64 lower-case hex digits');
  }
  const key = json.r2_object_key;
  if (typeof key !== 'string' || key === '') {
    throw jsonError(source, [...path, 'r2_object_key'], 'must be the key of the object in the store');
  }
  return {
    version,
    number: Number(number),
    timestamp: text(json.timestamp) ?? '',
    sha256,
    key,
    diffFromPrevious: text(json.diffFromPrevious),
    recordedCommit: text(json.commit),
    size: typeof json.size === 'number' && Number.isSafeInteger(json.size) && json.size >= 0 ? json.size : null,
    description: text(json.description),
    author: text(json.author),
    source: text(json.source),
    parents: readParents(json),
    contentHash: text(json.contentHash),
    status: readStatus(json),
    statusReason: text(json.statusReason),
    json,
  };
}

// The original tool marks a version that is not in the store yet by `staging_key` and the word "pending-merge" as commit.
function readStatus(json: JsonObject): VersionStatus {
  const status = json.status;
  if (status === 'deleted' || status === 'pending-deletion') return status;
  const staged = typeof json.staging_key === 'string' || json.commit === 'pending-merge';
  return staged ? 'pending' : 'published';
}

function readParents(json: JsonObject): readonly LineageEdge[] {
  if (!isArray(json.parents)) return [];
  return json.parents.flatMap((value) => {
    if (!isObject(value)) return [];
    const { sha256, name, version } = value;
    return typeof sha256 === 'string' && typeof name === 'string' && typeof version === 'string'
      ? [{ sha256, name, version }]
      : [];
  });
}

function readKeys(json: JsonObject): Readonly<Record<string, readonly string[]>> {
  if (!isObject(json.keys)) return {};
  return Object.fromEntries(
    Object.entries(json.keys).flatMap(([table, columns]) =>
      isArray(columns) ? [[table, columns.filter((column) => typeof column === 'string')]] : [],
    ),
  );
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
