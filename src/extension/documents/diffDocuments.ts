import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import type { DocumentPair } from '../../core/sqldiff/diffEngine';
import { documentScheme } from '../ui/ids';
import { type Comparison, comparisonTitle, type DocumentAddress, decodeAddress, encodeAddress } from './comparison';
import type { Comparisons } from './comparisons';

/** Gives the texts of `datamanager:` documents, also to editors that VS Code restores after a reload. */
export class DiffDocuments implements vscode.TextDocumentContentProvider {
  constructor(
    private readonly comparisons: Comparisons,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const address = decodeAddress(uri.query);
    if (!address) return '';
    try {
      const { sides } = await this.comparisons.compare(address.comparison);
      const pair = sides?.find(({ table }) => table === address.table);
      return pair?.[address.side] ?? '';
    } catch (error) {
      if (DataManagerError.is(error, 'CANCELLED')) return '';
      this.log.error(error instanceof Error ? error : String(error));
      const reason = error instanceof Error ? error.message : String(error);
      return vscode.l10n.t("This comparison can't be shown any more: {0}", reason);
    }
  }
}

/** Opens the documents of a comparison: one pair in the diff editor, several in the multi-file one, the schema first. */
export async function openDocuments(comparison: Comparison, pairs: readonly DocumentPair[]): Promise<void> {
  const title = comparisonTitle(comparison);
  const [only] = pairs;
  if (only && pairs.length === 1 && only.before !== null && only.after !== null) {
    const [, left, right] = resources(comparison, only);
    const label = `${title} (${only.table ?? vscode.l10n.t('schema')})`;
    await vscode.commands.executeCommand('vscode.diff', left, right, label, { preview: true });
    return;
  }
  await vscode.commands.executeCommand(
    'vscode.changes',
    title,
    pairs.map((pair) => resources(comparison, pair)),
  );
}

type Resources = readonly [label: vscode.Uri, before: vscode.Uri | undefined, after: vscode.Uri | undefined];

function resources(comparison: Comparison, { table, before, after }: DocumentPair): Resources {
  const left = before === null ? undefined : documentUri({ comparison, table, side: 'before' });
  const right = after === null ? undefined : documentUri({ comparison, table, side: 'after' });
  return [right ?? left ?? documentUri({ comparison, table, side: 'after' }), left, right];
}

export function documentUri(address: DocumentAddress): vscode.Uri {
  return vscode.Uri.from({ scheme: documentScheme, ...encodeAddress(address) });
}
