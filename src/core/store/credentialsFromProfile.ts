import os from 'node:os';
import path from 'node:path';
import { loadSharedConfigFiles } from '@smithy/core/config';
import { DataManagerError } from '../errors';
import type { Environment } from './credentialsFromEnvironment';
import type { StoreCredentials } from './storeSettings';

/** Where the profiles of Amazon's tools are kept. */
export interface ProfileFiles {
  readonly credentialsFile: string;
  readonly configFile: string;
}

/**
 * The files that Amazon's tools would read: AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, or those in `~/.aws`.
 *
 * @example
 * await profileNames(profileFiles(process.env));
 */
export function profileFiles(env: Environment, home: string = env.HOME || os.homedir()): ProfileFiles {
  return {
    credentialsFile: env.AWS_SHARED_CREDENTIALS_FILE || path.join(home, '.aws', 'credentials'),
    configFile: env.AWS_CONFIG_FILE || path.join(home, '.aws', 'config'),
  };
}

/**
 * The profiles that hold an access key, by name. Files that are not there hold none.
 *
 * @example
 * await profileNames(files); // ['default', 'energy-r2']
 */
export async function profileNames(files: ProfileFiles): Promise<readonly string[]> {
  const profiles = await readProfiles(files);
  return Object.keys(profiles)
    .filter((name) => keysOf(profiles[name]) !== null)
    .sort();
}

/**
 * The access key of one profile, with the session token of temporary credentials. Only keys that are written there: no program is
 * run and no server asked, as `credential_process` and single sign-on would want it.
 *
 * Throws CREDENTIALS_MISSING.
 *
 * @example
 * const credentials = await credentialsFromProfile('energy-r2', profileFiles(env));
 */
export async function credentialsFromProfile(profile: string, files: ProfileFiles): Promise<StoreCredentials> {
  const profiles = await readProfiles(files);
  const found = Object.hasOwn(profiles, profile) ? profiles[profile] : undefined;
  const credentials = keysOf(found);
  if (credentials) return credentials;
  const problem = found ? 'holds no access key of its own' : 'is not there';
  throw new DataManagerError('CREDENTIALS_MISSING', `The profile ${JSON.stringify(profile)} ${problem}.`, {
    hint: `Write aws_access_key_id and aws_secret_access_key below [${profile}] in ${files.credentialsFile}.`,
    data: { profile, file: files.credentialsFile },
  });
}

type Profile = Readonly<Record<string, string | undefined>>;

async function readProfiles({ credentialsFile, configFile }: ProfileFiles): Promise<Readonly<Record<string, Profile>>> {
  const read = await loadSharedConfigFiles({
    filepath: credentialsFile,
    configFilepath: configFile,
    ignoreCache: true,
  });
  // As Amazon's tools do: of a value in both files that of the credentials counts.
  const names = new Set([...Object.keys(read.configFile), ...Object.keys(read.credentialsFile)]);
  return Object.fromEntries(
    [...names].map((name) => [name, { ...read.configFile[name], ...read.credentialsFile[name] }]),
  );
}

function keysOf(profile: Profile | undefined): StoreCredentials | null {
  const accessKeyId = profile?.aws_access_key_id;
  const secretAccessKey = profile?.aws_secret_access_key;
  const sessionToken = profile?.aws_session_token;
  if (!accessKeyId || !secretAccessKey) return null;
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}
