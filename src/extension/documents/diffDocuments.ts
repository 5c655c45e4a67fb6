import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import type { DiffAnswer, DocumentPair } from '../../core/sqldiff/diffEngine';
import { type OverviewPair, overviewText } from '../../core/sqldiff/overviewText';
import { documentScheme } from '../ui/ids';
import {
  type ComparedSide,
  type Comparison,
  comparisonTitle,
  type DocumentAddress,
  type DocumentPart,
  decodeAddress,
  encodeAddress,
  sideLabel,
} from './comparison';
import type { Comparisons } from './comparisons';

/** Gives the texts of `datamanager:` documents, also to editors that VS Code restores after a reload. */
export class DiffDocuments implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly comparisons: Comparisons,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const address = decodeAddress(uri.query);
    if (!address) return '';
    try {
      return await documentText(this.comparisons, address);
    } catch (error) {
      if (DataManagerError.is(error, 'CANCELLED')) return '';
      this.log.error(error instanceof Error ? error : String(error));
      const reason = error instanceof Error ? error.message : String(error);
      return vscode.l10n.t("This comparison can't be shown any more: {0}", reason);
    }
  }

  /** Makes the rows of open documents anew. */
  refreshRows(): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      if (uri.scheme === documentScheme && decodeAddress(uri.query)?.part.kind === 'table') this.changed.fire(uri);
    }
  }

  dispose(): void {
    this.changed.dispose();
  }
}

async function documentText(comparisons: Comparisons, address: DocumentAddress): Promise<string> {
  const { comparison, part, side } = address;
  if (part.kind === 'text') return comparisons.text(address);
  const pair = part.kind === 'summary' ? null : await pairOf(comparisons, comparison, part);
  return (pair ?? summaryPair(comparison, await comparisons.compare(comparison)))[side] ?? '';
}

/** The pair that a schema or table document belongs to. */
export async function pairOf(
  comparisons: Comparisons,
  comparison: Comparison,
  part: Extract<DocumentPart, { kind: 'schema' | 'table' }>,
): Promise<DocumentPair> {
  const table = part.kind === 'table' ? part.table : null;
  const page = part.kind === 'table' && part.skip > 0 ? part : undefined;
  const { sides = [] } = await comparisons.compare(comparison, {}, page && { table: page.table, skip: page.skip });
  const none = { table, before: null, after: null, skipped: 0, shown: 0, omitted: 0 };
  return sides.find((pair) => pair.table === table) ?? none;
}

/** The documents that come first, with the places in them that name tables. */
export function summaryPair(comparison: Comparison, { summary, overview }: DiffAnswer): OverviewPair {
  const { name, before, after } = comparison;
  const called = (side: ComparedSide): string => (side.kind === 'file' ? side.label : `${name} ${sideLabel(side)}`);
  return overviewText({ before: before && called(before), after: called(after) }, summary, overview ?? null);
}

/**
 * Opens the documents of a comparison: the summary, the schema and each changed table in the multi-file diff editor; texts in
 * the plain diff editor; of anything else the summary alone.
 */
export async function openDocuments(comparison: Comparison, { summary, sides = [] }: DiffAnswer): Promise<void> {
  const title = comparisonTitle(comparison);
  const [left, right] = (['before', 'after'] as const).map((side) =>
    documentUri({ comparison, part: { kind: 'summary' }, side }),
  );
  if (summary.lines) {
    await vscode.commands.executeCommand(
      'vscode.diff',
      textUri(comparison, 'before'),
      textUri(comparison, 'after'),
      title,
      {
        preview: true,
      },
    );
    return;
  }
  if (sides.length === 0) {
    await vscode.commands.executeCommand('vscode.diff', left, right, title, { preview: true });
    return;
  }
  await vscode.commands.executeCommand('vscode.changes', title, [
    [right, comparison.before ? left : undefined, right],
    ...sides.map((pair) => resources(comparison, pair)),
  ]);
}

/** Opens a page of a table's changed rows in a diff editor of its own. */
export async function openPage(comparison: Comparison, pair: DocumentPair, table: string): Promise<void> {
  const { skipped, shown, omitted } = pair;
  const part: DocumentPart = { kind: 'table', table, skip: skipped };
  const [left, right] = (['before', 'after'] as const).map((side) => documentUri({ comparison, part, side }));
  const number = new Intl.NumberFormat(vscode.env.language);
  const rows = vscode.l10n.t(
    'changed rows {0} to {1} of {2}',
    number.format(skipped + 1),
    number.format(skipped + shown),
    number.format(skipped + shown + omitted),
  );
  // The table first: a tab shows the start of its title.
  const shownRows = skipped + omitted > 0 ? `${table}, ${rows}` : table;
  const title = `${shownRows} (${comparisonTitle(comparison)})`;
  await vscode.commands.executeCommand('vscode.diff', left, right, title, { preview: true });
}

type Resources = readonly [label: vscode.Uri, before: vscode.Uri | undefined, after: vscode.Uri | undefined];

function resources(comparison: Comparison, { table, before, after }: DocumentPair): Resources {
  const part: DocumentPart = table === null ? { kind: 'schema' } : { kind: 'table', table, skip: 0 };
  const left = before === null ? undefined : documentUri({ comparison, part, side: 'before' });
  const right = after === null ? undefined : documentUri({ comparison, part, side: 'after' });
  return [right ?? left ?? documentUri({ comparison, part, side: 'after' }), left, right];
}

/** A file itself, where it is one: the person may edit it in the diff editor. */
function textUri(comparison: Comparison, side: 'before' | 'after'): vscode.Uri {
  const compared = comparison[side];
  if (compared?.kind === 'file') return vscode.Uri.file(compared.path);
  return documentUri({ comparison, part: { kind: 'text' }, side });
}

export function documentUri(address: DocumentAddress): vscode.Uri {
  return vscode.Uri.from({ scheme: documentScheme, ...encodeAddress(address) });
}
