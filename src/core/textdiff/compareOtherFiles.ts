import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { DataManagerError } from '../errors';
import type { CompareHooks } from '../sqldiff/compareFiles';
import type { DiffAnswer, DiffRequest } from '../sqldiff/diffEngine';
import type { FileFacts } from '../sqldiff/model';
import { oneLine } from '../sqldiff/summaryText';
import { TextPieces } from '../sqldiff/textPieces';
import { decodeText } from './decodeText';
import { type LineDiff, lineDiff, unifiedLines } from './lineDiff';

/** Larger texts are compared by their hash alone. */
export const maxTextBytes = 10 * 1024 * 1024;

const SQLITE_MAGIC = Buffer.from('SQLite format 3\0', 'latin1');
const BLOCK_BYTES = 1024 * 1024;

/**
 * Compares files that are no SQLite databases: texts of at most 10 MB line by line, all others by size and hash. Null when
 * one is SQLite (or empty, or not to be read): `compareFiles` compares it, or says why it can't.
 *
 * Throws NOT_SQLITE when SQL is asked for, FILE_UNREADABLE, CANCELLED.
 *
 * @example
 * const answer = compareOtherFiles(request, hooks) ?? compareFiles(sqlJs, request, hooks);
 */
export function compareOtherFiles(request: DiffRequest, hooks: CompareHooks): DiffAnswer | null {
  const { before, after, output, labels } = request;
  const paths = before === null ? [after] : [before, after];
  if (paths.some(mayBeSqlite)) return null;
  if (output.kind === 'sql') {
    throw new DataManagerError('NOT_SQLITE', `${labels.before} and ${labels.after} are no SQLite databases.`, {
      hint: 'Compare them without SQL to see the lines that differ.',
    });
  }
  const facts = { before: before === null ? null : fileFacts(before, hooks), after: fileFacts(after, hooks) };
  const identical = facts.before?.sha256 === facts.after.sha256;
  const texts = facts.before !== null && identical ? null : readTexts(before, after, facts);
  const lines = texts === null ? null : lineDiff(texts.before, texts.after);
  const summary = {
    identical,
    schema: [],
    tables: [],
    files: facts,
    ...(lines === null ? {} : { lines: { added: lines.added, removed: lines.removed } }),
  };
  switch (output.kind) {
    case 'text': {
      const out = new TextPieces(hooks.onText);
      out.line(`${oneLine(labels.before)} -> ${oneLine(labels.after)}`);
      for (const line of reviewLines(identical, lines, request, output.limit)) out.line(line);
      out.flush();
      return { summary };
    }
    case 'stored':
      return { summary, ...(lines ? { stored: storedText(lines, request, output) } : {}) };
    case 'rows':
      return { summary, rows: { schema: [], tables: [] } };
    default:
      return { summary };
  }
}

function* reviewLines(
  identical: boolean,
  lines: LineDiff | null,
  { labels }: DiffRequest,
  limit: number | null,
): Generator<string, void, undefined> {
  if (identical) yield 'no difference';
  else if (lines === null) yield 'The bytes differ. They are no text of at most 10 MB that lines could be compared of.';
  else if (lines.hunks.length === 0) yield 'The lines are the same; the bytes differ (the encoding or its mark).';
  else {
    yield `${lines.added} lines added, ${lines.removed} removed`;
    yield '';
    yield* unifiedLines(lines, { before: oneLine(labels.before), after: oneLine(labels.after) }, limit);
  }
}

/** The preamble is passed over by `patch` and `git apply`. */
function storedText(
  lines: LineDiff,
  { labels }: DiffRequest,
  { maxLines, maxBytes }: { readonly maxLines: number; readonly maxBytes: number },
): { text: string; complete: boolean } {
  const names = { before: oneLine(labels.before), after: oneLine(labels.after) };
  const head = [
    `-- Data Manager diff 1: ${names.before} -> ${names.after}`,
    `-- lines: ${lines.added} added, ${lines.removed} removed`,
  ];
  const body: string[] = [];
  let bytes = Buffer.byteLength(head.join('\n')) + 1;
  for (const line of unifiedLines(lines, names, null)) {
    bytes += Buffer.byteLength(line) + 1;
    body.push(line);
    if (bytes > maxBytes || head.length + body.length > maxLines) {
      const short = [...head, '-- the lines are too many to be stored; compare the two versions to see them'];
      return { text: `${short.join('\n')}\n`, complete: false };
    }
  }
  return { text: `${[...head, ...body].join('\n')}\n`, complete: true };
}

/** A file that is empty or can't be opened is left to `compareFiles`, which says so. */
function mayBeSqlite(path: string): boolean {
  const start = Buffer.alloc(SQLITE_MAGIC.length);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return true;
  }
  try {
    return !fstatSync(file).isFile() || readSync(file, start, 0, start.length, 0) === 0 || start.equals(SQLITE_MAGIC);
  } finally {
    closeSync(file);
  }
}

function fileFacts(path: string, { isCancelled, onProgress }: CompareHooks): FileFacts {
  const hash = createHash('sha256');
  const block = Buffer.alloc(BLOCK_BYTES);
  const file = openSync(path, 'r');
  try {
    const { size: total } = fstatSync(file);
    let size = 0;
    for (;;) {
      if (isCancelled()) throw new DataManagerError('CANCELLED', 'Cancelled.');
      const read = readSync(file, block, 0, block.length, size);
      if (read === 0) return { size, sha256: hash.digest('hex') };
      hash.update(block.subarray(0, read));
      size += read;
      onProgress({ phase: 'hash', done: Math.min(size, total), total });
    }
  } finally {
    closeSync(file);
  }
}

function readTexts(
  before: string | null,
  after: string,
  facts: { readonly before: FileFacts | null; readonly after: FileFacts },
): { readonly before: string; readonly after: string } | null {
  if (Math.max(facts.before?.size ?? 0, facts.after.size) > maxTextBytes) return null;
  const [older, newer] = [before === null ? '' : decodeText(readFileSync(before)), decodeText(readFileSync(after))];
  return older === null || newer === null ? null : { before: older, after: newer };
}
