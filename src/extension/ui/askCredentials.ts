import * as vscode from 'vscode';
import { DataManagerError } from '../../core/errors';
import { credentialsFromEnvironment } from '../../core/store/credentialsFromEnvironment';
import { credentialsFromText } from '../../core/store/credentialsFromText';
import { accountOf, r2Endpoint, r2Jurisdictions } from '../../core/store/r2Endpoint';
import { checkEndpoint, checkStore } from '../../core/store/storeIdentity';
import type { S3StoreSettings, StoreCredentials } from '../../core/store/storeSettings';
import { type Credentials, type KeptCredentials, readDotEnv } from './credentials';
import { answered, chooseOne, dismissed } from './prompts';

export interface AskOptions {
  readonly title: string;
  /** Of the manifest. */
  readonly folder: string;
  readonly credentials: Credentials;
  /** Where the access key is, if that needs no question. */
  readonly way?: CredentialsWay | undefined;
}

export type CredentialsWay = 'type' | 'clipboard' | 'dotEnv' | 'profile';

/** An access key for this bucket, by whichever way the person has it at hand. No key is ever shown, only names are. */
export async function askCredentials(store: S3StoreSettings, options: AskOptions): Promise<KeptCredentials> {
  const { t } = vscode.l10n;
  const { title, folder, credentials } = options;
  const profiles = await credentials.profiles();
  const dotEnv = credentialsFromEnvironment(await readDotEnv(folder));
  const ways: (vscode.QuickPickItem & { readonly way: CredentialsWay })[] = [
    { way: 'type', label: t('$(key) Type the access key') },
    {
      way: 'clipboard',
      label: t('$(clippy) Take it from the clipboard'),
      description: t('where you copied what the page of the token shows'),
    },
  ];
  if (dotEnv) {
    ways.push({ way: 'dotEnv', label: t('$(file) Take it from the file .env'), description: t('beside the manifest') });
  }
  if (profiles.length > 0) {
    ways.push({
      way: 'profile',
      label: t('$(account) Use a profile of ~/.aws/credentials'),
      description: profiles.join(', '),
      detail: t('Its name is kept, and its keys are read when they are needed'),
    });
  }
  const question = t('How do you have the access key for the bucket "{0}"?', store.bucket);
  switch (options.way ?? (await chooseOne(ways, question, title)).way) {
    case 'type':
      return typeKeys(title, store);
    case 'clipboard':
      return keysOfClipboard(store);
    case 'dotEnv':
      return dotEnv ?? notFound(t('The file .env beside the manifest holds no access key.'));
    case 'profile':
      return chooseProfile(profiles, title);
  }
}

/** A bucket of R2 or of any S3 service: its address and its name. */
export async function askBucket(title: string): Promise<S3StoreSettings> {
  const { t } = vscode.l10n;
  const kinds = [
    { label: 'Cloudflare R2', description: t('by the account id'), ask: () => askR2Endpoint(title) },
    { label: t('Any S3 service'), description: t('by its address'), ask: () => askEndpoint(title) },
  ];
  const endpoint = await (await chooseOne(kinds, t('Where is the bucket?'), title)).ask();
  const bucket = await askText(title, {
    prompt: t('Name of the bucket'),
    placeHolder: t('as it is called where it was made, such as energy-data'),
    validateInput: (text) => complaint(() => checkStore({ endpoint, bucket: text.trim() })),
  });
  return { type: 's3', endpoint, bucket };
}

async function askR2Endpoint(title: string): Promise<string> {
  const { t } = vscode.l10n;
  const account = await askText(title, {
    prompt: t('Account ID'),
    placeHolder: t('32 hex digits, on the overview page of R2'),
    validateInput: (text) =>
      /^[0-9a-f]{32}$/i.test(text.trim()) ? undefined : t('An account id has 32 digits from 0 to 9 and a to f.'),
  });
  const words = {
    default: t('none: it is anywhere'),
    eu: t('European Union'),
    us: t('United States'),
    fedramp: t('FedRAMP'),
  };
  const places = r2Jurisdictions.map((jurisdiction) => ({ label: jurisdiction, description: words[jurisdiction] }));
  const { label } = await chooseOne(places, t('To which jurisdiction is the bucket bound?'), title);
  const endpoint = r2Endpoint(account, label);
  if (endpoint === null) throw dismissed();
  return endpoint;
}

function askEndpoint(title: string): Promise<string> {
  return askText(title, {
    prompt: vscode.l10n.t('Endpoint'),
    placeHolder: 'https://s3.example.org',
    validateInput: (text) => complaint(() => checkEndpoint(text.trim())),
  });
}

/** What a check has to say about what was typed so far. */
function complaint(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return DataManagerError.is(error) ? error.hint : String(error);
  }
}

async function typeKeys(title: string, { bucket, endpoint }: S3StoreSettings): Promise<StoreCredentials> {
  const { t } = vscode.l10n;
  const shownBy = accountOf(endpoint)
    ? t('shown when an API token of R2 is made: 32 hex digits')
    : t('shown when the access key is made');
  const accessKeyId = await askText(title, {
    prompt: t('Access key ID for the bucket "{0}"', bucket),
    placeHolder: shownBy,
  });
  const secretAccessKey = await askText(title, {
    prompt: t('Secret access key'),
    placeHolder: t('shown beside the access key ID, once only'),
    password: true,
  });
  const sessionToken = await answered(
    vscode.window.showInputBox({
      title,
      prompt: t('Session token; leave it empty for a lasting key'),
      password: true,
      ignoreFocusOut: true,
    }),
  );
  return { accessKeyId, secretAccessKey, ...(sessionToken.trim() ? { sessionToken: sessionToken.trim() } : {}) };
}

async function keysOfClipboard({ endpoint }: S3StoreSettings): Promise<StoreCredentials> {
  const { t } = vscode.l10n;
  const found = credentialsFromText(await vscode.env.clipboard.readText());
  const { accessKeyId, secretAccessKey, sessionToken } = found;
  if (!accessKeyId || !secretAccessKey) {
    return notFound(
      t('The clipboard holds no access key ID with its secret access key: copy the whole block of the page.'),
    );
  }
  const [theirs, ours] = [found.endpoint ?? '', endpoint].map(accountOf);
  if (theirs && ours && theirs !== ours) {
    return notFound(
      t('The access key in the clipboard is for the R2 account {0}, and this bucket is in {1}.', theirs, ours),
    );
  }
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

function notFound(message: string): never {
  throw new DataManagerError('CREDENTIALS_MISSING', message);
}

async function chooseProfile(profiles: readonly string[], title: string): Promise<{ readonly profile: string }> {
  const items = profiles.map((label) => ({ label }));
  return { profile: (await chooseOne(items, vscode.l10n.t('Which profile?'), title)).label };
}

async function askText(title: string, options: vscode.InputBoxOptions): Promise<string> {
  const filled = (value: string) => (value.trim() === '' ? vscode.l10n.t("It can't be empty.") : undefined);
  const box = { title, ignoreFocusOut: true, validateInput: filled, ...options };
  return (await answered(vscode.window.showInputBox(box))).trim();
}
