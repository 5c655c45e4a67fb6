import * as vscode from 'vscode';
import type { PendingWork } from './activity/pendingWork';
import { joined } from './tree/rowText';
import { activityView, type CommandId } from './ui/ids';

/** One item, shown only while something waits: commits to push, or publishes that were interrupted. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('datamanager.pending', vscode.StatusBarAlignment.Left);
  private readonly subscription: vscode.Disposable;

  constructor(private readonly work: PendingWork) {
    this.item.name = vscode.l10n.t('Data Manager: Push Pending');
    this.subscription = work.onDidChange(() => this.update());
  }

  dispose(): void {
    this.subscription.dispose();
    this.item.dispose();
  }

  private update(): void {
    const { t } = vscode.l10n;
    const waiting = this.work.known.filter(({ pending }) => pending.length > 0);
    const commits = waiting.reduce((sum, { pending }) => sum + pending.length, 0);
    const interrupted = this.work.known.reduce((sum, { interrupted: found }) => sum + found.length, 0);
    const [first] = waiting;
    if (commits + interrupted === 0) {
      this.item.hide();
      return;
    }
    const labels = waiting.map(({ state }) => state.label).join(', ');
    this.item.text = joined(
      [
        commits > 0 ? `$(cloud-upload) ${t('{0} to push', commits)}` : null,
        interrupted > 0 ? `$(debug-restart) ${t('{0} interrupted', interrupted)}` : null,
      ],
      ' ',
    );
    const onlyPush = interrupted === 0 && waiting.length === 1;
    const tooltip = joined(
      [
        commits > 0 ? t('Data Manager: published commits that are not pushed yet ({0}).', labels) : null,
        interrupted > 0 ? t('Data Manager: {0} publishes were interrupted.', interrupted) : null,
        onlyPush ? t('Click to push.') : t('Click to see them.'),
      ],
      ' ',
    );
    this.item.tooltip = tooltip;
    this.item.accessibilityInformation = { label: tooltip };
    const push: CommandId = 'datamanager.pushPending';
    this.item.command =
      onlyPush && first
        ? { command: push, title: t('Push'), arguments: [{ folder: first.state.folder }] }
        : { command: `${activityView}.focus`, title: t('Show') };
    this.item.show();
  }
}
