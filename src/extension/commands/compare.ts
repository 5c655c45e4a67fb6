import * as vscode from 'vscode';
import { runActivity } from '../activity/runActivity';
import { type Comparison, comparisonTitle } from '../documents/comparison';
import { openDocuments } from '../documents/diffDocuments';
import type { Services } from '../services';
import { notificationText } from '../ui/plainText';

/** What a comparison came to, for programs that start one. */
export interface CompareResult {
  readonly title: string;
  readonly identical: boolean;
  /** Tables whose documents were opened; null stands for the schema. */
  readonly tables: readonly (string | null)[];
  /** Where two texts were compared. */
  readonly lines?: { readonly added: number; readonly removed: number };
}

/** Compares and opens what differs; where nothing does, it says so. */
export async function openComparison(services: Services, comparison: Comparison): Promise<CompareResult> {
  const title = comparisonTitle(comparison);
  const task = {
    kind: 'compare' as const,
    title: vscode.l10n.t('Comparing {0}', title),
    folder: comparison.folder,
    brief: true,
    outcome: () => vscode.l10n.t('Compared'),
    again: () => openComparison(services, comparison),
  };
  const answer = await runActivity(services.activities, task, (monitor) =>
    services.comparisons.compare(comparison, monitor),
  );
  const { summary, sides = [] } = answer;
  services.log.info(`${title}: ${sides.length} documents, identical: ${summary.identical}`);
  if (summary.identical) say(identicalWords(title, summary.files !== undefined));
  else {
    services.comparisons.lastOpened = comparison;
    await openDocuments(comparison, answer);
  }
  const { identical, lines } = summary;
  return { title, identical, tables: sides.map(({ table }) => table), ...(lines ? { lines } : {}) };
}

function identicalWords(title: string, asBytes: boolean): string {
  return asBytes
    ? vscode.l10n.t('{0}: no difference. The bytes are the same.', title)
    : vscode.l10n.t('{0}: no logical difference. Schema and rows are the same.', title);
}

function say(message: string): void {
  void vscode.window.showInformationMessage(notificationText(message));
}
