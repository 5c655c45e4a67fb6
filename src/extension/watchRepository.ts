import path from 'node:path';
import * as vscode from 'vscode';
import { settingsFile } from '../core/catalog/settings';
import { localCopiesFile } from '../core/repo/localCopies';
import type { RepositoryState } from './repositoryState';

/** Copies of more versions than this are read when something else changes. */
const maxWatchedCopies = 64;

/** Which rows a change can show in: those of datasets (manifest, settings, local copies) or of history (refs). */
export interface RepositoryChange {
  readonly datasets: boolean;
  readonly history: boolean;
}

/** Calls back when a file changes that a repository's rows are made from: its own, Git's, and the local copies. */
export function watchRepository(
  state: RepositoryState,
  onChange: (change: RepositoryChange) => void,
): vscode.Disposable {
  const { folder, repository, content } = state;
  const copies = content.problem ? [] : [...content.copies.values()].flat().slice(0, maxWatchedCopies);
  const onFile = (): void => onChange({ datasets: true, history: false });
  const onRef = (): void => onChange({ datasets: false, history: true });
  const watchers = [
    watch(folder, `{manifest.json,${settingsFile}}`, onFile),
    watch(repository.gitDir, 'HEAD', onRef),
    watch(repository.commonDir, '{packed-refs,refs/**}', onRef),
    watch(path.dirname(localCopiesFile(repository)), path.basename(localCopiesFile(repository)), onFile),
    ...copies.map((copy) => watch(path.dirname(copy.path), escapeGlob(path.basename(copy.path)), onFile)),
  ];
  return vscode.Disposable.from(...watchers);
}

function watch(folder: string, glob: string, onChange: () => void): vscode.Disposable {
  const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(vscode.Uri.file(folder), glob));
  watcher.onDidChange(onChange);
  watcher.onDidCreate(onChange);
  watcher.onDidDelete(onChange);
  return watcher;
}

function escapeGlob(name: string): string {
  return name.replace(/[[\]{}*?]/g, (character) => `[${character}]`);
}
