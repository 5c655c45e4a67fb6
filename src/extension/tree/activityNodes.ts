import type { PendingCommit } from '../../core/operations/pendingCommits';
import type { JournalRecord } from '../../core/transaction/journal';
import type { Activity } from '../activity/activityList';
import type { RepositoryWork } from '../activity/pendingWork';
import type { RepositoryState } from '../repositoryState';

/** A row of the Activity view. Plain data; `id` is stable across refreshes. */
export type ActivityNode = ActivityRowNode | FigureNode | PendingNode | PendingVersionNode | InterruptedNode;

/** Something that runs in this window, or did. */
export interface ActivityRowNode {
  readonly kind: 'activity';
  readonly id: string;
  readonly activity: Activity;
}

/** One figure of a running one: a tooltip goes away whenever its row is drawn again. */
export interface FigureNode {
  readonly kind: 'figure';
  readonly id: string;
  readonly of: ActivityRowNode;
  readonly label: string;
  readonly value: string;
}

/** Commits of one repository that wait to be pushed. */
export interface PendingNode {
  readonly kind: 'pending';
  readonly id: string;
  readonly state: RepositoryState;
  readonly branch: string | null;
  readonly commits: readonly PendingCommit[];
  /** Whether the repository has to be named. */
  readonly several: boolean;
}

/** A version in them, or a commit without one. */
export interface PendingVersionNode {
  readonly kind: 'pendingVersion';
  readonly id: string;
  readonly of: PendingNode;
  readonly commit: PendingCommit;
  readonly version: PendingCommit['versions'][number] | null;
}

/** A publish, or a move of unpublished versions, whose process died. */
export interface InterruptedNode {
  readonly kind: 'interrupted';
  readonly id: string;
  readonly state: RepositoryState;
  readonly record: JournalRecord;
  readonly several: boolean;
}

/** The rows at the top: what runs, what needs a person, what was. */
export function activityRoots(
  activities: readonly Activity[],
  work: readonly RepositoryWork[],
): readonly ActivityNode[] {
  const several = work.length > 1;
  const nodes = activities.map(activityNode);
  const running = nodes.filter(({ activity }) => activity.endedAt === null);
  const conflicts = nodes.filter(({ activity }) => conflictIn(activity) !== null);
  const waiting = work.flatMap(({ state, branch, pending, interrupted }): readonly ActivityNode[] => [
    ...interrupted.map((record): InterruptedNode => {
      return { kind: 'interrupted', id: `journal:${record.id}`, state, record, several };
    }),
    ...(pending.length > 0
      ? [{ kind: 'pending' as const, id: `pending:${state.folder}`, state, branch, commits: pending, several }]
      : []),
  ]);
  const recent = nodes.filter((node) => !running.includes(node) && !conflicts.includes(node));
  return [...running, ...conflicts, ...waiting, ...recent];
}

/** How many of those rows need a person. */
export function countNeeds(roots: readonly ActivityNode[]): number {
  return roots.filter((node) => node.kind !== 'activity' || conflictIn(node.activity) !== null).length;
}

export function activityNode(activity: Activity): ActivityRowNode {
  return { kind: 'activity', id: activity.id, activity };
}

export function pendingVersions(node: PendingNode): readonly PendingVersionNode[] {
  return node.commits.flatMap((commit) => {
    const versions = commit.versions.length > 0 ? commit.versions : [null];
    return versions.map((version): PendingVersionNode => {
      const id = `${node.id}/${commit.oid}/${version ? `${version.name}@${version.version}` : ''}`;
      return { kind: 'pendingVersion', id, of: node, commit, version };
    });
  });
}

/** The conflict that an activity ended with and that nobody has settled. */
export function conflictIn({ state }: Activity) {
  return state.kind === 'failed' ? state.conflict : null;
}
