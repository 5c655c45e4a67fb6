import * as vscode from 'vscode';
import type { Services } from '../services';
import { chooseVersion } from './subject';

/** Puts the SHA-256 of a version's bytes on the clipboard. */
export async function copySha256(services: Services, argument: unknown): Promise<string> {
  const { entry } = await chooseVersion(services, argument, vscode.l10n.t('Copy SHA-256'));
  await vscode.env.clipboard.writeText(entry.sha256);
  vscode.window.setStatusBarMessage(vscode.l10n.t('$(check) SHA-256 of {0} copied', entry.version), 4000);
  return entry.sha256;
}
