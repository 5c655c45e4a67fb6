import { checkDatasetName } from '../catalog/datasetName';
import type { Manifest } from '../catalog/manifest';
import { findDataset } from '../catalog/reference';
import { DataManagerError } from '../errors';

/** Whether the dataset must be new, must exist, or may be either. */
export type PublishTarget = 'new' | 'existing' | 'either';

/**
 * Checks that a name may be published to. Throws DATASET_NOT_FOUND, DATASET_EXISTS, NAME_INVALID.
 *
 * @example
 * checkTarget(manifest, 'utopia.sqlite', 'new');
 */
export function checkTarget(manifest: Manifest, name: string, target: PublishTarget): void {
  if (target === 'existing') {
    findDataset(manifest, name);
    return;
  }
  const clash = manifest.datasets.find((dataset) => folded(dataset.name) === folded(name));
  if (!clash || (clash.name === name && target === 'either')) {
    // A name that an older tool allowed may be updated, not made anew.
    if (!clash) checkDatasetName(name);
    return;
  }
  const problem =
    clash.name === name
      ? `There is a dataset called ${name} already.`
      : `${name} differs from the dataset ${clash.name} only in upper and lower case or in how accents are written.`;
  throw new DataManagerError('DATASET_EXISTS', problem, {
    hint: `Publish a new version of it with: datamanager update ${clash.name} FILE`,
    data: { name: clash.name },
  });
}

// Names that one file on macOS or Windows would stand for.
function folded(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
