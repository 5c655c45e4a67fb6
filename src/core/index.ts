// The package's programmatic entry (DESIGN §1): what a shell, a script or another extension may use. The only barrel.

// catalog
export { datasetNameProblem } from './catalog/datasetName';
export type { Dataset, LineageEdge, Manifest, VersionEntry, VersionStatus } from './catalog/manifest';
export { latest } from './catalog/manifest';
export type { ChangedVersion, DatasetChange } from './catalog/manifestChanges';
export { manifestChanges } from './catalog/manifestChanges';
export type { MergeConflict } from './catalog/mergeConflict';
export type { ManifestMerge, ManifestSides, MergeOptions } from './catalog/mergeManifests';
export { mergeManifests } from './catalog/mergeManifests';
export { parseManifest } from './catalog/parseManifest';
export type { Catalog } from './catalog/readCatalog';
export { readCatalog, readSettings } from './catalog/readCatalog';
export type { Reference, ResolvedVersion } from './catalog/reference';
export { parseReference, resolveReference } from './catalog/reference';
export type { RepositorySettings } from './catalog/settings';
export { writeManifest } from './catalog/writeManifest';
// errors and progress
export type { ErrorCode, ErrorDetails } from './errors';
export { DataManagerError } from './errors';
export type { LineageNode } from './lineage/lineage';
export type { OnConflict } from './operations/catchUp';
// operations
export type { CatalogCommit, LogPage } from './operations/commitLog';
export { commitLog } from './operations/commitLog';
export type { OperationContext } from './operations/context';
export { createDataset } from './operations/createDataset';
export type { VersionInfo } from './operations/datasetInfo';
export { datasetInfo } from './operations/datasetInfo';
export type { DiffResult } from './operations/diffFiles';
export { diffFiles } from './operations/diffFiles';
export type { DiffSide } from './operations/diffVersions';
export { diffVersions } from './operations/diffVersions';
export type { InitOptions, InitResult } from './operations/initRepository';
export { initRepository } from './operations/initRepository';
export type { LinkOptions, LinkResult } from './operations/linkVersions';
export { linkVersions } from './operations/linkVersions';
export type { DatasetRow } from './operations/listDatasets';
export { listDatasets } from './operations/listDatasets';
export type { PendingCommit } from './operations/pendingCommits';
export { pendingCommits } from './operations/pendingCommits';
export type { BranchOptions, PushResult } from './operations/publishBranch';
export type { PublishOptions, PublishResult } from './operations/publishVersion';
export type { PullOptions, PullResult } from './operations/pullVersion';
export { pullVersion } from './operations/pullVersion';
export { pushFile } from './operations/pushFile';
export { pushPending } from './operations/pushPending';
export type { RecoverResult } from './operations/recover';
export { recover } from './operations/recover';
export type { Recovered } from './operations/recoverTransactions';
export { recoverTransactions } from './operations/recoverTransactions';
export { replacedBytes } from './operations/replacedBytes';
export type { Resolution } from './operations/resolveConflict';
export { resolveConflict } from './operations/resolveConflict';
export type { LineageResult, LineageTree } from './operations/showLineage';
export { showLineage } from './operations/showLineage';
export { updateDataset } from './operations/updateDataset';
export type { StoreReport } from './operations/verifyStore';
export { verifyStore } from './operations/verifyStore';
export type { HistoryRow } from './operations/versionHistory';
export { versionHistory } from './operations/versionHistory';
export type { Monitor, OnProgress, Phase, Progress } from './progress';
// repository
export type { LocalState } from './repo/localCopies';
export { readLocalCopies } from './repo/localCopies';
export type { MergeDriverProgram } from './repo/mergeDriverConfig';
export { findRepository, openRepository } from './repo/openRepository';
export type { Commit } from './repo/readObjects';
export type { Head, Ref, Refs } from './repo/readRefs';
export { listRefs, readHead } from './repo/readRefs';
export type { GitProgram, Repository } from './repo/repository';
// comparison
export type { DiffAnswer, DiffEngine, DiffMonitor, DiffOutput, DiffRequest, TableRows } from './sqldiff/diffEngine';
export type { DiffSummary, RowChange, RowKey, SchemaChange, SqlValue, TableSummary } from './sqldiff/model';
export { createWorkerDiffEngine } from './sqldiff/workerDiffEngine';
// store
export type { ObjectCache } from './store/cache';
export { createCache } from './store/cache';
export { credentialsFromEnvironment, storeFromEnvironment } from './store/credentialsFromEnvironment';
export type { FollowFile, FollowThread } from './store/followThread';
export { createFollowThread } from './store/followThread';
export type { ObjectInfo, ObjectStore, StoreCheck } from './store/objectStore';
export type { OpenStoreOptions } from './store/openStore';
export { openStore } from './store/openStore';
export type { StoreCredentials, StoreSettings } from './store/storeSettings';
// transactions
export type { OnStep, PublishState, TransactionStep } from './transaction/steps';
