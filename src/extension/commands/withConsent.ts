import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import { oneLine } from '../ui/plainText';
import { dismissed } from '../ui/prompts';

/** Runs a write; when it would push commits of the user along, asks and runs it again with their consent. */
export async function withConsent<T extends { readonly yes?: boolean | undefined }, R>(
  options: T,
  run: (options: T) => Promise<R>,
): Promise<R> {
  try {
    return await run(options);
  } catch (error) {
    if (!DataManagerError.is(error, 'CONFIRMATION_NEEDED')) throw error;
    await agreeToPush(error);
    return run({ ...options, yes: true });
  }
}

async function agreeToPush(error: DataManagerError): Promise<void> {
  const agree = vscode.l10n.t('Push Them Too');
  const commits = Array.isArray(error.data.commits) ? (error.data.commits as readonly { subject?: unknown }[]) : [];
  const detail = commits.map(({ subject }) => `• ${oneLine(String(subject))}`).join('\n');
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Commits of yours are not pushed yet. Publishing pushes them too.'),
    { modal: true, detail },
    agree,
  );
  if (answer !== agree) throw dismissed();
}
