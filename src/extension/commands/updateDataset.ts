import * as vscode from 'vscode';
import { latest } from '../../core/catalog/manifest';
import type { PublishResult } from '../../core/operations/publishVersion';
import { inspectInputFile } from '../../core/store/inputFile';
import { requireTrustedWorkspace, type Services } from '../services';
import { copiesOf } from '../tree/localState';
import { chooseFile } from '../ui/prompts';
import { askMessage, askParents, type PublishAnswers, publishWithProgress } from './publish';
import { chooseDataset, type DatasetSubject, optionsOf, type SubjectOptions } from './subject';

export type UpdateDatasetOptions = SubjectOptions & PublishAnswers;

/** Publishes a file as the next version of a dataset. */
export async function updateDataset(services: Services, argument: unknown): Promise<PublishResult> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('Update Dataset');
  const given = optionsOf<UpdateDatasetOptions>(argument);
  const subject = await chooseDataset(services, argument, title);
  const { state, dataset } = subject;
  const file = given.file ?? (await askFile(subject));
  await inspectInputFile(file);
  const parents = await askParents(given.parents, state, dataset.name, title);
  const message = await askMessage(given.message, vscode.l10n.t('Update {0}', dataset.name), title);

  const { updateDataset: update } = await import('../../core/operations/updateDataset');
  const context = services.operations.contextOf(state.repository, { asked: true });
  return publishWithProgress(
    services,
    state,
    vscode.l10n.t('Updating {0}', dataset.name),
    (options) => update(context, dataset.name, options),
    { file, message: message || undefined, parents, push: given.push, yes: given.yes },
  );
}

/** The dialog starts at the copy that is here: most likely that one was edited. */
function askFile({ state, dataset }: DatasetSubject): Promise<string> {
  const copy = dataset.history.flatMap(({ sha256 }) => copiesOf(state, dataset.name, sha256))[0];
  return chooseFile({
    title: vscode.l10n.t('Choose the next version of {0} (now {1})', dataset.name, latest(dataset).version),
    openLabel: vscode.l10n.t('Update'),
    defaultUri: vscode.Uri.file(copy?.path ?? state.folder),
  });
}
