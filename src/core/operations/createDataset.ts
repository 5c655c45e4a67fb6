import type { OperationContext } from './context';
import { type PublishOptions, type PublishResult, publishVersion } from './publishVersion';

/**
 * Publishes a file as `v1` of a new dataset.
 *
 * Throws NAME_INVALID, DATASET_EXISTS, FILE_* for the input, the errors of the store, and those of Git: PATH_DIRTY,
 * GIT_OPERATION_IN_PROGRESS, GIT_IDENTITY_MISSING, CONFIRMATION_NEEDED, BRANCH_DIVERGED, PUSH_REJECTED.
 *
 * @example
 * await createDataset(context, 'energy/utopia.sqlite', { file: 'utopia.sqlite', message: 'First import' });
 */
export function createDataset(
  context: OperationContext,
  name: string,
  options: PublishOptions,
): Promise<PublishResult> {
  return publishVersion(context, name, 'new', options);
}
