import * as vscode from 'vscode';
import { requireTrustedWorkspace, type Services } from '../services';
import { notificationText } from '../ui/plainText';
import { withProgress } from '../ui/withProgress';
import { refreshSourceControl } from '../vscodeGit';
import { withConsent } from './publish';
import { chooseRepository, optionsOf } from './subject';

/** Pushes what was published while the remote could not be reached. */
export async function pushPending(services: Services, argument: unknown): Promise<{ readonly pushed: boolean }> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Push Pending Versions');
  const { repository } = await chooseRepository(services, argument, title);
  const { pushPending: push } = await import('../../core/operations/pushPending');
  const context = services.operations.contextOf(repository, { asked: true });
  const { yes } = optionsOf<{ yes: boolean }>(argument);
  const { pushed, note } = await withConsent({ yes }, (options) =>
    withProgress(title, (monitor) => push(context, { ...options, ...monitor })),
  );
  services.log.info(`push: ${pushed ? 'ok' : 'pending'}: ${note ?? ''}`);
  refreshSourceControl(repository.root);
  await services.repositories.refresh();
  if (note !== null) void vscode.window.showWarningMessage(notificationText(note));
  if (pushed) vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) Pushed'), 4000);
  return { pushed };
}
