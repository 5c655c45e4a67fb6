import type { Event, TreeDataProvider } from 'vscode';
import type { RepositoryState } from './repositoryState';
import type { ActivityNode } from './tree/activityNodes';
import type { DatasetNode } from './tree/datasetNodes';
import type { HistoryNode } from './tree/historyNodes';

/**
 * What `activate()` returns to other extensions. Commands take options objects too (see `commands/`), so that everything a
 * person can do, a program can.
 */
export interface DataManagerApi {
  readonly apiVersion: 1;
  readonly repositories: {
    /** The repositories of the workspace, once they have been searched. */
    current(): Promise<readonly RepositoryState[]>;
    readonly onDidChange: Event<unknown>;
  };
  /** The rows of the views. */
  readonly datasets: TreeDataProvider<DatasetNode>;
  readonly history: TreeDataProvider<HistoryNode>;
  readonly activity: TreeDataProvider<ActivityNode>;
}
