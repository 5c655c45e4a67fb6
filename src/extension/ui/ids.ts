/** Every command that package.json contributes; `commands/table.ts` must handle each (a test compares the three). */
export const commandIds = [
  'datamanager.createDataset',
  'datamanager.addFile',
  'datamanager.updateDataset',
  'datamanager.pullVersion',
  'datamanager.comparePrevious',
  'datamanager.compareVersions',
  'datamanager.compareFileWithVersion',
  'datamanager.compareLocalCopy',
  'datamanager.compareSelectedFiles',
  'datamanager.showMoreRows',
  'datamanager.verifyStore',
  'datamanager.copySha256',
  'datamanager.linkParent',
  'datamanager.pushPending',
  'datamanager.pauseActivity',
  'datamanager.resumeActivity',
  'datamanager.clearActivity',
  'datamanager.resolveConflict',
  'datamanager.finishInterrupted',
  'datamanager.undoInterrupted',
  'datamanager.makeWholeObjects',
  'datamanager.initRepository',
  'datamanager.setCredentials',
  'datamanager.openSettings',
  'datamanager.refresh',
  'datamanager.showLog',
  'datamanager.showMore',
] as const;

export type CommandId = (typeof commandIds)[number];

export const datasetsView = 'datamanager.datasets';
export const historyView = 'datamanager.history';
export const activityView = 'datamanager.activity';

/** Scheme of the documents that a comparison shows. */
export const documentScheme = 'datamanager';

/** Context keys that package.json's `when` clauses read. */
export const contextKeys = {
  /** `loading`, `noRepository`, `empty` or `ready`. */
  state: 'datamanager.state',
  hasRepository: 'datamanager.hasRepository',
  /** True when no repository names a store. */
  storeMissing: 'datamanager.storeMissing',
  gitMissing: 'datamanager.gitMissing',
} as const;
