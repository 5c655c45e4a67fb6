import type { RemoteFailure, Trouble } from './gitRemote';

/** What a server says, in the words of GitHub, GitLab, Gitea and Forgejo, Bitbucket, Azure DevOps, Gerrit, and git itself. */
const WORDS: readonly (readonly [Trouble, RegExp])[] = [
  [
    'read-only',
    /\b(repo(sitory)?|project) (was|is|has been) archived|(repository|instance|mirror)\b.*\b(is|are) (temporarily )?read-?only|to a read-?only|read-?only (mirror|repository)|repository is a mirror|because it is a mirror/i,
  ],
  [
    'protected',
    /protected branch|GH006|GH013|rule violations|not allowed to (force )?push|Permission denied to update branch|only be modified through pull requests|TF402455|prohibited by Gerrit/i,
  ],
  [
    'too-large',
    /exceeds maximum allowed size|GH001|Large files detected|file size limit|exceeds? the (maximum|limit)|HTTP 413|returned error: 413|larger than the maximum/i,
  ],
  ['disk-full', /No space left on device|Disk quota exceeded|Out of disk ?space/i],
  ['shallow', /shallow update not allowed/i],
];

/** A ref that moved between the server's advertisement and our request counts as well: a fetch and another try will do. */
const MOVED_ON =
  /non-fast-forward|not-fast-forward|fetch first|needs force|stale info|failed to update ref|cannot lock ref|incorrect old value|reference already exists/;

/**
 * The trouble that a server's own words name; null when they name none.
 *
 * @example
 * namedTrouble('error: GH006: Protected branch update failed'); // 'protected'
 */
export function namedTrouble(text: string): Trouble | null {
  return WORDS.find(([, words]) => words.test(text))?.[0] ?? null;
}

/**
 * A server's refusal of one ref.
 *
 * @param why what it reported about the ref: `pre-receive hook declined`
 * @param said what it told the person beside it
 * @param details more that may hold its reasons, but isn't to be shown
 *
 * @example
 * refusal('pre-receive hook declined', 'policy says no').trouble; // 'hook'
 */
export function refusal(why: string, said: string, details = ''): RemoteFailure {
  const text = [said, why].filter((part) => part !== '').join('\n');
  if (MOVED_ON.test(why)) return { kind: 'rejected', trouble: 'non-fast-forward', text };
  const named = namedTrouble(`${text}\n${details}`);
  return { kind: 'rejected', trouble: named ?? (/hook declined/.test(why) ? 'hook' : 'refused'), text };
}
