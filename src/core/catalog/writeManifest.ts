import { type JsonObject, writeJson } from './json';
import type { Manifest } from './manifest';

// Members in this order (DESIGN §5), then those that we don't know in the order that they had.
const datasetOrder = [
  'fileName',
  'latestVersion',
  'description',
  'source',
  'license',
  'tags',
  'schema',
  'table',
  'period',
  'keys',
  'status',
];
const entryOrder = [
  'version',
  'timestamp',
  'sha256',
  'r2_object_key',
  'diffFromPrevious',
  'commit',
  'size',
  'description',
  'author',
  'source',
  'parents',
  'originalFile',
  'fiscalYear',
  'uploadDate',
  'contentHash',
  'status',
  'statusReason',
];

/**
 * The canonical text of a manifest: two-space indent, LF, trailing newline, stable member order, unknown members and
 * number spellings kept. `latestVersion` is set from the history. Writing what was read changes nothing but the form.
 *
 * @example
 * await writeFile('manifest.json', writeManifest(manifest));
 */
export function writeManifest(manifest: Manifest): string {
  return writeJson(
    manifest.datasets.map(({ json, history }) => {
      const { history: _, ...members } = json;
      return {
        ...ordered({ ...members, latestVersion: history[0].version }, datasetOrder),
        history: history.map((entry) => ordered(entry.json, entryOrder)),
      };
    }),
  );
}

function ordered(json: JsonObject, order: readonly string[]): JsonObject {
  const known = order.flatMap((key) => (Object.hasOwn(json, key) ? [[key, json[key] ?? null] as const] : []));
  const unknown = Object.entries(json).filter(([key]) => !order.includes(key));
  return Object.fromEntries([...known, ...unknown]);
}
