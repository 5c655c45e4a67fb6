import path from 'node:path';
import * as vscode from 'vscode';
import { datasetNameProblem } from '../../core/catalog/datasetName';
import type { PublishResult } from '../../core/operations/publishVersion';
import { inspectInputFile } from '../../core/store/inputFile';
import { requireTrustedWorkspace, type Services } from '../services';
import { answered, chooseFile } from '../ui/prompts';
import { askMessage, askParents, type PublishAnswers, publishWithProgress } from './publish';
import { chooseRepository, type OpenRepository, optionsOf, type SubjectOptions } from './subject';

export type CreateDatasetOptions = SubjectOptions & PublishAnswers;

/** Publishes a file as a new dataset. From the Explorer it gets the file's address. */
export async function createDataset(services: Services, argument: unknown): Promise<PublishResult> {
  requireTrustedWorkspace();
  const title = vscode.l10n.t('New Dataset');
  const given = optionsOf<CreateDatasetOptions>(argument);
  const fromExplorer = argument instanceof vscode.Uri ? argument.fsPath : undefined;
  const state = await chooseRepository(services, repositoryArgument(services, argument, fromExplorer), title);
  const file = given.file ?? fromExplorer ?? (await askFile(state));
  // Refused now rather than after five questions.
  await inspectInputFile(file);
  const name = given.name ?? (await askName(state, file, title));
  const parents = await askParents(given.parents, state, name, title);
  const message = await askMessage(given.message, vscode.l10n.t('Add {0}', name), title);

  const { createDataset: create } = await import('../../core/operations/createDataset');
  const context = services.operations.contextOf(state.repository, { asked: true });
  return publishWithProgress(
    services,
    state,
    vscode.l10n.t('Creating {0}', name),
    (options) => create(context, name, options),
    { file, message: message || undefined, parents, push: given.push, yes: given.yes },
  );
}

// A file inside a repository belongs to that one; nobody needs to be asked.
function repositoryArgument(services: Services, argument: unknown, file: string | undefined): unknown {
  if (file === undefined) return argument;
  const around = services.repositories.known
    .filter(({ folder }) => !path.relative(folder, file).startsWith('..'))
    .sort((a, b) => b.folder.length - a.folder.length)[0];
  return around ? { folder: around.folder } : undefined;
}

function askFile({ folder }: OpenRepository): Promise<string> {
  return chooseFile({
    title: vscode.l10n.t('Choose the data file of the new dataset'),
    openLabel: vscode.l10n.t('Add'),
    defaultUri: vscode.Uri.file(folder),
  });
}

function askName({ content }: OpenRepository, file: string, title: string): Promise<string> {
  const value = path.basename(file);
  const names = new Map(content.manifest.datasets.map(({ name }) => [name.toLowerCase(), name]));
  return answered(
    vscode.window.showInputBox({
      title,
      prompt: vscode.l10n.t('Name of the dataset; a slash makes a folder, such as energy/{0}', value),
      value,
      valueSelection: [0, value.length - path.extname(value).length],
      ignoreFocusOut: true,
      validateInput: (text) => {
        const problem = datasetNameProblem(text);
        if (problem !== null) return vscode.l10n.t("This can't be a name: {0}.", problem);
        const taken = names.get(text.toLowerCase());
        return taken === undefined ? undefined : vscode.l10n.t('There is a dataset {0} already.', taken);
      },
    }),
  );
}
