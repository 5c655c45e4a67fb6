import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';

/** A person closed a question: the command ends without a word. */
export function dismissed(): DataManagerError {
  return new DataManagerError('CANCELLED', 'Dismissed.');
}

/** The answer to a question; throws CANCELLED when it was closed instead. */
export async function answered<T>(question: Thenable<T | undefined>): Promise<T> {
  const answer = await question;
  if (answer === undefined) throw dismissed();
  return answer;
}

/** One of several; asks only when there is a choice. */
export async function chooseOne<T extends vscode.QuickPickItem>(
  items: readonly T[],
  placeHolder: string,
  title: string,
): Promise<T> {
  const [only] = items;
  if (only && items.length === 1) return only;
  return answered(
    vscode.window.showQuickPick(items, { placeHolder, title, matchOnDescription: true, matchOnDetail: true }),
  );
}

/** A file on this machine. */
export async function chooseFile(options: {
  readonly title: string;
  readonly openLabel: string;
  readonly defaultUri?: vscode.Uri;
}): Promise<string> {
  const [file] = await answered(
    vscode.window.showOpenDialog({
      ...options,
      canSelectMany: false,
      filters: { SQLite: ['sqlite', 'sqlite3', 'db', 'gpkg'], [vscode.l10n.t('All files')]: ['*'] },
    }),
  );
  if (!file) throw dismissed();
  return file.fsPath;
}
