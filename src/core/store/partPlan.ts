const MIB = 1 << 20;
/** S3 and R2 take at most this many parts an object. */
export const MAX_PARTS = 10_000;
/** Objects up to this size go in one request, larger ones in parts. Bytes. */
export const DEFAULT_PART_BYTES = 8 * MIB;

export interface PartPlan {
  /** Bytes of every part but the last: R2 wants them all equal. */
  readonly partBytes: number;
  readonly parts: number;
}

/**
 * How to cut an object into parts of one size: `preferred` bytes, or more (in whole MiB) where 10,000 parts would not do.
 *
 * Limits: https://developers.cloudflare.com/r2/objects/multipart-objects/.
 *
 * @example
 * planParts(20_000_000); // { partBytes: 8388608, parts: 3 }
 */
export function planParts(size: number, preferred: number = DEFAULT_PART_BYTES): PartPlan {
  const needed = Math.ceil(size / MAX_PARTS / MIB) * MIB;
  const partBytes = Math.max(preferred, needed);
  return { partBytes, parts: Math.max(1, Math.ceil(size / partBytes)) };
}
