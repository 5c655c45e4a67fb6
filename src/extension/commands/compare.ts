import * as vscode from 'vscode';
import type { VersionEntry } from '../../core/catalog/manifest';
import { DataManagerError } from '../../core/errors';
import { type Comparison, comparisonTitle } from '../documents/comparison';
import { openDocuments } from '../documents/diffDocuments';
import type { Services } from '../services';
import { notificationText } from '../ui/plainText';
import { formatBytes } from '../ui/quantities';
import { withProgress } from '../ui/withProgress';

/** What a comparison came to, for programs that start one. */
export interface CompareResult {
  readonly title: string;
  readonly identical: boolean;
  /** Tables whose documents were opened; null stands for the schema. */
  readonly tables: readonly (string | null)[];
}

/** Compares and opens what differs; identical versions and files without rows get a sentence instead. */
export async function openComparison(
  services: Services,
  comparison: Comparison,
  entries: { readonly before: VersionEntry | null; readonly after: VersionEntry },
): Promise<CompareResult> {
  const title = comparisonTitle(comparison);
  try {
    const answer = await withProgress(vscode.l10n.t('Comparing {0}', title), (monitor) =>
      services.comparisons.compare(comparison, monitor),
    );
    const pairs = answer.sides ?? [];
    services.log.info(`${title}: ${pairs.length} documents, identical: ${answer.summary.identical}`);
    if (pairs.length > 0) await openDocuments(comparison, pairs);
    else say(vscode.l10n.t('{0}: no logical difference. Schema and rows are the same.', title));
    return { title, identical: answer.summary.identical, tables: pairs.map(({ table }) => table) };
  } catch (error) {
    if (!DataManagerError.is(error, 'NOT_SQLITE')) throw error;
    say(withoutRows(comparison.name, entries));
    return { title, identical: entries.before?.sha256 === entries.after.sha256, tables: [] };
  }
}

function withoutRows(name: string, { before, after }: { before: VersionEntry | null; after: VersionEntry }): string {
  const facts = (entry: VersionEntry): string =>
    `${entry.version}: ${entry.size === null ? '' : `${formatBytes(entry.size)}, `}SHA-256 ${entry.sha256.slice(0, 12)}…`;
  const versions = [before, after].flatMap((entry) => (entry ? [facts(entry)] : []));
  return vscode.l10n.t(
    '{0} is not an SQLite database, so there are no rows to compare. {1}',
    name,
    versions.join(' · '),
  );
}

function say(message: string): void {
  void vscode.window.showInformationMessage(notificationText(message));
}
