import { DataManagerError } from '../errors';
import { type Dataset, latest, type Manifest, type VersionEntry } from './manifest';

/** `NAME`, `NAME@v3`, `NAME@latest` or `sha256:<8 or more hex digits>` (DESIGN §2). */
export type Reference =
  | { readonly kind: 'name'; readonly name: string; readonly version: string | null }
  | { readonly kind: 'hash'; readonly prefix: string };

export interface ResolvedVersion {
  readonly dataset: Dataset;
  readonly entry: VersionEntry;
}

/**
 * Reads a reference. A null version means the newest. Throws REFERENCE_INVALID.
 *
 * @example
 * parseReference('utopia.sqlite@v3'); // { kind: 'name', name: 'utopia.sqlite', version: 'v3' }
 */
export function parseReference(text: string): Reference {
  const hash = /^sha256:(.*)$/is.exec(text)?.[1]?.toLowerCase();
  if (hash !== undefined) {
    if (!/^[0-9a-f]{8,64}$/.test(hash)) throw invalid(text, 'after "sha256:" there must be 8 to 64 hex digits');
    return { kind: 'hash', prefix: hash };
  }
  const at = text.lastIndexOf('@');
  const name = at === -1 ? text : text.slice(0, at);
  if (name === '') throw invalid(text, 'the name is missing');
  if (at === -1) return { kind: 'name', name, version: null };
  const version = text.slice(at + 1).toLowerCase();
  if (version === 'latest') return { kind: 'name', name, version: null };
  if (!/^v?[1-9]\d{0,8}$/.test(version)) throw invalid(text, 'after "@" there must be v1, v2, ... or "latest"');
  return { kind: 'name', name, version: version.startsWith('v') ? version : `v${version}` };
}

function invalid(text: string, problem: string): DataManagerError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
  return new DataManagerError('REFERENCE_INVALID', `${shown} is not a reference: ${problem}.`, {
    hint: 'Write NAME, NAME@v3, NAME@latest or sha256:0123abcd.',
  });
}

/**
 * The dataset of that name. Throws DATASET_NOT_FOUND, with the nearest name as a hint.
 *
 * @example
 * const dataset = findDataset(manifest, 'utopia.sqlite');
 */
export function findDataset(manifest: Manifest, name: string): Dataset {
  const found = manifest.datasets.find((dataset) => dataset.name === name);
  if (found) return found;
  const lower = name.toLowerCase();
  const near = manifest.datasets.find(
    (dataset) => dataset.name.toLowerCase().includes(lower) || lower.includes(dataset.name.toLowerCase()),
  );
  throw new DataManagerError('DATASET_NOT_FOUND', `There is no dataset called ${JSON.stringify(name)}.`, {
    hint: near ? `Did you mean ${near.name}?` : 'List the datasets with: datamanager list',
    data: { name },
  });
}

/**
 * The version that a reference names; a version that is pending or deleted is found too.
 *
 * Throws DATASET_NOT_FOUND, VERSION_NOT_FOUND, and REFERENCE_AMBIGUOUS when a hash prefix fits different bytes. Equal bytes
 * under several names resolve to the first in the manifest, newest version first.
 *
 * @example
 * const { dataset, entry } = resolveReference(manifest, parseReference('sha256:0123abcd'));
 */
export function resolveReference(manifest: Manifest, reference: Reference): ResolvedVersion {
  if (reference.kind === 'hash') return resolveHash(manifest, reference.prefix);
  const dataset = findDataset(manifest, reference.name);
  if (reference.version === null) return { dataset, entry: latest(dataset) };
  const entry = dataset.history.find(({ version }) => version === reference.version);
  if (entry) return { dataset, entry };
  throw new DataManagerError('VERSION_NOT_FOUND', `${dataset.name} has no version ${reference.version}.`, {
    hint: `Its newest is ${latest(dataset).version}. See: datamanager history ${dataset.name}`,
    data: { name: dataset.name, version: reference.version },
  });
}

function resolveHash(manifest: Manifest, prefix: string): ResolvedVersion {
  const found = manifest.datasets.flatMap((dataset) =>
    dataset.history.filter((entry) => entry.sha256.startsWith(prefix)).map((entry) => ({ dataset, entry })),
  );
  const [first] = found;
  if (!first) {
    throw new DataManagerError('VERSION_NOT_FOUND', `No version has a SHA-256 that begins with ${prefix}.`, {
      hint: 'See the hashes with: datamanager list --json',
    });
  }
  if (found.some(({ entry }) => entry.sha256 !== first.entry.sha256)) {
    throw new DataManagerError('REFERENCE_AMBIGUOUS', `Several versions have a SHA-256 that begins with ${prefix}.`, {
      hint: 'Give more digits.',
      data: { matches: found.map(({ dataset, entry }) => `${dataset.name}@${entry.version}`) },
    });
  }
  return first;
}
