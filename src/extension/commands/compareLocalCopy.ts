import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import type { Services } from '../services';
import { copiesOf } from '../tree/localState';
import { type CompareResult, openComparison } from './compare';
import { comparedFile } from './comparedFile';
import { chooseDataset, rowOf } from './subject';

/** Shows what was changed in the local copy of a dataset since it was pulled or published. */
export async function compareLocalCopy(services: Services, argument: unknown): Promise<CompareResult> {
  const { state, dataset } = await chooseDataset(services, argument, vscode.l10n.t('Compare Local Copy'));
  const row = rowOf(argument);
  const entries = row?.kind === 'version' ? [row.entry] : dataset.history;
  const copies = entries.flatMap((entry) =>
    copiesOf(state, dataset.name, entry.sha256).map((copy) => ({ entry, copy })),
  );
  const found = copies.find(({ copy }) => copy.state === 'modified') ?? copies[0];
  if (!found) {
    throw new DataManagerError('FILE_NOT_FOUND', `There is no local copy of ${dataset.name}.`, {
      hint: 'Pull it first, or compare a file that you choose.',
    });
  }
  const { version, sha256 } = found.entry;
  return openComparison(services, {
    folder: state.folder,
    at: null,
    name: dataset.name,
    before: { kind: 'version', version, sha256 },
    after: await comparedFile(found.copy.path, vscode.l10n.t('local copy')),
  });
}
