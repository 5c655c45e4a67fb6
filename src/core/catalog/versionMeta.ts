import { DataManagerError } from '../errors';
import { datasetFromJson, parseManifest } from './parseManifest';
import type { ResolvedVersion } from './reference';
import { writeManifest } from './writeManifest';

/**
 * What is kept beside an object as `.meta.json` (DESIGN §6): a manifest of one dataset with one version, so that whoever reads
 * manifests can read it, the original tool too, and all of them put together are the catalog again. It says nothing that the
 * manifest does not say, so no path of this machine and no key.
 *
 * It is written once and stays as the version was when it was published: what changes in the catalog later (a link, a description
 * of the dataset) is in Git, and goes along with the next version.
 *
 * @example
 * const text = writeVersionMeta({ dataset, entry });
 */
export function writeVersionMeta({ dataset, entry }: ResolvedVersion): string {
  return writeManifest({ datasets: [datasetFromJson({ ...dataset.json, history: [entry.json] })] });
}

/**
 * The version that the text beside the object `key` is about. Anybody who may write to the bucket may have written it: null for
 * everything that is not one version of one dataset, with its bytes under that key. Whether the bytes fit is for their SHA-256 to say.
 *
 * @example
 * const version = readVersionMeta(text, 'utopia/3f5a.sqlite');
 */
export function readVersionMeta(text: string, key: string): ResolvedVersion | null {
  try {
    const [dataset, ...others] = parseManifest(text).datasets;
    const [entry, ...older] = dataset?.history ?? [];
    if (!dataset || !entry || others.length > 0 || older.length > 0) return null;
    return entry.key === key ? { dataset, entry } : null;
  } catch (error) {
    if (DataManagerError.is(error, 'MANIFEST_INVALID')) return null;
    throw error;
  }
}
