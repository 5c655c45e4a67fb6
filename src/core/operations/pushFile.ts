import path from 'node:path';
import type { OperationContext } from './context';
import { type PublishOptions, type PublishResult, publishVersion } from './publishVersion';

/**
 * Publishes a file under its own name (or the one given): creates the dataset or updates it, whichever fits.
 *
 * Throws what createDataset and updateDataset throw.
 *
 * @example
 * await pushFile(context, undefined, { file: 'data/utopia.sqlite' }); // dataset "utopia.sqlite"
 */
export function pushFile(
  context: OperationContext,
  name: string | undefined,
  options: PublishOptions,
): Promise<PublishResult> {
  return publishVersion(context, name ?? path.basename(options.file), 'either', options);
}
