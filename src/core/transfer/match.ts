/** Bytes of the target that are bytes of the base, at any two places. */
export interface Match {
  readonly targetOffset: number;
  readonly baseOffset: number;
  readonly length: number;
}

/** Bytes. A shorter match can't hold a part of an upload: nobody asks for it. */
export const reportedMatch = 5 * 1024 * 1024;
