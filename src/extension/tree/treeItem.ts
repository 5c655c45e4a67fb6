import * as vscode from 'vscode';
import type { FaultPlace } from '../ui/faultPlace';
import type { RowText } from './rowText';

const collapsible = {
  none: vscode.TreeItemCollapsibleState.None,
  collapsed: vscode.TreeItemCollapsibleState.Collapsed,
  expanded: vscode.TreeItemCollapsibleState.Expanded,
} as const;

/** A row as VS Code takes it. Without a tooltip: `resolveTreeItem` adds that when it is shown. */
export function treeItem(node: { readonly id: string }, row: RowText): vscode.TreeItem {
  const item = new vscode.TreeItem(row.label, collapsible[row.children]);
  item.id = node.id;
  if (row.description !== undefined) item.description = row.description;
  item.iconPath = new vscode.ThemeIcon(row.icon.id, row.icon.color ? new vscode.ThemeColor(row.icon.color) : undefined);
  item.contextValue = row.contextValue;
  item.accessibilityInformation = { label: row.spoken };
  if (row.command) item.command = { command: row.command.id, title: row.command.title, arguments: [node] };
  if (row.opens) item.command = openCommand(row.opens);
  return item;
}

function openCommand({ file, line, column }: FaultPlace): vscode.Command {
  const position = new vscode.Position(line - 1, column - 1);
  const selection = new vscode.Range(position, position);
  return {
    command: 'vscode.open',
    title: vscode.l10n.t('Show in File'),
    arguments: [vscode.Uri.file(file), { selection }],
  };
}

/** Markdown that can neither run commands nor show HTML, whatever it says. */
export function tooltip(markdown: string | null): vscode.MarkdownString | undefined {
  return markdown === null ? undefined : new vscode.MarkdownString(markdown);
}
