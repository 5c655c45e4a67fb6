import { DataManagerError } from '../errors';
import { type GitSettings, readGitSettings, setting } from './gitSettings';
import type { Person } from './readObjects';
import type { GitProgram, Repository } from './repository';

export interface Identities {
  readonly author: Person;
  readonly committer: Person;
}

/**
 * Who commits would be signed as, from Git's configuration. Never a name guessed from the machine.
 *
 * Throws GIT_IDENTITY_MISSING, GIT_MISSING, GIT_FAILED, CANCELLED.
 *
 * @example
 * const { name, email } = await requireIdentity(repo, git);
 */
export async function requireIdentity(repo: Repository, git: GitProgram, signal?: AbortSignal): Promise<Person> {
  return identitiesFrom(await readGitSettings(repo, git, signal), git).author;
}

/**
 * Author and committer from settings and environment, in git's order (ident.c), with `user.useConfigOnly`. Throws
 * GIT_IDENTITY_MISSING.
 *
 * @example
 * const { author } = identitiesFrom(await readGitSettings(repo, git), git);
 */
export function identitiesFrom(settings: GitSettings, { env }: GitProgram): Identities {
  const person = (role: 'author' | 'committer'): Person => {
    const ofRole = (what: 'name' | 'email'): string | undefined =>
      env[`GIT_${role}_${what}`.toUpperCase()] ??
      (setting(settings, `${role}.${what}`) || setting(settings, `user.${what}`));
    const name = clean(ofRole('name') ?? '');
    const email = clean(ofRole('email') ?? env.EMAIL ?? '');
    if (name && email) return { name, email };
    throw new DataManagerError('GIT_IDENTITY_MISSING', 'Git does not know who you are.', {
      hint: 'Run: git config --global user.name "Your Name" and git config --global user.email you@example.com',
      data: { role, missing: name ? 'email' : 'name' },
    });
  };
  return { author: person('author'), committer: person('committer') };
}

/** What git leaves out of a name: it would end the header, or is debris at its ends (ident.c, `strbuf_addstr_without_crud`). */
function clean(text: string): string {
  return text.replace(/^[\0-\x20.,:;<>"\\']+|[\0-\x20.,:;<>"\\']+$/g, '').replace(/[\n<>]/g, '');
}
