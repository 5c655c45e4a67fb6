import { join } from 'node:path';
import { DataManagerError } from '../errors';
import type { Repository } from '../repo/repository';
import { readJson, writeDurably } from '../transaction/durableJson';

interface Published {
  readonly name: string;
  readonly sha256: string;
}

/**
 * Returns when this conflict, of the same bytes that wait here with the same version of somebody else's, was shown before: whoever
 * runs the same command again has seen it and puts theirs on top, as after a conflict whose commit was taken back. The first time
 * it is noted as shown, and thrown with that offer.
 *
 * Throws every other error as it is.
 *
 * @example
 * await prepareBranch(context, options).catch((error) => requireShown(repository, error, { name, sha256 }));
 */
export async function requireShown(repository: Repository, error: unknown, { name, sha256 }: Published): Promise<void> {
  if (!DataManagerError.is(error, 'DATASET_CONFLICT')) throw error;
  const { pending, theirs, mine } = error.data;
  const theirSha256 = sha256Of(theirs);
  if (pending !== true || error.data.name !== name || theirSha256 === null || sha256Of(mine) !== sha256) throw error;
  const file = join(repository.commonDir, 'datamanager', 'shown-conflict.json');
  const shown = { name, theirs: theirSha256, mine: sha256 };
  if (JSON.stringify(await readJson(file)) === JSON.stringify(shown)) return;
  await writeDurably(file, shown);
  const hint = `${error.hint ?? ''} To put it on top you can also run the same command again.`.trim();
  throw new DataManagerError(error.code, error.message, { hint, data: error.data, cause: error });
}

function sha256Of(side: unknown): string | null {
  const { sha256 } = (side ?? {}) as { readonly sha256?: unknown };
  return typeof sha256 === 'string' ? sha256 : null;
}
