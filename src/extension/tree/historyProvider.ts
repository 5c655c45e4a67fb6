import * as vscode from 'vscode';
import type { LogPage } from '../../core/operations/commitLog';
import type { Repositories } from '../repositories';
import type { RepositoryState } from '../repositoryState';
import { editorWords } from '../ui/editorWords';
import {
  type Branch,
  type BranchNode,
  branchNodes,
  changeNodes,
  commitNodes,
  commitPage,
  type HistoryNode,
  historyParent,
  historyRepositoryNode,
} from './historyNodes';
import { historyRow, historyTooltip } from './historyRow';
import { tooltip, treeItem } from './treeItem';

/** The History view: branches, their commits that changed the catalog, and the versions that each touched. */
export class HistoryProvider implements vscode.TreeDataProvider<HistoryNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<HistoryNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly shown = new Map<string, number>();
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly repositories: Repositories,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.subscription = repositories.onDidChange(({ history }) => {
      if (history) this.changed.fire(undefined);
    });
  }

  async getChildren(node?: HistoryNode): Promise<HistoryNode[]> {
    if (node) return [...(await this.childrenOf(node))];
    const repositories = await this.repositories.current();
    const [only, ...others] = repositories;
    if (!only) return [];
    return others.length > 0 ? repositories.map(historyRepositoryNode) : [...(await this.branchesOf(only))];
  }

  getTreeItem(node: HistoryNode): vscode.TreeItem {
    return treeItem(node, historyRow(node, editorWords()));
  }

  resolveTreeItem(item: vscode.TreeItem, node: HistoryNode): vscode.TreeItem {
    item.tooltip = tooltip(historyTooltip(node, editorWords()));
    return item;
  }

  getParent(node: HistoryNode): HistoryNode | undefined {
    return historyParent(node, this.repositories.known.length) ?? undefined;
  }

  showMore(node: Extract<HistoryNode, { kind: 'moreCommits' }>): void {
    this.shown.set(node.of.id, (this.shown.get(node.of.id) ?? commitPage) + commitPage);
    this.changed.fire(node.of);
  }

  dispose(): void {
    this.subscription.dispose();
    this.changed.dispose();
  }

  private async childrenOf(node: HistoryNode): Promise<readonly HistoryNode[]> {
    switch (node.kind) {
      case 'repository':
        return this.branchesOf(node.state);
      case 'branch':
        return this.commitsOf(node);
      case 'commit':
        return changeNodes(node);
      default:
        return [];
    }
  }

  private async branchesOf(state: RepositoryState): Promise<readonly HistoryNode[]> {
    try {
      return branchNodes(state, await readBranches(state), this.repositories.known.length);
    } catch (error) {
      return [this.problem(null, `history:${state.folder}`, error)];
    }
  }

  private async commitsOf(node: BranchNode): Promise<readonly HistoryNode[]> {
    try {
      return commitNodes(node, await this.page(node));
    } catch (error) {
      return [this.problem(node, node.id, error)];
    }
  }

  private async page({ id, state, branch }: BranchNode): Promise<LogPage> {
    const { commitLog } = await import('../../core/operations/commitLog');
    const limit = this.shown.get(id) ?? commitPage;
    return commitLog({ repository: state.repository }, { from: branch.oid, limit });
  }

  private problem(parent: BranchNode | null, id: string, error: unknown): HistoryNode {
    this.log.error(error instanceof Error ? error : String(error));
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'historyProblem', id: `${id}/problem`, parent, message };
  }
}

// Loaded on first use: reading Git history needs isomorphic-git, which activation must not pay for.
async function readBranches({ repository }: RepositoryState): Promise<readonly Branch[]> {
  const { listRefs, readHead } = await import('../../core/repo/readRefs');
  const [head, refs] = await Promise.all([readHead(repository), listRefs(repository)]);
  const current: Branch[] =
    head.oid === null ? [] : [{ name: head.branch ?? head.oid.slice(0, 8), oid: head.oid, place: 'current' }];
  const local = refs.branches.filter(({ name }) => name !== head.branch);
  return [
    ...current,
    ...local.map((ref): Branch => ({ ...ref, place: 'local' })),
    ...refs.remoteBranches.map((ref): Branch => ({ ...ref, place: 'remote' })),
  ];
}
