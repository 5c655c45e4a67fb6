import type { GitProgram, Repository } from '../repo/repository';
import type { DiffEngine } from '../sqldiff/diffEngine';
import type { ObjectCache } from '../store/cache';
import type { ObjectStore } from '../store/objectStore';

/** What a store is opened for; `write` unless it is said. */
export type StorePurpose = 'read' | 'write';

/** What operations on a repository work with. A shell builds one by hand; nothing in it is opened before it is used. */
export interface OperationContext {
  readonly repository: Repository;
  readonly git: GitProgram;
  /**
   * Opens the store that the settings name, with the credentials that the shell has for it. To read, the public address of the objects
   * serves as well, where there are no credentials; nothing else is promised then than `head` and `get`.
   */
  readonly openStore: (purpose?: StorePurpose) => Promise<ObjectStore>;
  readonly cache: ObjectCache;
  readonly diffEngine: DiffEngine;
  readonly now: () => Date;
}
