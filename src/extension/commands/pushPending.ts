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
  const [{ prepareBranch }, { pushBranch }, { describePush }] = await Promise.all([
    import('../../core/operations/publishBranch'),
    import('../../core/repo/pushBranch'),
    import('../../core/operations/pushMessages'),
  ]);
  const context = services.operations.contextOf(repository, { asked: true });
  const { yes } = optionsOf<{ yes: boolean }>(argument);
  const outcome = await withConsent({ yes }, (options) =>
    withProgress(title, async (monitor) => {
      await prepareBranch(context, { ...options, ...monitor });
      const { git, gitCredentials: credentials, interactive } = context;
      return pushBranch({ repo: repository, git, credentials, interactive, signal: monitor.signal });
    }),
  );
  services.log.info(`push: ${outcome.kind}: ${outcome.text.trim()}`);
  refreshSourceControl(repository.root);
  await services.repositories.refresh();
  const { sentence, hint } = describePush(outcome, { what: vscode.l10n.t('What you published') });
  if (outcome.kind !== 'ok' || hint !== null) {
    void vscode.window.showWarningMessage(notificationText([sentence, hint].filter(Boolean).join(' ')));
  }
  if (outcome.kind === 'ok') vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) Pushed'), 4000);
  return { pushed: outcome.kind === 'ok' };
}
