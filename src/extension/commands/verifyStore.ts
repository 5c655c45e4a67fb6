import * as vscode from 'vscode';
import type { StoreReport } from '../../core/operations/verifyStore';
import type { StoreCheck } from '../../core/store/objectStore';
import type { Services } from '../services';
import { firstFailure } from '../ui/firstFailure';
import { notificationText, withoutIcons } from '../ui/plainText';
import { withProgress } from '../ui/withProgress';
import { chooseRepository } from './subject';

/** Tries what the store lets us do, and shows one row for each right. */
export async function verifyStore(services: Services, argument: unknown): Promise<StoreReport> {
  const title = vscode.l10n.t('Verify Store');
  const { repository } = await chooseRepository(services, argument, title);
  const { verifyStore: verify } = await import('../../core/operations/verifyStore');
  const { openStore } = services.operations.contextOf(repository);
  const report = await withProgress(title, (monitor) => verify({ openStore, ...monitor }));
  for (const { check, ok, detail } of report.checks) {
    services.log.info(`verify ${report.location}: ${check} ${ok ? 'ok' : 'failed'}: ${detail}`);
  }
  void show(report);
  return report;
}

async function show({ location, ok, checks }: StoreReport): Promise<void> {
  const details = vscode.l10n.t('Details');
  const message = ok
    ? vscode.l10n.t('The store works: {0} can be listed, read, written and deleted from.', location)
    : vscode.l10n.t('The store {0} does not work fully: {1}', location, firstFailure(checks));
  const say = ok ? vscode.window.showInformationMessage : vscode.window.showWarningMessage;
  if ((await say(notificationText(message), details)) !== details) return;
  const items = checks.map((check) => ({
    label: `$(${check.ok ? 'pass' : 'error'}) ${checkWords(check.check)}`,
    description: check.ok ? vscode.l10n.t('works') : vscode.l10n.t('does not work'),
    detail: withoutIcons(check.detail),
  }));
  await vscode.window.showQuickPick(items, { title: withoutIcons(location) });
}

function checkWords(check: StoreCheck['check']): string {
  switch (check) {
    case 'reach':
      return vscode.l10n.t('Reach the store');
    case 'list':
      return vscode.l10n.t('List objects');
    case 'read':
      return vscode.l10n.t('Read objects');
    case 'write':
      return vscode.l10n.t('Write objects');
    case 'delete':
      return vscode.l10n.t('Delete objects');
  }
}
