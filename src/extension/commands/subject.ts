import * as vscode from 'vscode';
import { type Dataset, latest, type VersionEntry } from '../../core/catalog/manifest';
import { findDataset } from '../../core/catalog/reference';
import { DataManagerError } from '../../core/errors';
import type { RepositoryContent, RepositoryState } from '../repositoryState';
import type { Services } from '../services';
import type { ActivityNode } from '../tree/activityNodes';
import { type DatasetNode, repositoryNode } from '../tree/datasetNodes';
import { datasetRow } from '../tree/datasetRow';
import { type HistoryNode, historyState } from '../tree/historyNodes';
import { joined } from '../tree/rowText';
import { editorWords } from '../ui/editorWords';
import { withoutIcons } from '../ui/plainText';
import { chooseOne } from '../ui/prompts';
import { formatAge, formatBytes } from '../ui/quantities';

/**
 * What a command is about. From a view it gets a row; from the palette nothing, and asks; other extensions and tests give
 * options instead of a person's answers.
 */
export interface SubjectOptions {
  /** Folder of the repository's manifest. */
  readonly folder?: string;
  /** Dataset. */
  readonly name?: string;
  readonly version?: string;
}

/** A repository whose manifest can be read. */
export interface OpenRepository extends RepositoryState {
  readonly content: RepositoryContent;
}

export interface DatasetSubject {
  readonly state: OpenRepository;
  readonly dataset: Dataset;
}

export interface VersionSubject extends DatasetSubject {
  readonly entry: VersionEntry;
}

/** The row that a view gave to a command; null when it was called otherwise. */
export function rowOf(argument: unknown): DatasetNode | HistoryNode | ActivityNode | null {
  const node = argument as Partial<DatasetNode> | null | undefined;
  return typeof node?.kind === 'string' && typeof node.id === 'string' ? (node as DatasetNode) : null;
}

/** Options that a program gave instead of a row. */
export function optionsOf<T extends object>(argument: unknown): Partial<T> {
  const row = rowOf(argument);
  if (row?.kind === 'pendingVersion') {
    const { of, version } = row;
    return { folder: of.state.folder, ...version } as object;
  }
  const given = typeof argument === 'object' && argument !== null;
  return given && row === null && !(argument instanceof vscode.Uri) ? (argument as Partial<T>) : {};
}

/** The repository of a row, of options, or the one that is chosen. */
export async function chooseRepository(services: Services, argument: unknown, title: string): Promise<OpenRepository> {
  const row = rowOf(argument);
  const given = row ? rowState(row) : null;
  if (given) return readable(given);
  const states = await services.repositories.current();
  const { folder } = optionsOf<SubjectOptions>(argument);
  const named = folder === undefined ? states : states.filter((state) => state.folder === folder);
  if (named.length === 0) {
    throw new DataManagerError('REPOSITORY_NOT_FOUND', 'No repository of Data Manager is open in this window.');
  }
  const items = named.map((state) => ({
    label: withoutIcons(state.label),
    description: withoutIcons(state.folder),
    iconPath: new vscode.ThemeIcon(datasetRow(repositoryNode(state), editorWords()).icon.id),
    state,
  }));
  return readable((await chooseOne(items, vscode.l10n.t('Choose a repository'), title)).state);
}

/** The dataset of a row, of options, or the one that is chosen. */
export async function chooseDataset(services: Services, argument: unknown, title: string): Promise<DatasetSubject> {
  const row = rowOf(argument);
  if (row?.kind === 'dataset' || row?.kind === 'version') return { state: readable(row.state), dataset: row.dataset };
  const state = await chooseRepository(services, argument, title);
  const { name } = optionsOf<SubjectOptions>(argument);
  if (name !== undefined) return { state, dataset: findDataset(state.content.manifest, name) };
  const { datasets } = state.content.manifest;
  if (datasets.length === 0) {
    throw new DataManagerError('DATASET_NOT_FOUND', 'There is no dataset in this repository yet.');
  }
  const { now, language } = editorWords();
  const items = datasets.map((dataset) => ({
    label: withoutIcons(dataset.name),
    description: joined([latest(dataset).version, formatAge(latest(dataset).timestamp, now, language)]),
    iconPath: new vscode.ThemeIcon('database'),
    dataset,
  }));
  const { dataset } = await chooseOne(items, vscode.l10n.t('Choose a dataset'), title);
  return { state, dataset };
}

/** The version of a row or of options (the newest for a dataset), or the one that is chosen. */
export async function chooseVersion(services: Services, argument: unknown, title: string): Promise<VersionSubject> {
  const row = rowOf(argument);
  const subject = await chooseDataset(services, argument, title);
  if (row?.kind === 'version') return { ...subject, entry: row.entry };
  if (row?.kind === 'dataset') return { ...subject, entry: latest(subject.dataset) };
  const { name, version } = optionsOf<SubjectOptions>(argument);
  if (version !== undefined) return { ...subject, entry: findVersion(subject.dataset, version) };
  if (name !== undefined) return { ...subject, entry: latest(subject.dataset) };
  return { ...subject, entry: await pickVersion(subject.dataset.history, vscode.l10n.t('Choose a version'), title) };
}

export async function pickVersion(
  entries: readonly VersionEntry[],
  placeHolder: string,
  title: string,
): Promise<VersionEntry> {
  const { now, language } = editorWords();
  const items = entries.map((entry) => ({
    label: entry.version,
    description: joined([
      entry.size === null ? null : formatBytes(entry.size),
      formatAge(entry.timestamp, now, language),
      entry.description && withoutIcons(entry.description),
    ]),
    entry,
  }));
  return (await chooseOne(items, placeHolder, title)).entry;
}

export function findVersion(dataset: Dataset, version: string): VersionEntry {
  const entry = dataset.history.find((candidate) => candidate.version === version);
  if (entry) return entry;
  throw new DataManagerError('VERSION_NOT_FOUND', `${dataset.name} has no version ${version}.`);
}

function rowState(row: DatasetNode | HistoryNode | ActivityNode): RepositoryState | null {
  switch (row.kind) {
    case 'repository':
    case 'dataset':
    case 'version':
    case 'problem':
    case 'pending':
    case 'interrupted':
      return row.state;
    case 'parents':
    case 'children':
    case 'more':
    case 'missing':
    case 'pendingVersion':
    case 'activity':
    case 'figure':
      return null;
    default:
      return historyState(row);
  }
}

function readable(state: RepositoryState): OpenRepository {
  if (state.content.problem) throw state.content.problem;
  return { ...state, content: state.content };
}

/** Folder of the repository that a command is about, for what its errors offer. */
export function folderOf(argument: unknown, known: readonly RepositoryState[]): string | undefined {
  const row = rowOf(argument);
  const folder = row ? rowState(row)?.folder : optionsOf<SubjectOptions>(argument).folder;
  return folder ?? (known.length === 1 ? known[0]?.folder : undefined);
}
