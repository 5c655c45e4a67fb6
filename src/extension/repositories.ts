import * as vscode from 'vscode';
import { findManifestFolders } from './findManifests';
import { openRepositoryAt, type RepositoryState, readRepositoryState } from './repositoryState';
import { type RepositoryChange, watchRepository } from './watchRepository';

/** Several files change at once when Git or a publish is at work. Milliseconds. */
const settleMs = 150;

const nothing: RepositoryChange = { datasets: false, history: false };
const everything: RepositoryChange = { datasets: true, history: true };

function either(one: RepositoryChange, other: RepositoryChange): RepositoryChange {
  return { datasets: one.datasets || other.datasets, history: one.history || other.history };
}

interface Watched {
  state: RepositoryState;
  watcher: vscode.Disposable;
}

export interface RepositoriesOptions {
  readonly log: vscode.LogOutputChannel;
  /** Levels below a workspace folder that are searched. */
  readonly searchDepth: () => number;
}

/**
 * The repositories in the workspace folders, kept as they are on disk: what Git, the command line or another window changes
 * shows up by itself.
 */
export class Repositories implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<RepositoryChange>();
  /**
   * Fires after `known` has changed. It says where, because a view that is drawn again for nothing takes the rows away from
   * under a click ("Actual command not found").
   */
  readonly onDidChange = this.changed.event;

  private readonly watched = new Map<string, Watched>();
  private readonly subscriptions: vscode.Disposable[] = [this.changed];
  private readonly stale = new Set<string>();
  private pending: RepositoryChange = nothing;
  private searchWanted = false;
  private timer: NodeJS.Timeout | undefined;
  private work: Promise<void> | undefined;
  private disposed = false;

  constructor(private readonly options: RepositoriesOptions) {
    // A manifest counts once it is in a Git work tree, so `git init` matters too.
    const manifests = vscode.workspace.createFileSystemWatcher('**/{manifest.json,.git/HEAD}', false, true, false);
    const search = (): void => this.soon();
    this.subscriptions.push(
      manifests,
      manifests.onDidCreate(search),
      manifests.onDidDelete(search),
      vscode.workspace.onDidChangeWorkspaceFolders(search),
    );
  }

  /** As they were read last; empty before the first search has ended. */
  get known(): readonly RepositoryState[] {
    return [...this.watched.values()].map(({ state }) => state);
  }

  /** As they are, once the first search has ended. */
  async current(): Promise<readonly RepositoryState[]> {
    await (this.work ?? this.refresh());
    return this.known;
  }

  /** Searches the workspace folders and reads everything again. */
  refresh(): Promise<void> {
    return this.enqueue(() => this.search());
  }

  dispose(): void {
    this.disposed = true;
    clearTimeout(this.timer);
    for (const { watcher } of this.watched.values()) watcher.dispose();
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  /** Reads one repository again once its files have settled; without a folder, searches anew. */
  private soon(folder?: string, change: RepositoryChange = everything): void {
    if (folder === undefined) this.searchWanted = true;
    else this.stale.add(folder);
    this.pending = either(this.pending, change);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const step = this.searchWanted ? () => this.search() : () => this.reread();
      void this.enqueue(step);
    }, settleMs);
  }

  // One after the other, so that an older state never replaces a newer one.
  private enqueue(step: () => Promise<void>): Promise<void> {
    const before = this.work ?? Promise.resolve();
    this.work = before.then(step).catch((error: unknown) => {
      this.options.log.error(error instanceof Error ? error : String(error));
    });
    return this.work;
  }

  private async search(): Promise<void> {
    this.searchWanted = false;
    this.pending = nothing;
    this.stale.clear();
    const roots = (vscode.workspace.workspaceFolders ?? []).filter(({ uri }) => uri.scheme === 'file');
    const folders = new Set<string>();
    for (const { uri } of roots) {
      for (const folder of await findManifestFolders(uri.fsPath, this.options.searchDepth())) folders.add(folder);
    }
    for (const folder of [...this.watched.keys()]) if (!folders.has(folder)) this.forget(folder);
    for (const folder of folders) await this.read(folder);
    if (!this.disposed) this.changed.fire(everything);
  }

  private async reread(): Promise<void> {
    const folders = [...this.stale];
    const change = this.pending;
    this.stale.clear();
    this.pending = nothing;
    for (const folder of folders) await this.read(folder);
    if (!this.disposed) this.changed.fire(change);
  }

  private async read(folder: string): Promise<void> {
    try {
      const repository = this.watched.get(folder)?.state.repository ?? (await openRepositoryAt(folder));
      if (!repository) return this.forget(folder);
      const state = await readRepositoryState(repository);
      this.watched.get(folder)?.watcher.dispose();
      if (this.disposed) return;
      this.watched.set(folder, { state, watcher: watchRepository(state, (change) => this.soon(folder, change)) });
    } catch (error) {
      // One that can't be read (SHA-256, a partial clone) must not hide the others.
      this.options.log.warn(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
      this.forget(folder);
    }
  }

  private forget(folder: string): void {
    this.watched.get(folder)?.watcher.dispose();
    this.watched.delete(folder);
  }
}
