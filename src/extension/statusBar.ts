import * as vscode from 'vscode';
import { countPendingCommits } from './pendingPush';
import type { Repositories } from './repositories';
import { gitProgram } from './settings';
import type { CommandId } from './ui/ids';

const settleMs = 500;

/** One item, shown only while something that was published is not pushed yet. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('datamanager.pending', vscode.StatusBarAlignment.Left);
  private readonly subscriptions: vscode.Disposable[];
  private generation = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly repositories: Repositories,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.item.name = vscode.l10n.t('Data Manager: Push Pending');
    this.subscriptions = [
      this.item,
      repositories.onDidChange(() => this.soon()),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.soon()),
      { dispose: () => clearTimeout(this.timer) },
    ];
  }

  dispose(): void {
    this.generation++;
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  // Counting starts git several times; nobody waits for it.
  private soon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.update(), settleMs);
  }

  private async update(): Promise<void> {
    // An untrusted repository's Git configuration can name programs to run.
    if (!vscode.workspace.isTrusted) return this.item.hide();
    const generation = ++this.generation;
    const pending: { folder: string; label: string; count: number }[] = [];
    for (const { folder, label, repository } of this.repositories.known) {
      try {
        const count = await countPendingCommits(repository, gitProgram());
        if (count > 0) pending.push({ folder, label, count });
      } catch (error) {
        this.log.debug(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
      }
      if (generation !== this.generation) return;
    }
    const [first] = pending;
    if (!first) return this.item.hide();
    const count = pending.reduce((sum, repository) => sum + repository.count, 0);
    this.item.text = `$(cloud-upload) ${vscode.l10n.t('{0} to push', count)}`;
    this.item.tooltip = vscode.l10n.t(
      'Data Manager: published commits that are not pushed yet ({0}). Click to push.',
      pending.map(({ label }) => label).join(', '),
    );
    this.item.accessibilityInformation = { label: this.item.tooltip };
    const command: CommandId = 'datamanager.pushPending';
    this.item.command = { command, title: vscode.l10n.t('Push'), arguments: [{ folder: first.folder }] };
    this.item.show();
  }
}
