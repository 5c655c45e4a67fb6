import * as vscode from 'vscode';
import type { PendingCommit } from '../../core/operations/pendingCommits';
import type { JournalRecord } from '../../core/transaction/journal';
import type { Repositories } from '../repositories';
import type { RepositoryState } from '../repositoryState';
import { gitProgram } from '../settings';

/** Counting starts git several times, and files change in bursts. Milliseconds. */
const settleMs = 500;

/** What a repository has left that needs a person. */
export interface RepositoryWork {
  readonly state: RepositoryState;
  /** Null when HEAD is detached. */
  readonly branch: string | null;
  /** Ours that the remote does not have, oldest first. */
  readonly pending: readonly PendingCommit[];
  /** Publishes and moves whose process died, oldest first. */
  readonly interrupted: readonly JournalRecord[];
}

/**
 * What waits in the repositories of the window: commits to push, publishes that a crash interrupted. Read from this clone alone,
 * nothing is asked of a remote and nothing is done about it. In a restricted workspace no git is started, because an untrusted
 * repository's configuration can name programs to run; journals are files of ours and are listed.
 */
export class PendingWork implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly subscriptions: vscode.Disposable[];
  private work: readonly RepositoryWork[] = [];
  private generation = 0;
  private timer: NodeJS.Timeout | undefined;

  /** `isWriting`: whether this window publishes or pushes in that folder just now; what is halfway waits for nobody. */
  constructor(
    private readonly repositories: Repositories,
    private readonly log: vscode.LogOutputChannel,
    private readonly isWriting: (folder: string) => boolean,
  ) {
    this.subscriptions = [
      this.changed,
      repositories.onDidChange(() => this.soon()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.soon()),
      { dispose: () => clearTimeout(this.timer) },
    ];
  }

  /** As it was read last. */
  get known(): readonly RepositoryWork[] {
    return this.work;
  }

  /** True for a version that this clone has and the remote has not. */
  readonly waits = (folder: string, name: string, version: string): boolean =>
    this.work.some(
      ({ state, pending }) =>
        state.folder === folder &&
        pending.some(({ versions }) => versions.some((other) => other.name === name && other.version === version)),
    );

  /** Reads it again in a moment; nobody waits for it. */
  soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.refresh(), settleMs);
  }

  /** Reads it again now. */
  async refresh(): Promise<void> {
    clearTimeout(this.timer);
    const generation = ++this.generation;
    const work: RepositoryWork[] = [];
    for (const state of this.repositories.known) {
      const before = this.work.find((known) => known.state.folder === state.folder);
      const now = this.isWriting(state.folder) ? null : await this.read(state);
      const read = now === null || this.isWriting(state.folder) ? before : now;
      if (read) work.push(read);
    }
    if (generation !== this.generation || same(work, this.work)) return;
    this.work = work;
    this.changed.fire();
  }

  dispose(): void {
    this.generation++;
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private async read(state: RepositoryState): Promise<RepositoryWork> {
    const { repository } = state;
    // Git is loaded here, after activation.
    const attempt = async <T>(run: () => Promise<T>, without: T): Promise<T> => {
      try {
        return await run();
      } catch (error) {
        this.log.debug(`${state.folder}: ${error instanceof Error ? error.message : String(error)}`);
        return without;
      }
    };
    const interrupted = await attempt(async () => {
      const { abandonedJournals } = await import('../../core/transaction/journal');
      return abandonedJournals(repository);
    }, []);
    if (!vscode.workspace.isTrusted) return { state, branch: null, pending: [], interrupted };
    const pending = await attempt(async () => {
      const { pendingCommits } = await import('../../core/operations/pendingCommits');
      return pendingCommits({ repository, git: gitProgram() });
    }, []);
    const branch = await attempt(async () => {
      const { readHead } = await import('../../core/repo/readRefs');
      return (await readHead(repository)).branch;
    }, null);
    return { state, branch, pending, interrupted };
  }
}

function same(one: readonly RepositoryWork[], other: readonly RepositoryWork[]): boolean {
  return JSON.stringify(one.map(facts)) === JSON.stringify(other.map(facts));
}

// Not the state itself: it is replaced whenever some file changes.
function facts({ state: { folder, label }, branch, pending, interrupted }: RepositoryWork): unknown {
  return { folder, label, branch, pending, interrupted };
}
