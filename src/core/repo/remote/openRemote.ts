import { readFile } from 'node:fs/promises';
import { DataManagerError } from '../../errors';
import { isKeyVariable } from '../../store/credentialsFromEnvironment';
import type { RemoteOptions } from '../remoteBranch';
import type { GitProgram } from '../repository';
import { type Credentials, type Login, maySendSecret } from './credentials';
import type { GitRemote } from './gitRemote';
import { type GitSettings, remoteAddress } from './gitSettings';
import { httpsRemote } from './httpsRemote';
import { plainAddress } from './serverText';
import { systemGitRemote } from './systemGitRemote';
import { unaskedEnvironment } from './unasked';

/**
 * The way to a remote: the system's git when there is one, since it knows the user's keys, helpers, proxies and certificates;
 * else HTTPS by ourselves.
 *
 * Throws GIT_MISSING when the remote can't be reached without git: over SSH, or as a folder.
 *
 * @example
 * const remote = await openRemote({ repo, git, credentials }, 'origin', settings);
 */
export async function openRemote(options: RemoteOptions, remote: string, settings: GitSettings): Promise<GitRemote> {
  const { repo, git, interactive = false, credentials } = options;
  const fetchUrl = remoteAddress(settings, remote, 'fetch');
  const pushUrl = remoteAddress(settings, remote, 'push');
  if (settings.hasGit) {
    const unasked = interactive ? {} : unaskedEnvironment(git, settings.values.get('core.sshcommand')?.at(-1));
    return systemGitRemote({
      ...{ repo, git, remote, env: { ...unasked, ...amazonKeys(git, [fetchUrl, pushUrl]) } },
      pushesElsewhere: pushUrl !== fetchUrl,
      login: () => loginFor(pushUrl, credentials),
    });
  }
  const other = [fetchUrl, pushUrl].find((url) => !/^https?:\/\//i.test(url) || !URL.canParse(url));
  if (other !== undefined) {
    throw new DataManagerError(
      'GIT_MISSING',
      `The remote ${remote} (${plainAddress(other)}) needs Git to be reached.`,
      {
        hint: 'Install Git, or use an https:// address for the remote.',
        data: { path: git.path, remote },
      },
    );
  }
  const caFile = settings.values.get('http.sslcainfo')?.at(-1);
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8').catch(() => undefined);
  return httpsRemote({ repo, remote, fetchUrl, pushUrl, credentials, ca });
}

/** CodeCommit, and the addresses of helpers such as git-remote-s3 (gitremote-helpers(7)), which are opened with Amazon's keys. */
const OPENED_BY_AMAZON =
  /^(codecommit|s3)(\+\w+)?:|^https:\/\/([^/@]*@)?git-codecommit[\w.-]*\.amazonaws\.com(\.cn)?\//i;

/** `runGit` keeps keys from git; a remote that is opened with Amazon's gets these, as it would from the user's own `git push`. */
function amazonKeys({ env }: GitProgram, addresses: readonly string[]): Readonly<Record<string, string>> {
  if (!addresses.some((address) => OPENED_BY_AMAZON.test(address))) return {};
  const keys: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isKeyVariable(name) && /^AWS_/i.test(name)) keys[name] = value;
  }
  return keys;
}

async function loginFor(
  address: string,
  credentials: Credentials | undefined,
): Promise<{ readonly origin: string; readonly login: Login } | null> {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || !maySendSecret(url)) return null;
  const login = (await credentials?.(plainAddress(address))) ?? null;
  return login === null ? null : { origin: url.origin, login };
}
