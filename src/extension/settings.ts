import path from 'node:path';
import * as vscode from 'vscode';
import type { GitProgram } from '../core/repo/repository';
import { gitOfVsCode } from './vscodeGit';

function setting<T>(name: string, fallback: T, folder?: string): T {
  const scope = folder === undefined ? undefined : vscode.Uri.file(folder);
  return vscode.workspace.getConfiguration('datamanager', scope).get<T>(name, fallback);
}

/** Folder that Pull writes to, absolute; dataset names are paths below it. */
export function pullFolder(repositoryFolder: string): string {
  return path.resolve(repositoryFolder, setting('pullFolder', '', repositoryFolder));
}

/** Bytes that the cache of downloaded versions may take. */
export function cacheLimit(): number {
  return Math.max(0, setting('cache.maxSizeGB', 20)) * 1024 ** 3;
}

export const contextRowsSetting = 'diff.contextRows';

/** Unchanged rows that a comparison shows on each side of a changed one. */
export function contextRows(): number {
  return Math.min(20, Math.max(0, Math.trunc(setting(contextRowsSetting, 0))));
}

/** Levels below a workspace folder in which repositories are searched. */
export function searchDepth(): number {
  return Math.max(0, setting('searchDepth', 2));
}

/** The system's git: the one of our setting, else the one that VS Code runs. The setting is not read from an untrusted workspace: package.json restricts it. */
export function gitProgram(): GitProgram {
  return { path: setting('git.path', '').trim() || gitOfVsCode() || 'git', env: process.env };
}
