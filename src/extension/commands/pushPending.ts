import * as vscode from 'vscode';
import { requireTrustedWorkspace, type Services } from '../services';
import { notificationText } from '../ui/plainText';
import { withProgress } from '../ui/withProgress';
import { withConsent } from './publish';
import { chooseRepository, optionsOf } from './subject';

/** Pushes what was published while the remote could not be reached. */
export async function pushPending(services: Services, argument: unknown): Promise<{ readonly pushed: boolean }> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Push Pending Versions');
  const { repository } = await chooseRepository(services, argument, title);
  const [{ prepareBranch }, { pushBranch }] = await Promise.all([
    import('../../core/operations/publishBranch'),
    import('../../core/repo/pushBranch'),
  ]);
  const context = services.operations.contextOf(repository);
  const { yes } = optionsOf<{ yes: boolean }>(argument);
  const outcome = await withConsent({ yes }, (options) =>
    withProgress(title, async (monitor) => {
      await prepareBranch(context, { ...options, ...monitor });
      return pushBranch({ repo: repository, git: context.git, signal: monitor.signal });
    }),
  );
  services.log.info(`push: ${outcome.kind}: ${outcome.text.trim()}`);
  await services.repositories.refresh();
  if (outcome.kind === 'ok') vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) Pushed'), 4000);
  else void vscode.window.showWarningMessage(notificationText(vscode.l10n.t('Not pushed. {0}', outcome.text.trim())));
  return { pushed: outcome.kind === 'ok' };
}
