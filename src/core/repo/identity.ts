import { DataManagerError } from '../errors';
import type { Person } from './readObjects';
import type { GitProgram, Repository } from './repository';
import { gitStderr, runGit } from './runGit';

/**
 * Who commits would be signed as, from Git's configuration. Never a name guessed from the machine.
 *
 * Throws GIT_IDENTITY_MISSING, GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const { name, email } = await requireIdentity(repo, git);
 */
export async function requireIdentity(repo: Repository, git: GitProgram, signal?: AbortSignal): Promise<Person> {
  const ident = async (variable: string): Promise<Person> => {
    const args = ['-c', 'user.useConfigOnly=true', 'var', variable];
    const { stdout } = await runGit(git, args, { cwd: repo.root, signal });
    const [, name = '', email = ''] = /^(.*) <(.*)>/.exec(stdout.toString('utf8')) ?? [];
    return { name, email };
  };
  try {
    await ident('GIT_COMMITTER_IDENT');
    return await ident('GIT_AUTHOR_IDENT');
  } catch (error) {
    if (!/tell me who you are|empty ident name|no (name|email) was given/i.test(gitStderr(error))) throw error;
    throw new DataManagerError('GIT_IDENTITY_MISSING', 'Git does not know who you are.', {
      hint: 'Run: git config --global user.name "Your Name" and git config --global user.email you@example.com',
      cause: error,
    });
  }
}
