import { DataManagerError, throwIfCancelled } from '../../errors';
import type { GitProgram, Repository } from '../repository';
import { type GitResult, gitStderr, type RunGitOptions, runGit } from '../runGit';
import type { Login } from './credentials';
import { complaint, movedTo } from './gitComplaint';
import type { GitRemote, Pushed, RemoteFailure, RemoteTip } from './gitRemote';
import { refusal } from './refusal';
import { remoteText, serverText, showable } from './serverText';

export interface SystemGitRemoteOptions {
  readonly repo: Repository;
  readonly git: GitProgram;
  /** `origin`. */
  readonly remote: string;
  /** True when pushes go to another address than fetches come from. */
  readonly pushesElsewhere: boolean;
  /** Added to git's environment: see `unaskedEnvironment`. */
  readonly env: Readonly<Record<string, string>>;
  /** What to sign in with where git's own helpers have nothing; asked only then. */
  readonly login?: (() => Promise<{ readonly origin: string; readonly login: Login } | null>) | undefined;
}

/** Arguments before the command, and environment, of one attempt. */
interface SignedIn {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * A remote through the system's git: SSH, credential helpers, proxies and certificates as the user has set them up.
 *
 * @example
 * const remote = systemGitRemote({ repo, git, remote: 'origin', pushesElsewhere: false, env: {} });
 */
export function systemGitRemote(options: SystemGitRemoteOptions): GitRemote {
  const { repo, git, remote, pushesElsewhere } = options;
  const run = (as: SignedIn, args: readonly string[], more: Partial<RunGitOptions>): Promise<GitResult> =>
    runGit(git, [...as.args, ...args], { cwd: repo.root, env: { ...options.env, ...as.env }, ...more });

  /** Once more with the login that we have, when git finds none. */
  const attempts = async <T extends RemoteTip | Pushed>(
    attempt: (as: SignedIn) => Promise<T | RemoteFailure>,
  ): Promise<T | RemoteFailure> => {
    const first = await attempt({ args: [], env: {} });
    if (first.kind === 'ok' || first.trouble !== 'no-credentials') return first;
    const found = await options.login?.();
    if (found == null) return first;
    const second = await attempt(signedIn(found.origin, found.login));
    return 'text' in second ? { ...second, text: showable(second.text, [found.login.password]) } : second;
  };

  return {
    kind: 'system-git',

    tip(branch, within) {
      const ask = async (as: SignedIn): Promise<RemoteTip> => {
        const where = pushesElsewhere ? await run(as, ['remote', 'get-url', '--push', remote], {}) : null;
        const address = where?.stdout.toString('utf8').split('\n', 1)[0] ?? remote;
        const { stdout, stderr } = await run(as, ['ls-remote', address, `refs/heads/${branch}`], within);
        return ok(/^[0-9a-f]{40}/.exec(stdout.toString('utf8'))?.[0] ?? null, stderr);
      };
      return attempts((as) => ask(as).catch(failed));
    },

    fetch(branch, within) {
      const tracking = `refs/remotes/${remote}/${branch}`;
      const quiet = ['-q', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head'];
      return attempts(async (as) => {
        try {
          const args = ['fetch', ...quiet, remote, `+refs/heads/${branch}:${tracking}`];
          const { stderr } = await run(as, args, within);
          const { stdout } = await run(as, ['rev-parse', '--verify', `${tracking}^{commit}`], within);
          return ok(stdout.toString('utf8').trim(), stderr);
        } catch (error) {
          const stderr = gitStderr(error);
          return /couldn't find remote ref/i.test(stderr) ? ok(null, stderr) : failed(error);
        }
      });
    },

    async push(commit, branch, within) {
      // The commit itself, not the branch: what the user commits meanwhile is not ours to push.
      const refspec = `${commit}:refs/heads/${branch}`;
      const args = ['push', '--porcelain', '--no-follow-tags', '--recurse-submodules=no', remote, refspec];
      throwIfCancelled(within.signal);
      return attempts<Pushed>(async (as) => {
        try {
          const { stdout, stderr, code } = await run(as, args, { ...within, okCodes: [0, 1] });
          if (code === 0) return pushed(stderr);
          return rejection(stdout.toString('utf8'), stderr) ?? complaint(stderr);
        } catch (error) {
          if (!DataManagerError.is(error, 'CANCELLED')) return failed(error);
          return { kind: 'unclear', trouble: 'cancelled', text: 'The push was cancelled halfway.' };
        }
      });
    },
  };
}

/**
 * Git asks a helper of ours instead of the user's (who had nothing, and would else keep this login for good). The login travels in
 * the environment: arguments can be read by everybody on the machine.
 */
function signedIn(origin: string, { username, password }: Login): SignedIn {
  const key = `credential.${origin}.helper`;
  const helper =
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$DM_GIT_USER" "$DM_GIT_PASSWORD"; }; f';
  return {
    args: ['-c', `${key}=`, '-c', `${key}=${helper}`],
    env: { DM_GIT_USER: username, DM_GIT_PASSWORD: password },
  };
}

function ok(oid: string | null, stderr: string): RemoteTip {
  const moved = movedTo(stderr);
  return { kind: 'ok', oid, ...(moved === undefined ? {} : { movedTo: moved }) };
}

function pushed(stderr: string): Pushed {
  const moved = movedTo(stderr);
  const text = remoteText(stderr.replace(/^(To |branch '.*' set up).*$/gm, ''));
  return { kind: 'ok', text, ...(moved === undefined ? {} : { movedTo: moved }) };
}

function failed(error: unknown): RemoteFailure {
  if (!DataManagerError.is(error, 'GIT_FAILED')) throw error;
  const stderr = gitStderr(error);
  if (error.data.timedOut === true) {
    return { kind: 'timeout', trouble: 'timeout', text: remoteText(stderr) || error.message };
  }
  const found = complaint(stderr);
  return found.trouble === 'interrupted' ? { ...found, text: found.text || error.message } : found;
}

/** `!<TAB>from:to<TAB>[rejected] (reason)`: git-push(1), "OUTPUT". Null when the push failed before any ref was decided on. */
function rejection(stdout: string, stderr: string): RemoteFailure | null {
  const answer = /^!\t[^\t]*\t\[([^\]]+)\](?: \((.*)\))?$/m.exec(stdout);
  if (!answer) {
    // Without a word about a ref or from the server, a pre-push hook on this machine has said no.
    const quiet = !/remote:|fatal:|RPC failed|hung up|unexpected disconnect|unable to access/i.test(stderr);
    const refused = quiet && /failed to push some refs/.test(stderr);
    return refused ? { kind: 'rejected', trouble: 'local-hook', text: localText(stderr) } : null;
  }
  const [, kind = '', why = ''] = answer;
  if (kind === 'remote failure') return null; // it failed to report: anything may have happened
  return refusal(why || kind, serverText(stderr), stderr);
}

function localText(stderr: string): string {
  return remoteText(stderr.replace(/^error: failed to push some refs.*$/gm, '')) || 'A pre-push hook refused.';
}
