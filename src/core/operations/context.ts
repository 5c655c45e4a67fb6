import type { MergeDriverProgram } from '../repo/mergeDriverConfig';
import type { Credentials } from '../repo/remote/credentials';
import type { GitProgram, Repository } from '../repo/repository';
import type { DiffEngine } from '../sqldiff/diffEngine';
import type { ObjectCache } from '../store/cache';
import type { FollowFile } from '../store/followThread';
import type { ObjectStore } from '../store/objectStore';
import type { OnStep } from '../transaction/steps';

/** What a store is opened for; `write` unless it is said. */
export type StorePurpose = 'read' | 'write';

/** What operations on a repository work with. A shell builds one by hand; nothing in it is opened before it is used. */
export interface OperationContext {
  readonly repository: Repository;
  readonly git: GitProgram;
  /** What to sign in to a remote with where there is no git on this machine, or git has nothing. */
  readonly gitCredentials?: Credentials | undefined;
  /** True when a person waits for what is done: Git's helpers and ssh may then ask in windows of their own. */
  readonly interactive?: boolean | undefined;
  /**
   * Opens the store that the settings name, with the credentials that the shell has for it. To read, the public address of the objects
   * serves as well, where there are no credentials; nothing else is promised then than `head` and `get`.
   */
  readonly openStore: (purpose?: StorePurpose) => Promise<ObjectStore>;
  readonly cache: ObjectCache;
  readonly diffEngine: DiffEngine;
  /** Hashes what arrives; in this thread unless given. */
  readonly follow?: FollowFile | undefined;
  readonly now: () => Date;
  /** Told each step of a transaction, when it is on the disk. */
  readonly onStep?: OnStep | undefined;
  /** Milliseconds to wait for another process that changes this clone; 150 000 unless given. */
  readonly lockWaitMs?: number | undefined;
  /** How Git is to run the command line for merges; without it the clone's configuration stays as it is. */
  readonly mergeDriver?: MergeDriverProgram | undefined;
}
