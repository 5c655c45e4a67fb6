import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import { maySendSecret } from '../../core/repo/remote/credentials';
import { checkStore, plainEndpoint, storeIdentity } from '../../core/store/storeIdentity';
import type { S3StoreSettings } from '../../core/store/storeSettings';

const trustedStoresKey = 'trustedStores';

/**
 * Settings come with a clone, so whoever wrote them could send a person's keys and data to a bucket of their own. The first
 * use of an endpoint and bucket by a repository therefore asks.
 */
export class StoreTrust {
  constructor(private readonly memory: vscode.Memento) {}

  isTrusted(folder: string, store: S3StoreSettings): boolean {
    return this.memory.get<readonly string[]>(trustedStoresKey, []).includes(identity(folder, store));
  }

  async trust(folder: string, store: S3StoreSettings): Promise<void> {
    const others = this.memory.get<readonly string[]>(trustedStoresKey, []);
    await this.memory.update(trustedStoresKey, [...new Set([...others, identity(folder, store)])]);
  }

  /** Asks unless it is trusted already. Throws STORE_NOT_TRUSTED when the answer is no, SETTINGS_INVALID for no plain address. */
  async require(folder: string, store: S3StoreSettings): Promise<void> {
    const address = checkStore(store);
    if (this.isTrusted(folder, store)) return;
    const use = vscode.l10n.t('Use This Bucket');
    const answer = await vscode.window.showWarningMessage(
      vscode.l10n.t('Use the bucket "{0}" for this repository?', store.bucket),
      {
        modal: true,
        detail: [
          vscode.l10n.t(
            'Data and your keys for it would be sent to {0}. The settings of {1} ask for it; go on only if you know this address.',
            plainEndpoint(store.endpoint),
            folder,
          ),
          ...(maySendSecret(address) ? [] : [vscode.l10n.t('The connection is not encrypted.')]),
        ].join('\n\n'),
      },
      use,
    );
    if (answer !== use) {
      throw new DataManagerError(
        'STORE_NOT_TRUSTED',
        `The bucket "${store.bucket}" at ${plainEndpoint(store.endpoint)} is not trusted.`,
      );
    }
    await this.trust(folder, store);
  }
}

function identity(folder: string, store: S3StoreSettings): string {
  return JSON.stringify([folder, storeIdentity(store)]);
}
