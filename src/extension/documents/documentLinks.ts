import * as vscode from 'vscode';
import type { CommandId } from '../ui/ids';
import { type DocumentAddress, decodeAddress } from './comparison';
import { type Comparisons, pageRows, type RowsPage } from './comparisons';
import { pairOf, summaryPair } from './diffDocuments';

/** Links: from a table in the summary to its rows, and from the end of a page of rows to the next one. */
export class DocumentLinks implements vscode.DocumentLinkProvider {
  constructor(private readonly comparisons: Comparisons) {}

  async provideDocumentLinks(document: vscode.TextDocument): Promise<vscode.DocumentLink[]> {
    const address = decodeAddress(document.uri.query);
    if (address?.part.kind === 'summary') return this.tableLinks(address);
    if (address?.part.kind === 'table') return this.pageLinks(document, address, address.part);
    return [];
  }

  private async tableLinks({ comparison, side }: DocumentAddress): Promise<vscode.DocumentLink[]> {
    const { places } = summaryPair(comparison, await this.comparisons.compare(comparison));
    return places[side].map(({ table, line, start, end }) =>
      link(
        new vscode.Range(line, start, line, end),
        comparison,
        { table, skip: 0 },
        vscode.l10n.t('Show the changed rows'),
      ),
    );
  }

  private async pageLinks(
    document: vscode.TextDocument,
    { comparison }: DocumentAddress,
    part: RowsPage & { readonly kind: 'table' },
  ): Promise<vscode.DocumentLink[]> {
    const { table } = part;
    const { skipped, shown, omitted } = await pairOf(this.comparisons, comparison, part);
    const links: vscode.DocumentLink[] = [];
    if (omitted > 0) {
      const { range } = document.lineAt(document.lineCount - 1);
      links.push(link(range, comparison, { table, skip: skipped + shown }, vscode.l10n.t('Show the next rows')));
    }
    if (skipped > 0 && document.lineCount > 1) {
      const skip = Math.max(0, skipped - pageRows);
      links.push(link(document.lineAt(1).range, comparison, { table, skip }, vscode.l10n.t('Show the rows before')));
    }
    return links;
  }
}

function link(
  range: vscode.Range,
  comparison: DocumentAddress['comparison'],
  page: RowsPage,
  tooltip: string,
): vscode.DocumentLink {
  const id: CommandId = 'datamanager.showMoreRows';
  const target = vscode.Uri.parse(`command:${id}?${encodeURIComponent(JSON.stringify([{ comparison, ...page }]))}`);
  const made = new vscode.DocumentLink(range, target);
  made.tooltip = tooltip;
  return made;
}
