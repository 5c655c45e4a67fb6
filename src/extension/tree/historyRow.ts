import type { CatalogCommit } from '../../core/operations/commitLog';
import { escapeMarkdown, oneLine } from '../ui/plainText';
import { formatAge } from '../ui/quantities';
import type { Words } from '../ui/words';
import type { BranchNode, ChangeNode, HistoryNode } from './historyNodes';
import { contextValue, joined, type RowText } from './rowText';

/** How a row of the History view looks. */
export function historyRow(node: HistoryNode, words: Words): RowText {
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
    case 'branch':
      return branchRow(node, words);
    case 'commit': {
      const { commit } = node.commit;
      const label = oneLine(commit.subject) || l10n.t('(no message)');
      const age = formatAge(commit.timestamp, words.now, words.language);
      const description = joined([age, oneLine(commit.author.name)]);
      return {
        label,
        description,
        icon: { id: 'git-commit' },
        contextValue: 'commit',
        children: 'collapsed',
        spoken: joined([label, summary(node.commit, words), age, oneLine(commit.author.name)], ', '),
      };
    }
    case 'change':
      return changeRow(node, words);
    case 'moreCommits': {
      const label = l10n.t('Show more');
      return {
        label,
        icon: { id: 'ellipsis' },
        contextValue: 'more',
        children: 'none',
        spoken: l10n.t('Show more commits'),
        command: { id: 'datamanager.showMore', title: label },
      };
    }
    case 'historyProblem':
      return {
        label: oneLine(node.message),
        icon: { id: 'warning', color: 'list.warningForeground' },
        contextValue: 'problem',
        children: 'none',
        spoken: l10n.t('Problem: {0}', oneLine(node.message)),
      };
  }
}

/** The Markdown tooltip of a row; null when the row says everything. */
export function historyTooltip(node: HistoryNode, words: Words): string | null {
  switch (node.kind) {
    case 'commit': {
      const { commit } = node.commit;
      const when = formatAge(commit.timestamp, words.now, words.language);
      return [
        `**${escapeMarkdown(commit.subject)}**`,
        escapeMarkdown(`${commit.author.name} <${commit.author.email}>, ${when}`),
        escapeMarkdown(summary(node.commit, words)),
        `\`${commit.oid}\``,
      ].join('\n\n');
    }
    case 'change':
      return `**${escapeMarkdown(node.name)}** ${node.version.version}\n\nSHA\\-256 \`${node.version.sha256}\``;
    case 'historyProblem':
      return escapeMarkdown(node.message);
    default:
      return null;
  }
}

function branchRow({ branch, open }: BranchNode, { l10n }: Words): RowText {
  const label = oneLine(branch.name);
  const description = { current: l10n.t('checked out'), local: undefined, remote: l10n.t('remote') }[branch.place];
  return {
    label,
    ...(description === undefined ? {} : { description }),
    icon: { id: branch.place === 'remote' ? 'cloud' : 'git-branch' },
    contextValue: contextValue('branch', { [branch.place]: true }),
    children: open ? 'expanded' : 'collapsed',
    spoken: joined([l10n.t('Branch {0}', label), description], ', '),
  };
}

function changeRow({ name, change, version }: ChangeNode, { l10n }: Words): RowText {
  const label = `${oneLine(name)} ${version.version}`;
  const description = { added: l10n.t('added'), removed: l10n.t('removed'), edited: l10n.t('edited') }[change];
  return {
    label,
    description,
    icon: { added: addedIcon, removed: removedIcon, edited: editedIcon }[change],
    contextValue: contextValue('change', { diff: true }),
    children: 'none',
    spoken: `${label}, ${description}`,
    command: { id: 'datamanager.comparePrevious', title: l10n.t('Compare with Previous') },
  };
}

const addedIcon = { id: 'diff-added', color: 'gitDecoration.addedResourceForeground' };
const removedIcon = { id: 'diff-removed', color: 'gitDecoration.deletedResourceForeground' };
const editedIcon = { id: 'diff-modified', color: 'gitDecoration.modifiedResourceForeground' };

function summary({ changes, problem }: CatalogCommit, { l10n }: Words): string {
  if (problem !== null) return l10n.t("manifest can't be read");
  const [only] = changes;
  return changes.length === 1 && only ? only.name : l10n.t('{0} datasets', changes.length);
}
