import path from 'node:path';
import type { HistoryComparison, HistorySides } from './compareHistories';
import type { JsonObject } from './json';
import { latest, type VersionEntry } from './manifest';
import type { MergeConflict, MergeRules } from './mergeConflict';
import { mergeMembers, mergeParents } from './mergeMembers';
import { diffPath } from './objectKey';
import { oldestFirst } from './pairVersions';
import { sameJson } from './sameJson';

/** A version of mine that the merged manifest numbers otherwise. */
export interface MovedVersion {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly sha256: string;
}

export interface HistoryMerge {
  /** Newest first; empty when nothing was left. */
  readonly history: readonly JsonObject[];
  readonly renumbered: readonly MovedVersion[];
  readonly already: readonly MovedVersion[];
  readonly conflicts: readonly MergeConflict[];
}

/** A version on its way into the merged history. */
interface Line {
  readonly version: string;
  readonly number: number;
  readonly sha256: string;
  readonly json: JsonObject;
}

const ownNumber: ReadonlySet<string> = new Set(['version']);

/**
 * Merges the versions of a dataset that both sides have: the published ones with their numbers, mine on top of them.
 *
 * @example
 * const { history } = mergeHistories(sides, compareHistories(sides), { sameDataset: 'on-top', take: 'published' });
 */
export function mergeHistories(sides: HistorySides, compared: HistoryComparison, rules: MergeRules): HistoryMerge {
  const { base, published, mine } = sides;
  const { name } = published;
  const { theirs, ours, shared, inPublished, inMine } = compared;
  const conflicts: MergeConflict[] = [];
  const stopped = ours.length > 0 && !compared.follows && rules.sameDataset === 'stop';
  if (stopped) {
    const common = (base?.history ?? []).filter((entry) => inPublished.has(entry) && inMine.has(entry));
    const crossing = theirs.length > 0 ? theirs : [latest(published)];
    const newest = oldestFirst(common).at(-1) ?? null;
    conflicts.push({ kind: 'same-dataset', dataset: name, base: newest, published: crossing, mine: ours });
  }
  const onlyMine = stopped && rules.take === 'mine';
  const all = keptVersions(sides, compared, rules, conflicts);
  const kept = onlyMine ? all.filter(({ version }) => !theirs.some((entry) => entry.version === version)) : all;
  const added = stopped && rules.take === 'published' ? [] : ours;
  // Numbers are never used again, not even those of versions that somebody removed.
  const numbered = [...(base?.history ?? []), ...(onlyMine ? kept : published.history)];
  const highest = numbered.reduce((top, { number }) => Math.max(top, number), 0);
  const { lines, renumbered } = onTop(name, added, { mine: oldestFirst(mine.history), kept, highest });
  return {
    history: [...lines, ...kept].map(({ json }) => json),
    renumbered,
    already: [...shared].map(([{ version, sha256 }, own]) => ({ name, from: own.version, to: version, sha256 })),
    conflicts,
  };
}

/** What the published side has, with what mine changed in it. */
function keptVersions(
  { base, published }: HistorySides,
  { baseOf, inPublished, inMine, shared }: HistoryComparison,
  { take }: MergeRules,
  conflicts: MergeConflict[],
): readonly Line[] {
  const dataset = published.name;
  const kept = published.history.flatMap((entry): Line[] => {
    const twin = shared.get(entry);
    if (twin) return [withParentsOf(entry, twin)];
    const before = baseOf.get(entry);
    if (!before) return [entry];
    const own = inMine.get(before);
    if (own) {
      const json = mergeEntry(before, entry, own, take, (conflict) =>
        conflicts.push({ kind: 'field', dataset, version: entry.version, ...conflict }),
      );
      return [{ ...entry, json }];
    }
    if (sameJson(entry.json, before.json)) return [];
    const { version, json } = entry;
    conflicts.push({
      kind: 'deleted',
      dataset,
      version,
      deletedBy: 'mine',
      base: before.json,
      published: json,
      mine: undefined,
    });
    return take === 'published' ? [entry] : [];
  });
  for (const before of base?.history ?? []) {
    const own = inMine.get(before);
    if (!own || inPublished.has(before) || sameJson(own.json, before.json)) continue;
    const { version, json } = own;
    conflicts.push({
      kind: 'deleted',
      dataset,
      version,
      deletedBy: 'published',
      base: before.json,
      published: undefined,
      mine: json,
    });
    if (take === 'mine') insert(kept, own);
  }
  return kept;
}

function insert(lines: Line[], line: Line): void {
  const at = lines.findIndex(({ number }) => number < line.number);
  lines.splice(at === -1 ? lines.length : at, 0, line);
}

function mergeEntry(
  base: VersionEntry,
  published: VersionEntry,
  mine: VersionEntry,
  take: MergeRules['take'],
  onConflict: Parameters<typeof mergeMembers>[0]['onConflict'],
): JsonObject {
  if (sameJson(mine.json, base.json)) return published.json;
  if (sameJson(published.json, base.json) && mine.version === published.version) return mine.json;
  return mergeMembers({
    base: base.json,
    published: published.json,
    mine: mine.json,
    except: ownNumber,
    take,
    onConflict,
  });
}

// Somebody else published the same bytes: their entry stands, but what mine was derived from is not lost.
function withParentsOf(published: VersionEntry, mine: VersionEntry): Line {
  const parents = mergeParents(undefined, published.json.parents, mine.json.parents);
  return mine.parents.length === 0 || parents === null || parents.length === published.parents.length
    ? published
    : { ...published, json: { ...published.json, parents } };
}

interface Below {
  /** My history as it was, oldest first. */
  readonly mine: readonly VersionEntry[];
  readonly kept: readonly Line[];
  readonly highest: number;
}

function onTop(
  name: string,
  added: readonly VersionEntry[],
  { mine, kept, highest }: Below,
): { readonly lines: readonly Line[]; readonly renumbered: readonly MovedVersion[] } {
  const lines: Line[] = [];
  const renumbered: MovedVersion[] = [];
  let top = highest;
  for (const entry of oldestFirst(added)) {
    top = Math.max(entry.number, top + 1);
    const version = top === entry.number ? entry.version : `v${top}`;
    const json = renumberedJson(entry, version, { was: mine[mine.indexOf(entry) - 1], is: lines[0] ?? kept[0] });
    lines.unshift({ version, number: top, sha256: entry.sha256, json });
    if (version !== entry.version) renumbered.push({ name, from: entry.version, to: version, sha256: entry.sha256 });
  }
  return { lines, renumbered };
}

// A diff is called after both its versions. One that is to be computed anew is named where it will be; one that nobody will be
// told about (its own version keeps its number, the one before it is another) is given up: it can be made at any time.
function renumberedJson(
  entry: VersionEntry,
  version: string,
  previous: { readonly was: Line | undefined; readonly is: Line | undefined },
): JsonObject {
  const { was, is } = previous;
  const unchanged = version === entry.version;
  if (unchanged && was?.version === is?.version && was?.sha256 === is?.sha256) return entry.json;
  const old = entry.diffFromPrevious;
  if (old === null) return { ...entry.json, version };
  const name = path.posix.basename(diffPath('', is?.version ?? '', version));
  return {
    ...entry.json,
    version,
    diffFromPrevious: unchanged || !is ? null : path.posix.join(path.posix.dirname(old), name),
  };
}
