import * as vscode from 'vscode';
import type { PendingWork } from '../activity/pendingWork';
import type { Repositories } from '../repositories';
import { editorWords } from '../ui/editorWords';
import { type DatasetNode, datasetChildren, datasetParent, versionPage } from './datasetNodes';
import { datasetRow } from './datasetRow';
import { datasetTooltip } from './datasetTooltip';
import { tooltip, treeItem } from './treeItem';

/** The Datasets view: repositories (when several), datasets, versions, and their lineage. */
export class DatasetsProvider implements vscode.TreeDataProvider<DatasetNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<DatasetNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly shown = new Map<string, number>();
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly repositories: Repositories,
    private readonly work: PendingWork,
  ) {
    this.subscription = vscode.Disposable.from(
      repositories.onDidChange(({ datasets }) => {
        if (datasets) this.changed.fire(undefined);
      }),
      work.onDidChange(() => this.changed.fire(undefined)),
    );
  }

  async getChildren(node?: DatasetNode): Promise<DatasetNode[]> {
    const repositories = await this.repositories.current();
    return [...datasetChildren(node ?? null, { repositories, shown: this.shown })];
  }

  getTreeItem(node: DatasetNode): vscode.TreeItem {
    return treeItem(node, datasetRow(node, editorWords(), this.work.waits));
  }

  resolveTreeItem(item: vscode.TreeItem, node: DatasetNode): vscode.TreeItem {
    item.tooltip = tooltip(datasetTooltip(node, editorWords()));
    return item;
  }

  getParent(node: DatasetNode): DatasetNode | undefined {
    return datasetParent(node, this.repositories.known.length) ?? undefined;
  }

  showMore(node: Extract<DatasetNode, { kind: 'more' }>): void {
    this.shown.set(node.of.id, (this.shown.get(node.of.id) ?? versionPage) + versionPage);
    this.changed.fire(node.of);
  }

  dispose(): void {
    this.subscription.dispose();
    this.changed.dispose();
  }
}
