import * as vscode from 'vscode';
import type { Services } from '../services';
import type { CommandId } from '../ui/ids';
import { commandIds } from '../ui/ids';
import { showError } from '../ui/showError';
import { clearActivity, pauseActivity, resumeActivity } from './activity';
import { compareFileWithVersion } from './compareFileWithVersion';
import { compareLocalCopy } from './compareLocalCopy';
import { comparePrevious } from './comparePrevious';
import { compareSelectedFiles } from './compareSelectedFiles';
import { compareVersions } from './compareVersions';
import { copySha256 } from './copySha256';
import { createDataset } from './createDataset';
import type { CommandHandler } from './handler';
import { initRepository } from './initRepository';
import { finishInterrupted, undoInterrupted } from './interrupted';
import { linkParent } from './linkParent';
import { makeWholeObjects } from './makeWholeObjects';
import { openSettings } from './openSettings';
import { pullVersion } from './pullVersion';
import { pushPending } from './pushPending';
import { resolveConflict } from './resolveConflict';
import { setCredentials } from './setCredentials';
import { showMore } from './showMore';
import { showMoreRows } from './showMoreRows';
import { folderOf } from './subject';
import { updateDataset } from './updateDataset';
import { verifyStore } from './verifyStore';

/** Every command; TypeScript refuses a table that lacks one. */
const handlers: Readonly<Record<CommandId, CommandHandler>> = {
  'datamanager.createDataset': createDataset,
  // The same under the name that fits the Explorer's menu, which gives it the file.
  'datamanager.addFile': createDataset,
  'datamanager.updateDataset': updateDataset,
  'datamanager.pullVersion': pullVersion,
  'datamanager.comparePrevious': comparePrevious,
  'datamanager.compareVersions': compareVersions,
  'datamanager.compareFileWithVersion': compareFileWithVersion,
  'datamanager.compareLocalCopy': compareLocalCopy,
  'datamanager.compareSelectedFiles': compareSelectedFiles,
  'datamanager.showMoreRows': showMoreRows,
  'datamanager.verifyStore': verifyStore,
  'datamanager.copySha256': copySha256,
  'datamanager.linkParent': linkParent,
  'datamanager.pushPending': pushPending,
  'datamanager.pauseActivity': pauseActivity,
  'datamanager.resumeActivity': resumeActivity,
  'datamanager.clearActivity': clearActivity,
  'datamanager.resolveConflict': resolveConflict,
  'datamanager.finishInterrupted': finishInterrupted,
  'datamanager.undoInterrupted': undoInterrupted,
  'datamanager.makeWholeObjects': makeWholeObjects,
  'datamanager.initRepository': initRepository,
  'datamanager.setCredentials': setCredentials,
  'datamanager.openSettings': openSettings,
  'datamanager.refresh': ({ repositories }) => repositories.refresh(),
  'datamanager.showLog': async ({ log }) => log.show(),
  'datamanager.showMore': showMore,
};

/** Registers every command; what one throws is said here, in one place. */
export function registerCommands(services: Services): vscode.Disposable {
  const registrations = commandIds.map((id) =>
    vscode.commands.registerCommand(id, async (argument?: unknown, selected?: unknown) => {
      try {
        return await handlers[id](services, argument, selected);
      } catch (error) {
        showError(error, services.log, { folder: folderOf(argument, services.repositories.known) });
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registrations);
}
