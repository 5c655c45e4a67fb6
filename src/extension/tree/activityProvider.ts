import * as vscode from 'vscode';
import type { Activity, ActivityChange, ActivityList } from '../activity/activityList';
import type { PendingWork } from '../activity/pendingWork';
import { editorWords } from '../ui/editorWords';
import {
  type ActivityNode,
  type ActivityRowNode,
  activityNode,
  activityRoots,
  countNeeds,
  type FigureNode,
  pendingVersions,
} from './activityNodes';
import { activityRow } from './activityRow';
import { activityTooltip, figureFacts } from './activityTooltip';
import { tooltip, treeItem } from './treeItem';

/**
 * Rows whose figures moved are drawn again no more often: VS Code makes a row's buttons anew each time, and one that is replaced
 * while the mouse is down on it hears no click. Milliseconds.
 */
const figuresEveryMs = 1_000;

/** The Activity view: what runs and ran in this window, what waits to be pushed, what a crash left behind. */
export class ActivityProvider implements vscode.TreeDataProvider<ActivityNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<ActivityNode[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly subscriptions: { dispose(): void }[];
  /** VS Code knows a row again by the object it was given. */
  private readonly nodes = new WeakMap<Activity, ActivityRowNode>();
  private readonly moved = new Set<Activity>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly activities: ActivityList,
    private readonly work: PendingWork,
  ) {
    this.subscriptions = [
      this.changed,
      activities.subscribe((change) => this.onActivity(change)),
      work.onDidChange(() => this.changed.fire(undefined)),
      { dispose: () => clearTimeout(this.timer) },
    ];
  }

  /** The rows at the top. */
  get roots(): readonly ActivityNode[] {
    return activityRoots(this.activities.all, this.work.known).map((node) =>
      node.kind === 'activity' ? this.nodeOf(node.activity) : node,
    );
  }

  getChildren(node?: ActivityNode): ActivityNode[] {
    if (!node) return [...this.roots];
    if (node.kind === 'activity') return figureNodes(node);
    return node.kind === 'pending' ? [...pendingVersions(node)] : [];
  }

  getTreeItem(node: ActivityNode): vscode.TreeItem {
    return treeItem(node, activityRow(node, editorWords()));
  }

  resolveTreeItem(item: vscode.TreeItem, node: ActivityNode): vscode.TreeItem {
    item.tooltip = tooltip(activityTooltip(node, editorWords()));
    return item;
  }

  getParent(node: ActivityNode): ActivityNode | undefined {
    return node.kind === 'pendingVersion' || node.kind === 'figure' ? node.of : undefined;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private onActivity(change: ActivityChange): void {
    if (change.kind !== 'figures') {
      // A state moves its row to another place.
      this.changed.fire(undefined);
      return;
    }
    this.moved.add(change.activity);
    this.timer ??= setTimeout(() => this.redrawMoved(), figuresEveryMs);
  }

  private redrawMoved(): void {
    this.timer = undefined;
    const moved = [...this.moved].filter(({ endedAt }) => endedAt === null);
    this.moved.clear();
    if (moved.length === 0) return;
    this.changed.fire(moved.map((activity) => this.nodeOf(activity)));
    // A line that stalls reports nothing; its speed falls all the same.
    for (const activity of moved) if (activity.figures?.speed) this.moved.add(activity);
    if (this.moved.size > 0) this.timer = setTimeout(() => this.redrawMoved(), figuresEveryMs);
  }

  private nodeOf(activity: Activity): ActivityRowNode {
    const known = this.nodes.get(activity) ?? activityNode(activity);
    this.nodes.set(activity, known);
    return known;
  }
}

function figureNodes(of: ActivityRowNode): FigureNode[] {
  if (of.activity.endedAt !== null) return [];
  return figureFacts(of.activity, editorWords()).flatMap(([label, value]) =>
    value === null ? [] : [{ kind: 'figure', id: `${of.id}/${label}`, of, label, value }],
  );
}

/** Shows on the view how many of its rows need a person. */
export function keepBadge(tree: vscode.TreeView<ActivityNode>, provider: ActivityProvider): vscode.Disposable {
  const update = (): void => {
    const count = countNeeds(provider.roots);
    const { t } = vscode.l10n;
    const said = count === 1 ? t('1 thing waits for you') : t('{0} things wait for you', count);
    tree.badge = count === 0 ? undefined : { value: count, tooltip: said };
  };
  return provider.onDidChangeTreeData((rows) => {
    if (rows === undefined) update();
  });
}
