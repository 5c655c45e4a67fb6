import { type StructuredPatchHunk, structuredPatch } from 'diff';

const CONTEXT_LINES = 3;
/** A shortest edit is looked for no longer than this. */
const SEARCH_MILLISECONDS = 3000;

export interface LineCounts {
  readonly added: number;
  readonly removed: number;
}

export interface LineDiff extends LineCounts {
  readonly hunks: readonly StructuredPatchHunk[];
}

/**
 * The lines that differ between two texts, as hunks of a unified diff. Where the texts differ so much that a shortest edit is
 * not found in three seconds, everything between their common start and end counts as replaced: longer, but as true.
 *
 * @example
 * lineDiff('a\nb\n', 'a\nc\n'); // { added: 1, removed: 1, hunks: [...] }
 */
export function lineDiff(before: string, after: string, searchMilliseconds = SEARCH_MILLISECONDS): LineDiff {
  const options = { context: CONTEXT_LINES, timeout: searchMilliseconds };
  const hunks = structuredPatch('', '', before, after, '', '', options)?.hunks ?? [replacedMiddle(before, after)];
  let added = 0;
  let removed = 0;
  for (const { lines } of hunks) {
    for (const line of lines) {
      if (line.startsWith('+')) added++;
      else if (line.startsWith('-')) removed++;
    }
  }
  return { added, removed, hunks };
}

/**
 * The lines of a unified diff, at most so many that are added or removed; null for all.
 *
 * @example
 * for (const line of unifiedLines(diff, { before: 'a.csv@v1', after: 'a.csv@v2' }, 50)) console.log(line);
 */
export function* unifiedLines(
  { hunks, added, removed }: LineDiff,
  labels: { readonly before: string; readonly after: string },
  limit: number | null,
): Generator<string, void, undefined> {
  if (hunks.length === 0) return;
  yield `--- ${labels.before}`;
  yield `+++ ${labels.after}`;
  let written = 0;
  for (const { oldStart, oldLines, newStart, newLines, lines } of hunks) {
    if (limit !== null && written >= limit) break;
    yield `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
    for (const line of lines) {
      const changes = line.startsWith('+') || line.startsWith('-');
      if (changes && limit !== null && written >= limit) break;
      if (changes) written++;
      yield line;
    }
  }
  const more = added + removed - written;
  if (more > 0) yield `... ${more} more lines`;
}

/** An empty range is counted from the line before it (POSIX diff -u). */
function range(start: number, lines: number): string {
  const from = lines === 0 ? Math.max(0, start - 1) : start;
  return lines === 1 ? `${from}` : `${from},${lines}`;
}

function replacedMiddle(before: string, after: string): StructuredPatchHunk {
  const [older, newer] = [linesOf(before), linesOf(after)];
  let start = 0;
  while (start < older.length && start < newer.length && older[start] === newer[start]) start++;
  let end = 0;
  const most = Math.min(older.length, newer.length) - start;
  while (end < most && older[older.length - 1 - end] === newer[newer.length - 1 - end]) end++;
  const from = Math.max(0, start - CONTEXT_LINES);
  const tail = Math.min(end, CONTEXT_LINES);
  const sign = (lines: readonly string[], mark: string): string[] => lines.map((line) => `${mark}${line}`);
  return {
    oldStart: from + 1,
    oldLines: older.length - end + tail - from,
    newStart: from + 1,
    newLines: newer.length - end + tail - from,
    lines: [
      ...sign(older.slice(from, start), ' '),
      ...sign(older.slice(start, older.length - end), '-'),
      ...sign(newer.slice(start, newer.length - end), '+'),
      ...sign(older.slice(older.length - end, older.length - end + tail), ' '),
    ],
  };
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
