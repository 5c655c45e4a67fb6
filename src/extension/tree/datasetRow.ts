import { latest } from '../../core/catalog/manifest';
import { faultPlace } from '../ui/faultPlace';
import { oneLine } from '../ui/plainText';
import { formatAge, formatBytes } from '../ui/quantities';
import type { Words } from '../ui/words';
import { type DatasetNode, type DatasetRowNode, hasLineage, type VersionNode } from './datasetNodes';
import { type DatasetState, datasetState, type VersionState, versionState } from './localState';
import { contextValue, joined, type RowText } from './rowText';

/** Whether a version waits to be pushed. */
export type Waits = (folder: string, name: string, version: string) => boolean;

const nothingWaits: Waits = () => false;

/** How a row of the Datasets view looks. Cheap: it runs for each visible row; tooltips are made when they are shown. */
export function datasetRow(node: DatasetNode, words: Words, waits: Waits = nothingWaits): RowText {
  const { l10n } = words;
  switch (node.kind) {
    case 'repository':
      return {
        label: oneLine(node.state.label),
        icon: { id: 'repo' },
        contextValue: 'repository',
        children: 'expanded',
        spoken: l10n.t('Repository {0}', node.state.label),
      };
    case 'dataset':
      return datasetRowText(node, words, waits);
    case 'version':
      return versionRowText(node, words, waits);
    case 'parents':
      return group(l10n.t('Parents'), l10n.t('{0} derived from', node.of.entry.version), 'arrow-up', node.kind);
    case 'children':
      return group(l10n.t('Children'), l10n.t('derived from {0}', node.of.entry.version), 'arrow-down', node.kind);
    case 'missing': {
      const label = oneLine(`${node.version.name} ${node.version.version}`);
      const description = l10n.t('not in this repository');
      return {
        label,
        description,
        icon: { id: 'question' },
        contextValue: 'missing',
        children: 'none',
        spoken: `${label}, ${description}`,
      };
    }
    case 'more': {
      const label = l10n.t('Show more');
      const description = l10n.t('{0} older versions', node.remaining);
      return {
        label,
        description,
        icon: { id: 'ellipsis' },
        contextValue: 'more',
        children: 'none',
        spoken: `${label}, ${description}`,
        command: { id: 'datamanager.showMore', title: label },
      };
    }
    case 'problem': {
      const label = oneLine(node.problem.message);
      const opens = faultPlace(node.problem, node.state.folder);
      return {
        label,
        icon: { id: 'warning', color: 'list.warningForeground' },
        contextValue: 'problem',
        children: 'none',
        spoken: l10n.t('Problem: {0}', label),
        ...(opens ? { opens } : {}),
      };
    }
  }
}

function group(label: string, description: string, icon: string, kind: string): RowText {
  const spoken = `${label}, ${description}`;
  return { label, description, icon: { id: icon }, contextValue: kind, children: 'expanded', spoken };
}

function datasetRowText({ state, dataset }: DatasetRowNode, words: Words, waits: Waits): RowText {
  const newest = latest(dataset);
  const local = datasetState(state, dataset);
  const toPush = waits(state.folder, dataset.name, newest.version) ? words.l10n.t('to push') : null;
  const size = newest.size === null ? null : formatBytes(newest.size);
  const age = formatAge(newest.timestamp, words.now, words.language);
  const said = datasetWords(local.kind, local.version ?? '', words);
  const label = oneLine(dataset.name);
  return {
    label,
    description: joined([newest.version, toPush, local.kind === 'absent' ? null : said, size, age]),
    icon: { id: 'database' },
    contextValue: contextValue('dataset', {
      available: local.kind !== 'pending' && local.kind !== 'deleted',
      diff: dataset.history.length > 1,
      local: local.kind === 'current',
      modified: local.kind === 'modified',
    }),
    children: 'collapsed',
    spoken: joined([label, words.l10n.t('newest version {0}', String(newest.number)), toPush, said, size, age], ', '),
  };
}

function versionRowText(node: VersionNode, words: Words, waits: Waits): RowText {
  const { state, dataset, entry, group } = node;
  const local = versionState(state, dataset, entry);
  const toPush = waits(state.folder, dataset.name, entry.version) ? words.l10n.t('to push') : null;
  const size = entry.size === null ? null : formatBytes(entry.size);
  const age = formatAge(entry.timestamp, words.now, words.language);
  const said = versionWords(local, words);
  const name = oneLine(dataset.name);
  const available = local !== 'pending' && local !== 'deleted';
  return {
    label: group ? `${name} ${entry.version}` : entry.version,
    description: joined([
      toPush,
      local === 'cloud' ? null : said,
      age,
      entry.description && oneLine(entry.description),
      size,
    ]),
    icon: versionIcon[local],
    contextValue: contextValue('version', {
      available,
      diff: available,
      local: local === 'local',
      modified: local === 'modified',
    }),
    children: hasLineage(node) ? 'collapsed' : 'none',
    spoken: joined(
      [
        name,
        words.l10n.t('version {0}', String(entry.number)),
        toPush,
        said,
        size,
        age,
        entry.description && oneLine(entry.description),
      ],
      ', ',
    ),
    ...(available
      ? { command: { id: 'datamanager.comparePrevious', title: words.l10n.t('Compare with Previous') } }
      : {}),
  };
}

const versionIcon: Readonly<Record<VersionState, RowText['icon']>> = {
  cloud: { id: 'cloud' },
  local: { id: 'pass-filled', color: 'testing.iconPassed' },
  modified: { id: 'edit', color: 'gitDecoration.modifiedResourceForeground' },
  pending: { id: 'clock' },
  deleted: { id: 'circle-slash' },
};

/** A version's state in words. */
export function versionWords(state: VersionState, { l10n }: Words): string {
  switch (state) {
    case 'cloud':
      return l10n.t('not downloaded');
    case 'local':
      return l10n.t('local');
    case 'modified':
      return l10n.t('changed locally');
    case 'pending':
      return l10n.t('pending');
    case 'deleted':
      return l10n.t('withdrawn');
  }
}

function datasetWords(state: DatasetState, version: string, { l10n }: Words): string {
  switch (state) {
    case 'absent':
      return l10n.t('not downloaded');
    case 'current':
      return l10n.t('local');
    case 'older':
      return l10n.t('local {0}', version);
    case 'modified':
      return l10n.t('changed locally');
    case 'pending':
      return l10n.t('pending');
    case 'deleted':
      return l10n.t('withdrawn');
  }
}
