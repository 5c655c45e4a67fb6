import * as vscode from 'vscode';
import type { MaterializedVersion } from '../../core/operations/materializeVersions';
import type { Monitor } from '../../core/progress';
import type { ActivityTask } from '../activity/activityList';
import { runActivity } from '../activity/runActivity';
import type { RepositoryState } from '../repositoryState';
import { requireTrustedWorkspace, type Services } from '../services';
import { showError } from '../ui/showError';
import { chooseRepository, optionsOf, rowOf, type SubjectOptions } from './subject';

/** Makes the whole objects of versions of which only the changes were sent. */
export async function makeWholeObjects(services: Services, argument: unknown): Promise<readonly MaterializedVersion[]> {
  requireTrustedWorkspace();
  const row = rowOf(argument);
  const state = await chooseRepository(services, argument, vscode.l10n.t('Make Whole Objects'));
  const name = row?.kind === 'dataset' ? row.dataset.name : (optionsOf<SubjectOptions>(argument).name ?? null);
  const { task, work } = wholeObjects(services, state, name);
  const made = await runActivity(services.activities, task, work);
  vscode.window.setStatusBarMessage(`$(check) ${task.outcome(made)}`, 6000);
  return made;
}

/** The same behind a publish that sent only the changes: a row of the Activity view, and a word when it fails. */
export function makeWholeLater(services: Services, state: RepositoryState, name: string): void {
  const { task, work } = wholeObjects(services, state, name);
  services.activities.run(task, work).catch((error: unknown) => {
    showError(error, services.log, { folder: state.folder });
  });
}

interface WholeObjects {
  readonly task: ActivityTask<readonly MaterializedVersion[]>;
  readonly work: (monitor: Monitor) => Promise<readonly MaterializedVersion[]>;
}

function wholeObjects(services: Services, state: RepositoryState, name: string | null): WholeObjects {
  const { t } = vscode.l10n;
  const { folder, repository } = state;
  return {
    task: {
      kind: 'materialize',
      title: name === null ? t('Making whole objects') : t('Making {0} whole', name),
      folder,
      outcome: outcomeWords,
      again: () => makeWholeObjects(services, { folder, ...(name === null ? {} : { name }) }),
    },
    work: async (monitor) => {
      const { materializeVersions } = await import('../../core/operations/materializeVersions');
      const made = await materializeVersions(services.operations.contextOf(repository), name, monitor);
      for (const version of made) services.log.info(`${version.name}@${version.version} is whole: ${version.key}`);
      return made;
    },
  };
}

function outcomeWords(made: readonly MaterializedVersion[]): string {
  const { t } = vscode.l10n;
  const [first, ...others] = made;
  if (!first) return t('All objects are whole');
  return others.length === 0
    ? t('{0} {1} is whole now', first.name, first.version)
    : t('{0} versions are whole now', made.length);
}
