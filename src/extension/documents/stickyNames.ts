import * as vscode from 'vscode';

/** Language of the rows of a table (package.json, `languages`). */
export const rowsLanguage = 'datamanager-rows';

/** Keeps the names of the columns in sight: a line that begins a fold sticks to the top of the editor while the fold is scrolled. */
export const stickyNames: vscode.FoldingRangeProvider = {
  provideFoldingRanges: ({ lineCount }) => (lineCount > 1 ? [new vscode.FoldingRange(0, lineCount - 1)] : []),
};
