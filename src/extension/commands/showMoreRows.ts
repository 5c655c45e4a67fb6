import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import { type Comparison, comparisonTitle, decodeAddress, isComparison } from '../documents/comparison';
import type { RowsPage } from '../documents/comparisons';
import { openPage } from '../documents/diffDocuments';
import type { Services } from '../services';
import { withoutIcons } from '../ui/plainText';
import { chooseOne } from '../ui/prompts';
import { withProgress } from '../ui/withProgress';
import { optionsOf } from './subject';

export type ShowMoreRowsOptions = RowsPage & { readonly comparison: Comparison };

/** What was opened: the first of the changed rows that are shown counts from 0. */
export interface ShownRows {
  readonly table: string;
  readonly skipped: number;
  readonly shown: number;
  readonly omitted: number;
}

/** Opens the next changed rows of a table: of a link, of the page in the active editor, or of a table that is chosen. */
export async function showMoreRows(services: Services, argument: unknown): Promise<ShownRows> {
  const { comparison, table, skip } = given(argument) ?? (await nextOfActive(services)) ?? (await choose(services));
  const { sides = [] } = await withProgress(vscode.l10n.t('Comparing {0}', comparisonTitle(comparison)), (monitor) =>
    services.comparisons.compare(comparison, monitor, { table, skip }),
  );
  const [pair] = sides;
  if (!pair) throw new DataManagerError('VERSION_NOT_FOUND', `Table ${table} has no changed rows any more.`);
  await openPage(comparison, pair, table);
  return { table, skipped: pair.skipped, shown: pair.shown, omitted: pair.omitted };
}

function given(argument: unknown): ShowMoreRowsOptions | null {
  const { comparison, table, skip } = optionsOf<ShowMoreRowsOptions>(argument);
  const valid = isComparison(comparison) && typeof table === 'string' && Number.isSafeInteger(skip);
  return valid ? { comparison, table, skip: Math.max(0, skip ?? 0) } : null;
}

/** The page behind the one in the active diff editor, if there is one. */
async function nextOfActive({ comparisons }: Services): Promise<ShowMoreRowsOptions | null> {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  const address = input instanceof vscode.TabInputTextDiff ? decodeAddress(input.modified.query) : null;
  if (address?.part.kind !== 'table') return null;
  const { comparison, part } = address;
  const { table, skip } = part;
  const { sides = [] } = await comparisons.compare(comparison, {}, { table, skip });
  const [pair] = sides;
  return pair && pair.omitted > 0 ? { comparison, table, skip: pair.skipped + pair.shown } : null;
}

/** A table of the comparison that was opened last. */
async function choose({ comparisons }: Services): Promise<ShowMoreRowsOptions> {
  const comparison = comparisons.lastOpened;
  const { sides = [] } = comparison ? await comparisons.compare(comparison) : {};
  const items = sides.flatMap(({ table, shown, omitted }) =>
    table !== null && omitted > 0
      ? [
          {
            label: withoutIcons(table),
            description: vscode.l10n.t('{0} more changed rows', omitted),
            table,
            skip: shown,
          },
        ]
      : [],
  );
  if (!comparison || items.length === 0) {
    throw new DataManagerError(
      'VERSION_NOT_FOUND',
      'The comparison that was opened last shows all of its changed rows.',
    );
  }
  const { table, skip } = await chooseOne(items, vscode.l10n.t('Choose a table'), vscode.l10n.t('Show More Rows'));
  return { comparison, table, skip };
}
