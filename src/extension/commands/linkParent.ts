import * as vscode from 'vscode';
import type { LinkResult } from '../../core/operations/linkVersions';
import { runActivity } from '../activity/runActivity';
import { requireTrustedWorkspace, type Services } from '../services';
import { notificationText } from '../ui/plainText';
import { refreshSourceControl } from '../vscodeGit';
import { chooseDataset, chooseVersion, optionsOf, pickVersion, type SubjectOptions } from './subject';
import { withConsent } from './withConsent';

export interface LinkParentOptions extends SubjectOptions {
  /** Reference of the parent, such as `raw.sqlite@v2`. */
  readonly parent?: string;
  readonly push?: boolean;
  readonly yes?: boolean;
}

/** Records that a version was derived from a version of another dataset. */
export async function linkParent(services: Services, argument: unknown): Promise<LinkResult> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Add Parent: which version was derived from another?');
  const given = optionsOf<LinkParentOptions>(argument);
  const { state, dataset, entry } = await chooseVersion(services, argument, title);
  const child = `${dataset.name}@${entry.version}`;
  const parent = given.parent ?? (await askParent(services, state.folder, child));
  const { linkVersions } = await import('../../core/operations/linkVersions');
  const context = services.operations.contextOf(state.repository, { asked: true });
  const { folder } = state;
  const { name } = dataset;
  const { version } = entry;
  const task = {
    kind: 'publish' as const,
    title: vscode.l10n.t('Linking {0} to {1}', child, parent),
    folder,
    outcome: ({ note, pushed }: LinkResult) => (pushed || note === null ? vscode.l10n.t('linked') : note),
    again: () => linkParent(services, { ...given, folder, name, version, parent }),
  };
  const result = await withConsent({ parent, child, push: given.push, yes: given.yes }, (options) =>
    runActivity(services.activities, task, (monitor) => linkVersions(context, { ...options, ...monitor })),
  );
  services.log.info(`${child} comes from ${parent}: ${result.status}, commit ${result.commit ?? '-'}`);
  refreshSourceControl(state.repository.root);
  await Promise.all([services.repositories.refresh(), services.pendingWork.refresh()]);
  if (result.note !== null && !result.pushed) void vscode.window.showWarningMessage(notificationText(result.note));
  return result;
}

async function askParent(services: Services, folder: string, child: string): Promise<string> {
  const title = vscode.l10n.t('Add Parent: what was {0} derived from?', child);
  const { dataset } = await chooseDataset(services, { folder }, title);
  const { version } = await pickVersion(dataset.history, vscode.l10n.t('Version of {0}', dataset.name), title);
  return `${dataset.name}@${version}`;
}
