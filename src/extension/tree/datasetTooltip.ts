import { type Dataset, latest, type VersionEntry } from '../../core/catalog/manifest';
import { escapeMarkdown } from '../ui/plainText';
import { formatAge, formatBytes, formatTime } from '../ui/quantities';
import type { Words } from '../ui/words';
import type { DatasetNode } from './datasetNodes';
import { versionWords } from './datasetRow';
import { copiesOf, versionState } from './localState';

/** The Markdown tooltip of a row; null when the row says everything. What comes from the manifest is escaped. */
export function datasetTooltip(node: DatasetNode, words: Words): string | null {
  switch (node.kind) {
    case 'repository':
      return escapeMarkdown(node.state.folder);
    case 'dataset':
      return [
        `**${escapeMarkdown(node.dataset.name)}**`,
        ...(node.dataset.description ? [escapeMarkdown(node.dataset.description)] : []),
        lines(datasetFacts(node.dataset, words)),
      ].join('\n\n');
    case 'version':
      return [
        `**${escapeMarkdown(node.dataset.name)}** ${node.entry.version}`,
        ...(node.entry.description ? [escapeMarkdown(node.entry.description)] : []),
        lines([
          [words.l10n.t('State'), stateText(node, words)],
          ...entryFacts(node.entry, words),
          ...copiesOf(node.state, node.dataset.name, node.entry.sha256).map(
            (copy): Fact => [words.l10n.t('Local copy'), copy.path],
          ),
        ]),
      ].join('\n\n');
    case 'missing':
      return lines([['SHA-256', node.version.sha256]]);
    case 'problem':
      return [node.problem.message, node.problem.hint ?? ''].map(escapeMarkdown).join('\n\n');
    case 'parents':
    case 'children':
    case 'more':
      return null;
  }
}

type Fact = readonly [label: string, value: string | null];

function stateText(node: Extract<DatasetNode, { kind: 'version' }>, words: Words): string {
  const said = versionWords(versionState(node.state, node.dataset, node.entry), words);
  return node.entry.statusReason ? `${said}: ${node.entry.statusReason}` : said;
}

function datasetFacts(dataset: Dataset, words: Words): readonly Fact[] {
  const { l10n } = words;
  return [
    [l10n.t('Newest'), latest(dataset).version],
    [l10n.t('Versions'), String(dataset.history.length)],
    ...entryFacts(latest(dataset), words),
    [l10n.t('Source'), dataset.source],
    [l10n.t('License'), dataset.license],
    [l10n.t('Tags'), dataset.tags.join(', ') || null],
  ];
}

function entryFacts(entry: VersionEntry, { l10n, now, language }: Words): readonly Fact[] {
  const age = formatAge(entry.timestamp, now, language);
  return [
    [
      l10n.t('Size'),
      entry.size === null ? null : `${formatBytes(entry.size)} (${entry.size.toLocaleString(language)} B)`,
    ],
    [l10n.t('Date'), age === null ? entry.timestamp || null : `${formatTime(entry.timestamp, language)} (${age})`],
    [l10n.t('Author'), entry.author],
    [l10n.t('Source'), entry.source],
    ['SHA-256', entry.sha256],
    [l10n.t('Object'), entry.key],
  ];
}

// Lines rather than a table: a table does not break a hash, and the hover gets a scroll bar.
function lines(facts: readonly Fact[]): string {
  return facts
    .flatMap(([label, value]) => (value === null ? [] : [`${escapeMarkdown(label)}: ${escapeMarkdown(value)}`]))
    .join('  \n');
}
