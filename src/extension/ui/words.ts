/** What text made for people depends on; `vscode.l10n` in the editor, a stand-in where there is no editor. */
export interface Words {
  readonly l10n: { t(message: string, ...args: (string | number | boolean)[]): string };
  /** BCP 47, such as `en`. */
  readonly language: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}
