import * as vscode from 'vscode';
import type { VersionEntry } from '../../core/catalog/manifest';
import { DataManagerError } from '../../core/errors';
import type { Services } from '../services';
import type { DatasetNode } from '../tree/datasetNodes';
import { type CompareResult, openComparison } from './compare';
import {
  chooseDataset,
  type DatasetSubject,
  findVersion,
  optionsOf,
  pickVersion,
  rowOf,
  type SubjectOptions,
} from './subject';

export interface CompareVersionsOptions extends Omit<SubjectOptions, 'version'> {
  readonly from?: string;
  readonly to?: string;
}

/** Compares any two versions of a dataset: two selected rows, or two that are picked. */
export async function compareVersions(
  services: Services,
  argument: unknown,
  selected: unknown,
): Promise<CompareResult> {
  const title = vscode.l10n.t('Compare Versions');
  const subject = await chooseDataset(services, argument, title);
  const { state, dataset } = subject;
  const [first, second] = selectedEntries(subject, selected) ?? (await chooseEntries(subject, argument, title));
  const [before, after] = first.number < second.number ? [first, second] : [second, first];
  return openComparison(services, {
    folder: state.folder,
    at: null,
    name: dataset.name,
    before: { kind: 'version', version: before.version, sha256: before.sha256 },
    after: { kind: 'version', version: after.version, sha256: after.sha256 },
  });
}

type TwoEntries = readonly [VersionEntry, VersionEntry];

function selectedEntries({ dataset, state }: DatasetSubject, selected: unknown): TwoEntries | null {
  const rows = (Array.isArray(selected) ? selected : [])
    .map(rowOf)
    .filter((row): row is Extract<DatasetNode, { kind: 'version' }> => row?.kind === 'version')
    .filter((row) => row.dataset.name === dataset.name && row.state.folder === state.folder);
  const [first, second] = rows;
  return rows.length === 2 && first && second ? [first.entry, second.entry] : null;
}

async function chooseEntries({ dataset }: DatasetSubject, argument: unknown, title: string): Promise<TwoEntries> {
  if (dataset.history.length < 2) {
    throw new DataManagerError(
      'VERSION_NOT_FOUND',
      `${dataset.name} has one version only, so there is nothing to compare.`,
    );
  }
  const given = optionsOf<CompareVersionsOptions>(argument);
  const row = rowOf(argument);
  const newer =
    row?.kind === 'version'
      ? row.entry
      : given.to !== undefined
        ? findVersion(dataset, given.to)
        : await pickVersion(dataset.history, vscode.l10n.t('Choose one version'), title);
  if (given.from !== undefined) return [findVersion(dataset, given.from), newer];
  const others = dataset.history.filter((entry) => entry !== newer);
  return [await pickVersion(others, vscode.l10n.t('Compare {0} with', newer.version), title), newer];
}
