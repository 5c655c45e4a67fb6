import * as vscode from 'vscode';
import type { PushResult } from '../../core/operations/publishBranch';
import { conflictOf } from '../activity/conflict';
import { runActivity } from '../activity/runActivity';
import { requireTrustedWorkspace, type Services } from '../services';
import { notificationText } from '../ui/plainText';
import { refreshSourceControl } from '../vscodeGit';
import { forgetConflict, settle } from './resolveConflict';
import { chooseRepository, optionsOf } from './subject';
import { withConsent } from './withConsent';

/** Pushes what was published while the remote could not be reached. */
export async function pushPending(services: Services, argument: unknown): Promise<{ readonly pushed: boolean }> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Push Pending Versions');
  const { folder, label, repository } = await chooseRepository(services, argument, title);
  const { pushPending: push } = await import('../../core/operations/pushPending');
  const context = services.operations.contextOf(repository, { asked: true });
  const { yes } = optionsOf<{ yes: boolean }>(argument);
  const task = {
    kind: 'push' as const,
    title: vscode.l10n.t('Pushing {0}', label),
    folder,
    outcome: ({ pushed, note }: PushResult) => note ?? (pushed ? vscode.l10n.t('Pushed') : vscode.l10n.t('Not pushed')),
    again: () => pushPending(services, { folder }),
  };
  try {
    const { pushed, note } = await withConsent({ yes }, (options) =>
      runActivity(services.activities, task, (monitor) => push(context, { ...options, ...monitor })),
    );
    services.log.info(`push: ${pushed ? 'ok' : 'pending'}: ${note ?? ''}`);
    if (note !== null) void vscode.window.showWarningMessage(notificationText(note));
    if (pushed) vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) Pushed'), 4000);
    return { pushed };
  } catch (error) {
    const conflict = conflictOf(error, folder);
    if (!conflict) throw error;
    await settle(services, conflict, { onTop: undefined, done: () => forgetConflict(services, conflict) });
    return { pushed: false };
  } finally {
    refreshSourceControl(repository.root);
    await Promise.all([services.repositories.refresh(), services.pendingWork.refresh()]);
  }
}
