/** A version as a comparison names it: by its bytes, so that a renumbering can't show other rows under an old address. */
export interface ComparedVersion {
  readonly kind: 'version';
  readonly version: string;
  readonly sha256: string;
  /** What it is called in place of its number: two clones may have given that to different versions. */
  readonly label?: string;
}

/** A file on this machine. */
export interface ComparedFile {
  readonly kind: 'file';
  readonly path: string;
  /** Name for people. */
  readonly label: string;
  /** Changes with its content, so that an edited file gets new documents. */
  readonly stamp: string;
}

export type ComparedSide = ComparedVersion | ComparedFile;

/** What is compared: versions of a dataset, files, or one with the other; a first version with nothing. */
export interface Comparison {
  /** Folder of the repository's manifest; null when only files are compared. */
  readonly folder: string | null;
  /** The dataset's name, or a file's. */
  readonly name: string;
  readonly before: ComparedSide | null;
  readonly after: ComparedSide;
  /** Commit whose manifest describes the versions; null for the work tree's. */
  readonly at: string | null;
}

/** What a document shows. */
export type DocumentPart =
  | { readonly kind: 'summary' }
  | { readonly kind: 'schema' }
  /** Changed rows of a table, from the one behind `skip` others. */
  | { readonly kind: 'table'; readonly table: string; readonly skip: number }
  /** The whole text of a file that is no database. */
  | { readonly kind: 'text' };

/** One side of one document pair. */
export interface DocumentAddress {
  readonly comparison: Comparison;
  readonly part: DocumentPart;
  readonly side: 'before' | 'after';
}

/**
 * The path and query of a document's URI. Everything that is needed to make the text again is in it, so that an editor which
 * VS Code restores after a reload is not empty. Both sides have the same path, else the multi-file diff shows a rename; its
 * form also gives the document its language (package.json, `filenamePatterns`).
 */
export function encodeAddress(address: DocumentAddress): { path: string; query: string } {
  return { path: documentPath(address), query: JSON.stringify(address) };
}

function documentPath({ comparison, part }: DocumentAddress): string {
  const { name, folder } = comparison;
  // A slash in the name of a table or file must not become a folder.
  const flat = (text: string): string => text.replaceAll('/', '∕');
  const sides = `${folder === null ? '' : `${name} `}${flat(sidesTitle(comparison))}`;
  switch (part.kind) {
    case 'summary':
      return `/${sides}/Summary of changes`;
    case 'schema':
      return `/${sides}/schema.sql`;
    case 'table':
      return `/${sides}/${flat(part.table)}`;
    case 'text':
      return `/${name}`;
  }
}

/** Reads `encodeAddress` back; null for an address that is not one of ours. */
export function decodeAddress(query: string): DocumentAddress | null {
  try {
    const address: unknown = JSON.parse(query);
    return isAddress(address) ? address : null;
  } catch {
    return null;
  }
}

/** Identifies a comparison. */
export function comparisonKey(comparison: Comparison): string {
  return encodeAddress({ comparison, part: { kind: 'summary' }, side: 'after' }).query;
}

/** `utopia.sqlite v2 ↔ v3`, `utopia.sqlite v1` for a first version, `old.sqlite ↔ new.sqlite` for files. */
export function comparisonTitle(comparison: Comparison): string {
  const { name, before, after, folder } = comparison;
  if (folder === null) return sidesTitle(comparison);
  return `${name} ${before ? sidesTitle(comparison) : sideLabel(after)}`;
}

/** What a side is called. */
export function sideLabel(side: ComparedSide): string {
  return side.kind === 'version' ? (side.label ?? side.version) : side.label;
}

function sidesTitle({ before, after }: Comparison): string {
  return `${before ? sideLabel(before) : '∅'} ↔ ${sideLabel(after)}`;
}

// An address may come from a link that somebody else wrote: nothing in it is taken on trust.
function isAddress(value: unknown): value is DocumentAddress {
  return (
    isRecord(value) && isComparison(value.comparison) && isPart(value.part) && isOneOf(value.side, ['before', 'after'])
  );
}

/** True for a comparison as `Comparison` describes it. */
export function isComparison(value: unknown): value is Comparison {
  if (!isRecord(value)) return false;
  const { folder, name, before, after, at } = value;
  const optional = [folder, at].every((text) => text === null || typeof text === 'string');
  return optional && typeof name === 'string' && (before === null || isSide(before)) && isSide(after);
}

function isSide(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const texts =
    value.kind === 'version'
      ? [value.version, value.sha256, value.label ?? '']
      : [value.path, value.label, value.stamp];
  return isOneOf(value.kind, ['version', 'file']) && texts.every((text) => typeof text === 'string');
}

function isPart(value: unknown): boolean {
  if (!isRecord(value)) return false;
  if (value.kind !== 'table') return isOneOf(value.kind, ['summary', 'schema', 'text']);
  return typeof value.table === 'string' && Number.isSafeInteger(value.skip);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isOneOf(value: unknown, choices: readonly string[]): boolean {
  return typeof value === 'string' && choices.includes(value);
}
