import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { settingsFile } from '../../core/catalog/settings';
import { DataManagerError } from '../../core/errors';
import { storeFromEnvironment } from '../../core/store/credentialsFromEnvironment';
import { checkStore } from '../../core/store/storeIdentity';
import type { StoreSettings } from '../../core/store/storeSettings';
import { defineCommand } from '../command';
import { environmentStore } from '../createContext';
import { fields } from '../output/table';
import { visible } from '../output/visible';
import type { Session } from '../session';
import { trustedStores } from '../trustedStores';
import { UsageError } from '../usageError';

const usage = 'init [DIR] [--store folder:PATH | s3://BUCKET[/PREFIX]] [--endpoint URL] [--region R]';
const hint = `Usage: datamanager ${usage}`;

export const initCommand = defineCommand({
  name: 'init',
  summary: 'make a repository: Git, an empty manifest, and where the objects live',
  usage: [usage],
  positionals: ['DIR?'],
  options: {
    store: { type: 'string', value: 'STORE', help: 'folder:PATH or s3://BUCKET[/PREFIX]' },
    endpoint: {
      type: 'string',
      value: 'URL',
      help: 'the address of the S3 service (default: R2, when R2_ACCOUNT_ID is set)',
    },
    region: { type: 'string', value: 'R', help: 'the region (default: auto)' },
  },
  details: [
    'Without --store the variables R2_ACCOUNT_ID and R2_BUCKET decide; without those, objects live in the folder .datamanager-store',
    'of the repository, on this machine only. R2 buckets with a jurisdiction have endpoints of their own, such as',
    'https://ACCOUNT.eu.r2.cloudflarestorage.com: give it with --endpoint, or set R2_JURISDICTION (eu, us, fedramp) beside R2_ACCOUNT_ID.',
    '',
    'Credentials are never written to the repository. They come from R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY (R2_SESSION_TOKEN for',
    'temporary ones) or the AWS_ variables of these names, in the environment or in a .env file; or from the profile of',
    '~/.aws/credentials that DATAMANAGER_PROFILE names. A repository from elsewhere gets them only once you agreed to its bucket.',
  ].join('\n'),
  examples: [
    'datamanager init catalog --store folder:../objects',
    'datamanager init --store s3://my-bucket --endpoint https://ACCOUNT.r2.cloudflarestorage.com',
  ],
  run: async (session, { positionals, globals, values }) => {
    const { embeddedStore, initRepository } = await import('../../core/operations/initRepository');
    const folder = session.resolve(positionals[0] ?? globals.repo ?? '.');
    const named = readStore(session, folder, values);
    const decided =
      existsSync(path.join(folder, settingsFile)) || (await environmentStore(folder, session.env)) !== null;
    const store = named ?? (decided ? null : embeddedStore);
    const result = await initRepository({
      git: session.git,
      folder,
      store,
      mergeDriver: session.mergeDriver,
      ...session.monitor,
    });
    // Whoever typed the address agrees to it, also once the repository has a remote. Where that can't be kept we ask then.
    if (result.created && named?.type === 's3') {
      await trustedStores(session.env)
        .add(named)
        .catch(() => undefined);
    }
    if (session.output.json) await session.output.value({ ...result, store });
    else if (!result.created)
      await session.output.lines([visible(`${folder} is a repository already: nothing was changed.`)]);
    else {
      await session.output.lines([
        visible(`Made a repository in ${folder}`),
        ...fields(
          [
            ['store', storeText(store)],
            ['next', 'datamanager push FILE'],
          ],
          '  ',
        ),
      ]);
    }
    return undefined;
  },
});

function readStore(
  session: Session,
  folder: string,
  {
    store,
    endpoint,
    region,
  }: { store?: string | undefined; endpoint?: string | undefined; region?: string | undefined },
): StoreSettings | null {
  const isBucket = store?.startsWith('s3://') ?? false;
  if (!isBucket && (endpoint !== undefined || region !== undefined)) {
    throw new UsageError('--endpoint and --region go with --store s3://BUCKET.', hint);
  }
  if (store === undefined) return null;
  if (isBucket) return readBucket(session, store, endpoint, region);
  const given = /^folder:(.+)$/s.exec(store)?.[1];
  if (given === undefined) {
    throw new UsageError(`${JSON.stringify(store)} is not a store: write folder:PATH or s3://BUCKET.`, hint);
  }
  return { type: 'folder', path: folderPath(session, folder, given) };
}

// The user writes a path as seen from where they are; the settings hold it as seen from the repository, so that both can move
// together. An absolute path stays one.
function folderPath(session: Session, folder: string, given: string): string {
  const expanded = given.replace(/^~(?=$|[\\/])/, os.homedir());
  if (path.isAbsolute(expanded)) return path.normalize(expanded);
  const seen = path.relative(folder, session.resolve(expanded)) || '.';
  return path.isAbsolute(seen) ? seen : seen.split(path.sep).join('/');
}

function readBucket(
  session: Session,
  store: string,
  endpoint: string | undefined,
  region: string | undefined,
): StoreSettings {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/s.exec(store);
  const bucket = match?.[1];
  if (bucket === undefined) throw new UsageError(`${JSON.stringify(store)} names no bucket.`, hint);
  const prefix = match?.[2]?.replace(/\/+$/, '');
  const address = endpoint ?? storeFromEnvironment({ ...session.env, R2_BUCKET: bucket })?.endpoint;
  if (address === undefined) {
    throw new UsageError('A bucket needs --endpoint URL (or R2_ACCOUNT_ID in the environment, for R2).', hint);
  }
  try {
    checkStore({ endpoint: address, bucket });
  } catch (error) {
    // Not said back: what does not belong there may be a password.
    throw DataManagerError.is(error) ? new UsageError(`${error.message} ${error.hint}`, hint) : error;
  }
  return { type: 's3', endpoint: address, bucket, ...(region ? { region } : {}), ...(prefix ? { prefix } : {}) };
}

function storeText(store: StoreSettings | null): string {
  if (!store) return 'as the environment or the settings say';
  return store.type === 'folder'
    ? store.path
    : `s3://${store.bucket}${store.prefix ? `/${store.prefix}` : ''} at ${store.endpoint}`;
}
