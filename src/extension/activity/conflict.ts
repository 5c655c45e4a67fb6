import { DataManagerError } from '../../core/errors';

/** A version on one side of a conflict. */
export interface ConflictSide {
  readonly version: string;
  readonly sha256: string;
}

/** Somebody else published what we have changed too, as a person has to decide about it. */
export interface Conflict {
  /** Folder of the repository. */
  readonly folder: string;
  /** Dataset; null when it is about a file that is none. */
  readonly name: string | null;
  readonly base: ConflictSide | null;
  readonly theirs: (ConflictSide & { readonly author: string | null; readonly timestamp: string | null }) | null;
  readonly mine: ConflictSide | null;
  /** The file that was to be published. */
  readonly file: string | null;
  /** True when ours is committed here and waits; else nothing of it is left but the file. */
  readonly pending: boolean;
  /** What happened, for a person. */
  readonly sentence: string;
}

/** The conflict that an error tells of; null for any other error. */
export function conflictOf(error: unknown, folder: string): Conflict | null {
  if (!DataManagerError.is(error, 'DATASET_CONFLICT')) return null;
  const { name, base, theirs, mine, file, pending } = error.data;
  const published = sideOf(theirs);
  const { author, timestamp } = (theirs ?? {}) as { readonly author?: unknown; readonly timestamp?: unknown };
  return {
    folder,
    name: textOf(name),
    base: sideOf(base),
    theirs: published && { ...published, author: textOf(author), timestamp: textOf(timestamp) },
    mine: sideOf(mine),
    file: textOf(file),
    pending: pending === true,
    sentence: error.message,
  };
}

function sideOf(value: unknown): ConflictSide | null {
  const { version, sha256 } = (value ?? {}) as Partial<ConflictSide>;
  return typeof version === 'string' && typeof sha256 === 'string' ? { version, sha256 } : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
