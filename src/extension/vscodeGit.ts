import * as vscode from 'vscode';

/** What we use of the API, version 1, that VS Code's own Git extension exports. */
interface GitApi {
  readonly git: { readonly path: string };
  getRepository(uri: vscode.Uri): { status(): Promise<void> } | null;
}

interface GitExtension {
  readonly enabled: boolean;
  getAPI(version: 1): GitApi;
}

/** The API, if that extension runs. It is not started for us: without it, everything works as well. */
function gitApi(): GitApi | null {
  const extension = vscode.extensions.getExtension<GitExtension>('vscode.git');
  if (!extension?.isActive || !extension.exports.enabled) return null;
  try {
    return extension.exports.getAPI(1);
  } catch {
    return null; // it found no git
  }
}

/** The git that VS Code itself runs: found where PATH has none, and chosen by the user with "git.path". */
export function gitOfVsCode(): string | undefined {
  return gitApi()?.git.path || undefined;
}

/** Has the Source Control view look again, after we committed or pushed. */
export function refreshSourceControl(root: string): void {
  void gitApi()
    ?.getRepository(vscode.Uri.file(root))
    ?.status()
    .catch(() => {}); // it looks again by itself, later
}
