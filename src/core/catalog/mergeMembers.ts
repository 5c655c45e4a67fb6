import { isArray, isObject, type JsonObject, type JsonValue } from './json';
import type { MergeSide } from './mergeConflict';
import { sameJson } from './sameJson';

type Value = JsonValue | undefined;

export interface MemberConflict {
  readonly field: string;
  readonly base: Value;
  readonly published: Value;
  readonly mine: Value;
}

export interface MembersToMerge {
  readonly base: JsonObject | undefined;
  readonly published: JsonObject;
  readonly mine: JsonObject;
  /** Members that are merged elsewhere: the published side's are kept. */
  readonly except: ReadonlySet<string>;
  /** The side whose value stands in for a conflict. */
  readonly take: MergeSide;
  readonly onConflict: (conflict: MemberConflict) => void;
}

/**
 * Merges the members of two JSON objects, each as a whole: what one side changed is taken, what both changed differently is a
 * conflict. Only `parents` is looked into, because edges are added and removed one by one. Members keep the published side's order.
 *
 * @example
 * const json = mergeMembers({ base, published, mine, except: new Set(['version']), take: 'published', onConflict });
 */
export function mergeMembers({ base, published, mine, except, take, onConflict }: MembersToMerge): JsonObject {
  const fields = new Set([...Object.keys(published), ...Object.keys(mine)]);
  const merged: [string, JsonValue][] = [];
  for (const field of fields) {
    const values = { base: member(base, field), published: member(published, field), mine: member(mine, field) };
    const value = except.has(field) ? values.published : mergeMember(field, values, take, onConflict);
    if (value !== undefined) merged.push([field, value]);
  }
  return Object.fromEntries(merged);
}

function mergeMember(
  field: string,
  { base, published, mine }: { readonly base: Value; readonly published: Value; readonly mine: Value },
  take: MergeSide,
  onConflict: (conflict: MemberConflict) => void,
): Value {
  if (sameJson(published, base)) return mine;
  if (sameJson(mine, base) || sameJson(mine, published)) return published;
  if (field === 'parents') {
    const parents = mergeParents(base, published, mine);
    if (parents !== null) return parents.length === 0 ? undefined : parents;
  }
  onConflict({ field, base, published, mine });
  return take === 'published' ? published : mine;
}

/**
 * The published edges, less those that mine took away, plus those that it added; null when one side is not a list of edges.
 *
 * @example
 * mergeParents(undefined, [{ name: 'a', sha256, version: 'v1' }], [{ name: 'b', sha256, version: 'v2' }]); // both
 */
export function mergeParents(base: Value, published: Value, mine: Value): readonly JsonValue[] | null {
  const [before, theirs, ours] = [edgesById(base), edgesById(published), edgesById(mine)];
  if (!before || !theirs || !ours) return null;
  const kept = [...theirs]
    .filter(([id]) => ours.has(id) || !before.has(id))
    .map(([id, edge]) => (sameJson(edge, before.get(id)) ? (ours.get(id) ?? edge) : edge));
  const added = [...ours].filter(([id]) => !theirs.has(id) && !before.has(id)).map(([, edge]) => edge);
  return [...kept, ...added];
}

// An edge pins bytes by name and hash; its version is for reading and changes when a version is renumbered.
function edgesById(value: Value): ReadonlyMap<string, JsonValue> | null {
  if (value === undefined) return new Map();
  if (!isArray(value)) return null;
  const edges = new Map<string, JsonValue>();
  for (const edge of value) {
    if (!isObject(edge) || typeof edge.name !== 'string' || typeof edge.sha256 !== 'string') return null;
    edges.set(`${edge.sha256} ${edge.name}`, edge);
  }
  return edges;
}

function member(json: JsonObject | undefined, field: string): Value {
  return json && Object.hasOwn(json, field) ? json[field] : undefined;
}
