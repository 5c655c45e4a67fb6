import path from 'node:path';
import * as vscode from 'vscode';
import { createWorkerDiffEngine } from '../core/sqldiff/workerDiffEngine';
import { createCache } from '../core/store/cache';
import { cacheFolder } from '../core/store/cacheFolder';
import { createFollowThread } from '../core/store/followThread';
import { ActivityList } from './activity/activityList';
import { PendingWork } from './activity/pendingWork';
import type { DataManagerApi } from './api';
import { trimCacheLater } from './cacheUpkeep';
import { registerCommands } from './commands/table';
import { Comparisons } from './documents/comparisons';
import { DiffDocuments } from './documents/diffDocuments';
import { DocumentLinks } from './documents/documentLinks';
import { rowsLanguage, stickyNames } from './documents/stickyNames';
import { Repositories } from './repositories';
import { Operations, type Services } from './services';
import { contextRows, contextRowsSetting, searchDepth } from './settings';
import { StatusBar } from './statusBar';
import { ActivityProvider, keepBadge } from './tree/activityProvider';
import { DatasetsProvider } from './tree/datasetsProvider';
import { HistoryProvider } from './tree/historyProvider';
import { Credentials } from './ui/credentials';
import { activityView, datasetsView, documentScheme, historyView } from './ui/ids';
import { StoreTrust } from './ui/storeTrust';
import { keepViewContext } from './viewContext';

/** Puts the parts together. Reads no file and loads neither S3, nor SQLite, nor Git: the first use of each does. */
export function activate({
  subscriptions,
  secrets,
  globalState,
  extensionPath,
}: vscode.ExtensionContext): DataManagerApi {
  const log = vscode.window.createOutputChannel('Data Manager', { log: true });
  const repositories = new Repositories({ log, searchDepth });
  const credentials = new Credentials(secrets, process.env);
  const storeTrust = new StoreTrust(globalState);
  const cache = createCache({ folder: cacheFolder(process.env) });
  const diffEngine = createWorkerDiffEngine({ workerPath: path.join(extensionPath, 'dist', 'worker.js') });
  const hashing = createFollowThread(path.join(extensionPath, 'dist', 'follower.js'));
  const operations = new Operations(repositories, {
    ...{ cache, diffEngine, credentials, storeTrust },
    follow: hashing.follow,
  });
  const comparisons = new Comparisons(operations, contextRows);
  const documents = new DiffDocuments(comparisons, log);
  const activities = new ActivityList();
  const pendingWork = new PendingWork(repositories, log, (folder) => activities.isWriting(folder));
  const datasets = new DatasetsProvider(repositories, pendingWork);
  const history = new HistoryProvider(repositories, log);
  const activity = new ActivityProvider(activities, pendingWork);
  const services: Services = {
    log,
    repositories,
    credentials,
    storeTrust,
    comparisons,
    datasets,
    history,
    operations,
    activities,
    pendingWork,
  };

  const options = { showCollapseAll: true, canSelectMany: true };
  const datasetsTree = vscode.window.createTreeView(datasetsView, { treeDataProvider: datasets, ...options });
  const historyTree = vscode.window.createTreeView(historyView, { treeDataProvider: history, showCollapseAll: true });
  const activityTree = vscode.window.createTreeView(activityView, { treeDataProvider: activity });
  subscriptions.push(
    log,
    repositories,
    datasets,
    history,
    datasetsTree,
    historyTree,
    { dispose: () => void diffEngine.dispose() },
    { dispose: () => void hashing.dispose() },
    keepViewContext(repositories, operations, datasetsTree),
    pendingWork,
    activity,
    activityTree,
    keepBadge(activityTree, activity),
    // A process may have died since it was read.
    activityTree.onDidChangeVisibility(({ visible }) => visible && pendingWork.soon()),
    new StatusBar(pendingWork),
    vscode.workspace.registerTextDocumentContentProvider(documentScheme, documents),
    documents,
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(`datamanager.${contextRowsSetting}`)) documents.refreshRows();
    }),
    vscode.languages.registerDocumentLinkProvider({ scheme: documentScheme }, new DocumentLinks(comparisons)),
    vscode.languages.registerFoldingRangeProvider({ scheme: documentScheme, language: rowsLanguage }, stickyNames),
    registerCommands(services),
    trimCacheLater(cache, log),
  );
  void repositories.refresh();
  return { apiVersion: 1, repositories, datasets, history, activity };
}
