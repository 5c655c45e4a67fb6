import * as vscode from 'vscode';
import type { Repositories } from './repositories';
import type { RepositoryState } from './repositoryState';
import type { Operations } from './services';
import { gitProgram } from './settings';
import { contextKeys } from './ui/ids';

/** Whether there is a git at all is asked once the window has settled: starting a program is no part of activation. */
const gitQuestionMs = 1_000;

/** Sets the context keys that welcome texts and menus go by, and what the Datasets view says above its rows. */
export function keepViewContext(
  repositories: Repositories,
  operations: Operations,
  datasets: vscode.TreeView<unknown>,
): vscode.Disposable {
  const update = async (): Promise<void> => {
    const states = repositories.known;
    // Not after a wait: a line that comes above the rows later moves them from under the pointer.
    if (!vscode.workspace.isTrusted) datasets.message = messageOf(states, false);
    const lacking = await Promise.all(states.map((state) => lacksStore(state, operations)));
    const storeMissing = states.length > 0 && lacking.every(Boolean);
    datasets.message = messageOf(states, storeMissing);
    await setContext('hasRepository', states.length > 0);
    await setContext('storeMissing', storeMissing);
    await setContext('state', stateOf(states));
  };
  const later = setTimeout(() => void askForGit(), gitQuestionMs);
  return vscode.Disposable.from(
    { dispose: () => clearTimeout(later) },
    repositories.onDidChange(() => void update()),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void update()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('datamanager.git.path')) void askForGit();
    }),
  );
}

function stateOf(states: readonly RepositoryState[]): 'noRepository' | 'empty' | 'ready' {
  const [only, ...others] = states;
  if (!only) return 'noRepository';
  if (others.length > 0 || only.content.problem) return 'ready';
  return only.content.manifest.datasets.length === 0 ? 'empty' : 'ready';
}

/** The environment or `.env` may name a store where the settings don't. */
async function lacksStore({ content, repository }: RepositoryState, operations: Operations): Promise<boolean> {
  if (content.problem) return false;
  return (await operations.storeSettings(repository).catch(() => undefined)) === null;
}

// A welcome text is shown over an empty view only; above rows, this line says the same.
function messageOf(states: readonly RepositoryState[], storeMissing: boolean): string | undefined {
  if (stateOf(states) !== 'ready') return undefined;
  if (!vscode.workspace.isTrusted)
    return vscode.l10n.t('Restricted Mode: browsing only. No store, no network, no Git.');
  return storeMissing ? vscode.l10n.t('No store is set: run "Data Manager: Open Settings" to name one.') : undefined;
}

function setContext(key: keyof typeof contextKeys, value: boolean | string): Thenable<unknown> {
  return vscode.commands.executeCommand('setContext', contextKeys[key], value);
}

async function askForGit(): Promise<void> {
  if (!vscode.workspace.isTrusted) return;
  const { runGit } = await import('../core/repo/runGit');
  const present = await runGit(gitProgram(), ['--version'], { cwd: process.cwd() }).then(
    () => true,
    () => false,
  );
  await setContext('gitMissing', !present);
}
