import type { ByteRange } from '../store/objectStore';
import { planParts } from '../store/partPlan';
import type { Match } from './match';

/** One part of an upload: bytes of the new object, and where they come from. */
export type UploadPart = {
  /** Counted from 1. */
  readonly number: number;
  /** Bytes of the new object. */
  readonly offset: number;
  readonly length: number;
} & ({ readonly kind: 'copy'; readonly from: ByteRange } | { readonly kind: 'send' });

/** How to bring an object into the store; nothing was done yet. */
export interface UploadPlan {
  /** One request; parts, some of them copied on the server from the base; parts, all of them sent. */
  readonly kind: 'put' | 'copy' | 'multipart';
  /** Bytes of every part but the last. */
  readonly partBytes: number;
  /** Empty for `put`. */
  readonly parts: readonly UploadPart[];
  readonly bytesSent: number;
  readonly bytesCopied: number;
  readonly requests: number;
  /** One sentence for the user. */
  readonly reason: string;
}

export interface PlanUploadOptions {
  /** Bytes of the new object. */
  readonly size: number;
  /** An object in the same bucket and what of it the new one holds, in the order of the new one; null when there is none. */
  readonly base: { readonly size: number; readonly matches: readonly Match[] } | null;
}

const MIB = 1 << 20;
/** The smallest part that S3 and R2 take, and with that the grid on which most parts are left untouched. */
const copyGrid = 5 * MIB;
/** Bytes that could be sent in the time of one more request: 50 ms at 100 Mbit/s, with eight under way. */
const requestCost = 65_536;
/** Copying has to save this share of the cost, for it also needs the base to stay where it is. */
const worthwhile = 0.1;
/** Create and Complete; with copies also a look at the base, whether it is still there. */
const multipartRequests = 2;
const copyRequests = 3;

/**
 * Chooses the cheapest way to upload an object: one request up to 5 MiB; parts of 5 MiB of which the unchanged ones, also moved
 * ones, are copied on the server by UploadPartCopy; or all of it in parts of 8 MiB.
 *
 * R2 wants all parts but the last of one length, but lets a source range begin anywhere:
 * https://developers.cloudflare.com/r2/objects/multipart-objects/. Ranges lie inside the base: not every server checks that.
 *
 * @example
 * const { matches, target } = await makeDelta({ base, target, deltaPath });
 * const plan = planUpload({ size: target.size, base: { size: base.size, matches } });
 */
export function planUpload({ size, base }: PlanUploadOptions): UploadPlan {
  const full = planParts(size);
  const copy = base && size > copyGrid && base.size > copyGrid ? copyPlan(size, base) : null;
  const single = size <= copyGrid || full.parts === 1;
  const requests = single ? 1 : full.parts + multipartRequests;
  const fullCost = size + requests * requestCost;
  if (copy && copy.bytesSent + copy.requests * requestCost <= fullCost * (1 - worthwhile)) return copy;

  const why = whyWhole(base, copy);
  const sent = { bytesSent: size, bytesCopied: 0, requests };
  if (single) return { kind: 'put', partBytes: size, parts: [], ...sent, reason: `Sent in one request${why}.` };
  const parts = cut(size, full.partBytes).map((part): UploadPart => ({ ...part, kind: 'send' }));
  return {
    kind: 'multipart',
    partBytes: full.partBytes,
    parts,
    ...sent,
    reason: `Sent whole in ${parts.length} parts${why}.`,
  };
}

function copyPlan(size: number, base: { readonly size: number; readonly matches: readonly Match[] }): UploadPlan {
  const { partBytes } = planParts(size, copyGrid);
  const matches = joined(base);
  let at = 0;
  const parts = cut(size, partBytes).map((part): UploadPart => {
    while (at < matches.length && endOf(matches[at] as Match) < part.offset + part.length) at++;
    const match = matches[at];
    if (!match || match.targetOffset > part.offset) return { ...part, kind: 'send' };
    const first = match.baseOffset + part.offset - match.targetOffset;
    return { ...part, kind: 'copy', from: { first, last: first + part.length - 1 } };
  });
  const bytesSent = parts.reduce((sum, { kind, length }) => sum + (kind === 'send' ? length : 0), 0);
  const copies = parts.filter(({ kind }) => kind === 'copy').length;
  return {
    kind: 'copy',
    partBytes,
    parts,
    bytesSent,
    bytesCopied: size - bytesSent,
    requests: parts.length + copyRequests,
    reason: `${copies} of ${parts.length} parts are in the store already and are copied there.`,
  };
}

/** Matches inside the base; those that continue each other in both files as one. */
function joined({ size, matches }: { readonly size: number; readonly matches: readonly Match[] }): readonly Match[] {
  const result: Match[] = [];
  for (const match of matches) {
    const length = Math.min(match.length, size - match.baseOffset);
    if (length <= 0) continue;
    const last = result.at(-1);
    const continues = last && endOf(last) === match.targetOffset && last.baseOffset + last.length === match.baseOffset;
    if (continues) result[result.length - 1] = { ...last, length: last.length + length };
    else result.push({ ...match, length });
  }
  return result;
}

function endOf({ targetOffset, length }: Match): number {
  return targetOffset + length;
}

function cut(size: number, partBytes: number): { number: number; offset: number; length: number }[] {
  return Array.from({ length: Math.ceil(size / partBytes) }, (_, i) => {
    const offset = i * partBytes;
    return { number: i + 1, offset, length: Math.min(partBytes, size - offset) };
  });
}

function whyWhole(base: PlanUploadOptions['base'], copy: UploadPlan | null): string {
  if (base === null) return '';
  if (copy === null) return ', as so small an object is not worth more';
  if (copy.bytesCopied === 0) return ', as the changes are spread over all of it';
  return ', as too little of it is unchanged';
}
