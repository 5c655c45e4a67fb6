/** A Git work tree that holds a manifest. Paths are absolute; linked worktrees and `.git` files are resolved. */
export interface Repository {
  /** Top of the work tree. */
  readonly root: string;
  /** This work tree's own Git directory: HEAD and index are here. */
  readonly gitDir: string;
  /** Git directory shared by all linked worktrees: objects and refs are here. */
  readonly commonDir: string;
  /** Path of the manifest from `root`, with `/`. */
  readonly manifestPath: string;
  /** isomorphic-git's object cache: one a repository, or every read costs a second (isomorphic-git#1251). */
  readonly objectCache: object;
}

/** How to run the system's git. Shells fill it in; core reads no environment. */
export interface GitProgram {
  /** `git`, or an absolute path. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}
