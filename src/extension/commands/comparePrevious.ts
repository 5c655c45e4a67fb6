import * as vscode from 'vscode';
import type { Dataset, Manifest, VersionEntry } from '../../core/catalog/manifest';
import { DataManagerError } from '../../core/errors';
import type { ComparedVersion } from '../documents/comparison';
import type { Services } from '../services';
import type { ChangeNode } from '../tree/historyNodes';
import { type CompareResult, openComparison } from './compare';
import { chooseVersion, rowOf } from './subject';

/** Shows what a version changed against the one before it; for a first version, all that it brought. */
export async function comparePrevious(services: Services, argument: unknown): Promise<CompareResult> {
  const row = rowOf(argument);
  if (row?.kind === 'change') return compareChange(services, row);
  const { state, dataset, entry } = await chooseVersion(services, argument, vscode.l10n.t('Compare with Previous'));
  return compareEntries(services, { folder: state.folder, at: null }, dataset, entry);
}

/** A version as a commit knew it, which the work tree may not hold: another branch's, or one that was removed. */
async function compareChange(
  services: Services,
  { parent, name, change, version }: ChangeNode,
): Promise<CompareResult> {
  const { folder } = parent.parent.state;
  const { oid, parents } = parent.commit.commit;
  const at = change === 'removed' ? (parents[0] ?? oid) : oid;
  const manifest = await services.operations.manifest(folder, at);
  const { dataset, entry } = find(manifest, name, version.version);
  return compareEntries(services, { folder, at }, dataset, entry);
}

function compareEntries(
  services: Services,
  place: { readonly folder: string; readonly at: string | null },
  dataset: Dataset,
  entry: VersionEntry,
): Promise<CompareResult> {
  const before = previousOf(dataset, entry);
  const comparison = { ...place, name: dataset.name, before: before && compared(before), after: compared(entry) };
  return openComparison(services, comparison);
}

/** The next older version whose bytes can be had; withdrawn ones are passed over. */
function previousOf(dataset: Dataset, entry: VersionEntry): VersionEntry | null {
  const older = dataset.history.slice(dataset.history.indexOf(entry) + 1);
  return older.find(({ status }) => status === 'published' || status === 'pending-deletion') ?? null;
}

function find(manifest: Manifest, name: string, version: string): { dataset: Dataset; entry: VersionEntry } {
  const dataset = manifest.datasets.find((candidate) => candidate.name === name);
  const entry = dataset?.history.find((candidate) => candidate.version === version);
  if (dataset && entry) return { dataset, entry };
  throw new DataManagerError('VERSION_NOT_FOUND', `${name} ${version} is not in that commit.`);
}

function compared({ version, sha256 }: VersionEntry): ComparedVersion {
  return { kind: 'version', version, sha256 };
}
