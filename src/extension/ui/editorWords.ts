import * as vscode from 'vscode';
import type { Words } from './words';

/** What text for people depends on, in this editor, now. */
export function editorWords(): Words {
  return { l10n: vscode.l10n, language: vscode.env.language, now: Date.now() };
}
