import { DataManagerError, throwIfCancelled } from '../errors';

/** Each time somebody else's commit went through, so the last of ten who start at once still gets its turn. */
const maxAttempts = 10;

/**
 * Runs a read-change-commit of the manifest, again from the reading when somebody else committed in between (REF_MOVED): their
 * change stays, ours goes on top. `attempt` is told its number, from 1.
 *
 * @example
 * const { commit } = await retryWhenMoved(async () => commitPaths(changeOf(await readCatalog(repository))));
 */
export async function retryWhenMoved<T>(attempt: (count: number) => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await attempt(count);
    } catch (error) {
      if (count === maxAttempts || !DataManagerError.is(error, 'REF_MOVED')) throw error;
      throwIfCancelled(signal);
    }
  }
}
