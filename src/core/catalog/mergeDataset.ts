import { compareHistories, type HistorySides } from './compareHistories';
import type { Dataset } from './manifest';
import type { MergeConflict, MergeRules, MergeSide } from './mergeConflict';
import { type MovedVersion, mergeHistories } from './mergeHistories';
import { mergeMembers } from './mergeMembers';
import { datasetFromJson } from './parseManifest';
import { sameJson } from './sameJson';

/** One dataset in the three manifests; null where it is not. */
export interface DatasetSides {
  readonly base: Dataset | null;
  readonly published: Dataset | null;
  readonly mine: Dataset | null;
}

export interface DatasetMerge {
  /** Null when the dataset is gone. */
  readonly dataset: Dataset | null;
  readonly renumbered: readonly MovedVersion[];
  readonly already: readonly MovedVersion[];
  readonly conflicts: readonly MergeConflict[];
}

const mergedApart: ReadonlySet<string> = new Set(['fileName', 'latestVersion', 'history']);

/**
 * Merges one dataset of three manifests; mergeManifests says by which rules.
 *
 * @example
 * const { dataset, conflicts } = mergeDataset({ base, published, mine }, { sameDataset: 'stop', take: 'published' });
 */
export function mergeDataset(sides: DatasetSides, rules: MergeRules): DatasetMerge {
  const { base, published, mine } = sides;
  if (sameJson(published?.json, base?.json)) return only(mine);
  if (sameJson(mine?.json, base?.json)) return only(published);
  if (published && mine) return mergeBoth({ base, published, mine }, rules);
  return base ? deleted(base, sides, published ? 'mine' : 'published', rules) : only(published ?? mine);
}

function mergeBoth(sides: HistorySides, rules: MergeRules): DatasetMerge {
  const { base, published, mine } = sides;
  const compared = compareHistories(sides);
  // Deleting a dataset takes its versions along, so one side's deletion and the other's new version don't go together.
  if (base && compared.ours.length > 0 && isWithdrawn(published, base)) return deleted(base, sides, 'published', rules);
  if (base && compared.theirs.length > 0 && isWithdrawn(mine, base)) return deleted(base, sides, 'mine', rules);

  const merged = mergeHistories(sides, compared, rules);
  const [newest] = merged.history;
  if (!newest) {
    const dataset = rules.take === 'published' ? published : mine;
    const histories = { base: base?.json.history, published: published.json.history, mine: mine.json.history };
    return { ...only(dataset), conflicts: [{ kind: 'nothing-left', dataset: published.name, ...histories }] };
  }
  // Whoever puts a version on top of a dataset that somebody else made first has accepted what that says about itself.
  const theirsStands = base === null && rules.sameDataset === 'on-top';
  const fields: MergeConflict[] = [];
  const members = mergeMembers({
    base: base?.json,
    published: published.json,
    mine: mine.json,
    except: mergedApart,
    take: rules.take,
    onConflict: (conflict) => fields.push({ kind: 'field', dataset: published.name, version: null, ...conflict }),
  });
  const json = { ...members, latestVersion: newest.version ?? null, history: merged.history };
  return {
    dataset: sameJson(json, published.json) ? published : datasetFromJson(json),
    renumbered: merged.renumbered,
    already: merged.already,
    conflicts: [...merged.conflicts, ...(theirsStands ? [] : fields)],
  };
}

function isWithdrawn(side: Dataset, base: Dataset): boolean {
  const withdrawn = ({ status }: Dataset): boolean => status === 'deleted' || status === 'pending-deletion';
  return withdrawn(side) && !withdrawn(base);
}

function deleted(
  base: Dataset,
  { published, mine }: DatasetSides,
  deletedBy: MergeSide,
  rules: MergeRules,
): DatasetMerge {
  const conflict: MergeConflict = {
    kind: 'deleted',
    dataset: base.name,
    version: null,
    deletedBy,
    base: base.json,
    published: published?.json,
    mine: mine?.json,
  };
  return { ...only(rules.take === 'published' ? published : mine), conflicts: [conflict] };
}

function only(dataset: Dataset | null): DatasetMerge {
  return { dataset, renumbered: [], already: [], conflicts: [] };
}
