import path from 'node:path';
import * as vscode from 'vscode';
import type { Services } from '../services';
import { chooseFile } from '../ui/prompts';
import { type CompareResult, openComparison } from './compare';
import { comparedFile } from './comparedFile';
import { chooseDataset, findVersion, optionsOf, pickVersion, rowOf, type SubjectOptions } from './subject';

export interface CompareFileOptions extends SubjectOptions {
  readonly file?: string;
}

/** Compares a version with a file: that of the Explorer's menu, or one that is chosen. */
export async function compareFileWithVersion(services: Services, argument: unknown): Promise<CompareResult> {
  const title = vscode.l10n.t('Compare File with Version');
  const given = optionsOf<CompareFileOptions>(argument);
  const row = rowOf(argument);
  const file = argument instanceof vscode.Uri ? argument.fsPath : (given.file ?? (await askFile(title)));
  const subject = row ? argument : { ...(await datasetOfCopy(services, file)), ...given };
  const { state, dataset } = await chooseDataset(services, subject, title);
  const entry =
    row?.kind === 'version'
      ? row.entry
      : given.version !== undefined
        ? findVersion(dataset, given.version)
        : await pickVersion(dataset.history, vscode.l10n.t('Compare {0} with', path.basename(file)), title);
  const { version, sha256 } = entry;
  return openComparison(services, {
    folder: state.folder,
    at: null,
    name: dataset.name,
    before: { kind: 'version', version, sha256 },
    after: await comparedFile(file, path.basename(file)),
  });
}

function askFile(title: string): Promise<string> {
  return chooseFile({ title, openLabel: vscode.l10n.t('Compare') });
}

/** The dataset that a file is the local copy of, so that nobody has to say it. */
async function datasetOfCopy(services: Services, file: string): Promise<SubjectOptions> {
  for (const { folder, content } of await services.repositories.current()) {
    if (content.problem) continue;
    const copy = [...content.copies.values()].flat().find((candidate) => candidate.path === file);
    const known = content.manifest.datasets.some(({ name }) => name === copy?.name);
    if (copy && known) return { folder, name: copy.name };
  }
  return {};
}
