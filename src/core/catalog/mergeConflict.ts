import type { JsonValue } from './json';
import type { VersionEntry } from './manifest';

/** Which side a conflict is settled for in the merged manifest: it is there to be shown, not to be kept unseen. */
export type MergeSide = 'published' | 'mine';

export interface MergeRules {
  /** What new versions of one dataset on both sides mean: a conflict, or mine on top of theirs. */
  readonly sameDataset: 'stop' | 'on-top';
  /** The side that stands in the merged manifest where there is a conflict. */
  readonly take: MergeSide;
}

/** Something that both sides changed and that only a person can decide. */
export type MergeConflict =
  /** New versions on both sides. `base` is the newest that both know; the others are what each side added, newest first. */
  | {
      readonly kind: 'same-dataset';
      readonly dataset: string;
      readonly base: VersionEntry | null;
      readonly published: readonly VersionEntry[];
      readonly mine: readonly VersionEntry[];
    }
  /** One member, of the dataset or of one of its versions, with two new values; undefined where there is none. */
  | {
      readonly kind: 'field';
      readonly dataset: string;
      /** As the published side numbers it; null for a member of the dataset. */
      readonly version: string | null;
      readonly field: string;
      readonly base: JsonValue | undefined;
      readonly published: JsonValue | undefined;
      readonly mine: JsonValue | undefined;
    }
  /** Removed (or marked for deletion) on one side, changed on the other; that side's JSON is undefined when it is gone. */
  | {
      readonly kind: 'deleted';
      readonly dataset: string;
      /** Null when it is the dataset as a whole. */
      readonly version: string | null;
      readonly deletedBy: MergeSide;
      readonly base: JsonValue;
      readonly published: JsonValue | undefined;
      readonly mine: JsonValue | undefined;
    }
  /** Each side removed versions that the other kept, and none would be left; the values are the histories. */
  | {
      readonly kind: 'nothing-left';
      readonly dataset: string;
      readonly base: JsonValue | undefined;
      readonly published: JsonValue | undefined;
      readonly mine: JsonValue | undefined;
    }
  /** Two new names that one file on macOS or Windows would stand for. `dataset` is mine. */
  | {
      readonly kind: 'name-clash';
      readonly dataset: string;
      readonly base: null;
      readonly published: string;
      readonly mine: string;
    };
