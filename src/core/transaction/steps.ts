/**
 * The states of a publish in its journal (DESIGN §8). From COMMIT_BUILT on the branch may hold the commit; only Git knows. DONE is
 * never written: the journal is gone then.
 */
export type PublishState = 'INTENT' | 'HASHED' | 'UPLOADING' | 'UPLOADED' | 'COMMIT_BUILT' | 'PUSHING' | 'DONE';

/** What was just made durable, for those who follow a transaction. A process may die behind any of them. */
export type TransactionStep =
  | PublishState
  | 'LOCKED'
  | 'FAST_FORWARDED'
  | 'COMMITTED'
  | 'PUSHED'
  | 'UNLOCKED'
  | 'REBUILD_PLANNED'
  | 'REBUILD_REWOUND'
  | 'REBUILD_MOVED'
  | 'REBUILD_DONE'
  | 'RECOVERY_BEGUN'
  | 'RECOVERED';

export type OnStep = (step: TransactionStep) => void;
