import type { ResolvedVersion } from '../catalog/reference';
import { DataManagerError } from '../errors';

/**
 * Throws VERSION_NOT_AVAILABLE when the manifest says that a version's bytes are not in the store: still staged by the
 * original tool, or withdrawn.
 *
 * @example
 * checkAvailable(resolveReference(manifest, reference));
 */
export function checkAvailable({ dataset, entry }: ResolvedVersion): void {
  const label = `${dataset.name}@${entry.version}`;
  const status = dataset.status === 'published' ? entry.status : dataset.status;
  const problem = {
    published: null,
    'pending-deletion': null, // marked, but the bytes are there until the original tool's next run
    pending: `${label} is pending: its bytes are staged and not published yet.`,
    deleted: `${label} was withdrawn${entry.statusReason ? `: ${entry.statusReason}` : ''}.`,
  }[status];
  if (problem === null) return;
  throw new DataManagerError('VERSION_NOT_AVAILABLE', problem, {
    hint: `Choose another version; see: datamanager history ${dataset.name}`,
    data: { name: dataset.name, version: entry.version, status },
  });
}
