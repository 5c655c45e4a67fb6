import path from 'node:path';
import { DataManagerError } from '../core/errors';
import { maySendSecret } from '../core/repo/remote/credentials';
import type { Repository } from '../core/repo/repository';
import { runGit } from '../core/repo/runGit';
import { credentialsFromEnvironment, type Environment } from '../core/store/credentialsFromEnvironment';
import type { BucketAccess } from '../core/store/openRepositoryStore';
import { checkStore, environmentNames, plainEndpoint } from '../core/store/storeIdentity';
import type { S3StoreSettings, StoreCredentials } from '../core/store/storeSettings';
import { visible } from './output/visible';
import { trustedStores } from './trustedStores';

export interface BucketAccessOptions {
  readonly repository: Repository;
  readonly env: Environment;
  /** Variables of the `.env` beside the manifest. */
  readonly dotEnv: Environment;
  /** Asks for yes or no; null when there is nobody to ask. */
  readonly confirm: (question: string) => Promise<boolean | null>;
}

/**
 * Which buckets this user's keys and data may go to, and which keys. A bucket is trusted when the user agreed to it before, when
 * their own environment names it, or when the repository has no remote: then nobody else can have put it there.
 *
 * A `.env` that is committed came with the clone, so it is its author's word, not the user's: it does not make its own store a trusted
 * one. The keys in it are its author's too; to use them for a bucket that the user agreed to gives nothing of the user's away.
 */
export function bucketAccess({ repository, env, dotEnv, confirm }: BucketAccessOptions): BucketAccess {
  const agreed = trustedStores(env);
  const git = { path: 'git', env };
  const folder = path.dirname(path.join(repository.root, repository.manifestPath));
  const ask = async (...args: readonly string[]): Promise<string | null> =>
    (await runGit(git, args, { cwd: folder }).catch(() => null))?.stdout.toString('utf8').trim() ?? null;
  // File systems that ignore case find a committed `.ENV` too.
  const isOwnDotEnv = async (): Promise<boolean> => (await ask('ls-files', '--', ':(icase).env')) === '';

  const isTrusted = async (store: S3StoreSettings): Promise<boolean> =>
    (await agreed.has(store)) ||
    environmentNames(env, store) ||
    (environmentNames({ ...dotEnv, ...nonEmpty(env) }, store) && (await isOwnDotEnv())) ||
    (await ask('remote')) === '';
  return {
    isTrusted,
    async requireTrust(store) {
      const address = checkStore(store);
      if (await isTrusted(store)) return;
      const answer = await confirm(
        `Use the bucket "${visible(store.bucket)}" at ${plainEndpoint(store.endpoint)}? Your keys and data would go there; the settings of this repository ask for it.${maySendSecret(address) ? '' : ' The connection is not encrypted.'}`,
      );
      if (answer !== true) throw notTrusted(store, answer === null);
      // Where the list can't be kept, the answer holds for this run.
      await agreed.add(store).catch(() => undefined);
    },
    credentials: () => findCredentials(env, dotEnv),
  };
}

/**
 * DATAMANAGER_PROFILE names a profile of `~/.aws/credentials`. Not AWS_PROFILE: many have that set all day for Amazon, and its keys
 * are not meant for every bucket that a repository names. What is asked for by name comes first.
 */
async function findCredentials(env: Environment, dotEnv: Environment): Promise<StoreCredentials | null> {
  const profile = env.DATAMANAGER_PROFILE?.trim();
  if (!profile) return credentialsFromEnvironment(env) ?? credentialsFromEnvironment(dotEnv);
  const { credentialsFromProfile, profileFiles } = await import('../core/store/credentialsFromProfile');
  return credentialsFromProfile(profile, profileFiles(env));
}

function notTrusted({ bucket, endpoint }: S3StoreSettings, nobodyToAsk: boolean): DataManagerError {
  return new DataManagerError(
    'STORE_NOT_TRUSTED',
    `The bucket "${bucket}" at ${plainEndpoint(endpoint)} was not agreed to.`,
    {
      hint: nobodyToAsk
        ? 'The settings of this repository name it; your keys and data would go there. If you know it, agree once with --yes.'
        : 'Nothing was sent there.',
      data: { bucket, endpoint },
    },
  );
}

/** An empty variable is not set. */
function nonEmpty(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value));
}
