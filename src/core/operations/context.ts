import type { MergeDriverProgram } from '../repo/mergeDriverConfig';
import type { GitProgram, Repository } from '../repo/repository';
import type { DiffEngine } from '../sqldiff/diffEngine';
import type { ObjectCache } from '../store/cache';
import type { ObjectStore } from '../store/objectStore';

/** What operations on a repository work with. A shell builds one by hand; nothing in it is opened before it is used. */
export interface OperationContext {
  readonly repository: Repository;
  readonly git: GitProgram;
  /** Opens the store that the settings name, with the credentials that the shell has for it. */
  readonly openStore: () => Promise<ObjectStore>;
  readonly cache: ObjectCache;
  readonly diffEngine: DiffEngine;
  readonly now: () => Date;
  /** How Git is to run the command line for merges; without it the clone's configuration stays as it is. */
  readonly mergeDriver?: MergeDriverProgram | undefined;
}
