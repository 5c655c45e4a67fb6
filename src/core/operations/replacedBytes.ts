import { stat } from 'node:fs/promises';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, resolveReference } from '../catalog/reference';
import type { Repository } from '../repo/repository';
import { hashFile } from '../store/hashFile';
import { type PullOptions, pullTarget } from './pullVersion';

/**
 * The file that a pull would replace, if its bytes would be lost: they are no version of that dataset. Null when there is
 * no file, or its bytes can be pulled again.
 *
 * Throws what pullVersion throws for the reference and the name, FILE_UNREADABLE, CANCELLED.
 *
 * @example
 * const lost = await replacedBytes(repository, 'utopia.sqlite@v2', { workingFolder: process.cwd() });
 */
export async function replacedBytes(
  repository: Repository,
  reference: string,
  options: PullOptions,
): Promise<string | null> {
  const { manifest } = await readCatalog(repository);
  const version = resolveReference(manifest, parseReference(reference));
  const target = await pullTarget(version, options);
  const found = await stat(target).catch(() => null);
  if (!found?.isFile() || found.size === 0) return null;
  const { sha256 } = await hashFile({ path: target, ...options });
  return version.dataset.history.some((entry) => entry.sha256 === sha256) ? null : target;
}
