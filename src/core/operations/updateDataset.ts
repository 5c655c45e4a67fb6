import type { OperationContext } from './context';
import { type PublishOptions, type PublishResult, publishVersion } from './publishVersion';

/**
 * Publishes a file as the next version of a dataset. The same bytes as the newest version are `unchanged`: nothing is sent
 * or committed.
 *
 * Throws DATASET_NOT_FOUND and what createDataset throws for the file, the store and Git.
 *
 * @example
 * await updateDataset(context, 'energy/utopia.sqlite', { file: 'utopia.sqlite', message: 'Revise cost curve' });
 */
export function updateDataset(
  context: OperationContext,
  name: string,
  options: PublishOptions,
): Promise<PublishResult> {
  return publishVersion(context, name, 'existing', options);
}
