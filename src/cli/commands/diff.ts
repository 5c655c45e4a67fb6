import { stat } from 'node:fs/promises';
import { DataManagerError } from '../../core/errors';
import type { DiffResult } from '../../core/operations/diffFiles';
import type { DiffSide } from '../../core/operations/diffVersions';
import type { DiffMonitor, DiffOutput } from '../../core/sqldiff/diffEngine';
import { argument, defineCommand } from '../command';
import { limitOption, numberOption } from '../numberOption';
import { diffJsonPieces, summaryJson } from '../output/diffJson';
import { summaryLines, textSink } from '../output/diffText';
import { visible } from '../output/visible';
import type { Session } from '../session';
import { UsageError } from '../usageError';

const usage = ['diff REF REF', 'diff FILE FILE', 'diff REF FILE'].map(
  (line) => `${line} [--summary | --sql] [--limit N] [--context N]`,
);
const hint = `Usage: datamanager ${usage[0]}`;
/** On a terminal: a few screens. */
const defaultLimit = 50;

export const diffCommand = defineCommand({
  name: 'diff',
  summary: 'the rows and schema, or lines, that differ between two versions or files',
  usage,
  positionals: ['REF', 'REF'],
  options: {
    summary: { type: 'boolean', help: 'one line a table' },
    sql: { type: 'boolean', help: 'SQL that turns the first into the second' },
    limit: {
      type: 'string',
      value: 'N',
      help: `how many rows a table, or "all" (default: ${defaultLimit} on a terminal, else all)`,
    },
    context: { type: 'string', value: 'N', help: 'unchanged rows before and after each changed one (default: 0)' },
  },
  details: [
    'A word that is both a reference and a file means the reference; write ./NAME for the file.',
    '',
    'With --json: {from, to, identical, schema, tables: [{name, key: {kind, columns}, inserted, updated, deleted, unchanged?,',
    'omitted?, rows}]}; rows are left out with --summary. A row is {kind: insert|update|delete, key?, before, after, changed?,',
    'types?}: before and after map columns to values (null when there is no such side), changed lists the columns that differ,',
    'types those whose SQLite type differs. INTEGER is a number without a point, beyond 2^53 {"integer": "..."}; REAL a number',
    'with a point or exponent (1.0), or {"real": "Infinity"}; TEXT a string; BLOB {"blob": "hex"}; TEXT that is not valid',
    'Unicode {"text": "hex"}.',
    '',
    'CSV, JSON and other texts up to 10 MB are compared line by line: a unified diff, and with --json {..., lines: {added,',
    'removed}}. Of any other file the sizes and hashes are compared: {..., files: {before, after}}.',
  ].join('\n'),
  examples: [
    'datamanager diff utopia.sqlite@v1 utopia.sqlite@v2',
    'datamanager diff utopia.sqlite ./utopia.sqlite --summary',
    'datamanager diff old.sqlite new.sqlite --sql > patch.sql',
  ],
  run: async (session, { positionals, values }) => {
    const { output } = session;
    if (values.sql && (values.summary || output.json)) {
      throw new UsageError(`--sql and ${values.summary ? '--summary' : '--json'} can't be combined.`, hint);
    }
    const asked = limitOption(values.limit, hint);
    const contextRows = numberOption('context', values.context, hint);
    if (contextRows !== undefined && (values.sql || values.summary || output.json)) {
      throw new UsageError("--context is for the text: it can't be combined with --sql, --summary or --json.", hint);
    }
    const from = await sideOf(session, argument(positionals, 0));
    const to = await sideOf(session, argument(positionals, 1));
    const limit = asked === undefined && output.isTerminal ? defaultLimit : (asked ?? null);
    if (values.summary || output.json) {
      const result = await compare(session, from, to, values.summary ? { kind: 'summary' } : { kind: 'rows', limit });
      if (!output.json) await output.lines(summaryOrSame(result));
      else if (values.summary) await output.value({ from: result.from, to: result.to, ...summaryJson(result.summary) });
      else for (const piece of diffJsonPieces(result)) await output.write(piece);
      return undefined;
    }
    const sink = textSink(output);
    await compare(session, from, to, values.sql ? { kind: 'sql' } : { kind: 'text', limit, contextRows }, sink);
    await sink.end();
    return undefined;
  },
});

async function compare(
  session: Session,
  from: DiffSide,
  to: DiffSide,
  output: DiffOutput,
  { onText }: Pick<DiffMonitor, 'onText'> = {},
): Promise<DiffResult> {
  const monitor = { ...session.monitor, onText };
  if (from.kind === 'file' && to.kind === 'file') {
    const { diffFiles } = await import('../../core/operations/diffFiles');
    return diffFiles({ diffEngine: session.diffEngine, from: from.path, to: to.path, output, ...monitor });
  }
  const { diffVersions } = await import('../../core/operations/diffVersions');
  return diffVersions({ ...(await session.context()), from, to, output, ...monitor });
}

function summaryOrSame({ from, to, summary }: DiffResult): readonly string[] {
  return summary.identical
    ? [visible(`${from} and ${to} hold the same ${summary.files ? 'bytes' : 'schema and rows'}`)]
    : summaryLines(summary);
}

/** What a word means: a path by its form, else a reference that exists, else a file that exists. */
async function sideOf(session: Session, word: string): Promise<DiffSide> {
  const file: DiffSide = { kind: 'file', path: session.resolve(word) };
  if (/^(\.{1,2}[\\/]|[\\/]|[a-z]:[\\/])/i.test(word)) return file;
  const version: DiffSide = { kind: 'version', reference: word };
  const problem = await referenceProblem(session, word);
  if (problem === null) return version;
  const exists = (await stat(file.path).catch(() => null)) !== null;
  // Without a repository only files can be meant, and "no such file" says more than "no repository".
  return exists || problem.code === 'REPOSITORY_NOT_FOUND' ? file : version;
}

async function referenceProblem(session: Session, word: string): Promise<DataManagerError | null> {
  const [{ readCatalog }, { parseReference, resolveReference }] = await Promise.all([
    import('../../core/catalog/readCatalog'),
    import('../../core/catalog/reference'),
  ]);
  try {
    const { manifest } = await readCatalog(await session.repository());
    resolveReference(manifest, parseReference(word));
    return null;
  } catch (error) {
    if (DataManagerError.is(error)) return error;
    throw error;
  }
}
