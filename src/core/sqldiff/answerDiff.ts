import type { DiffAnswer, DiffOutput, DiffRequest } from './diffEngine';
import { SidesWriter } from './documentPair';
import type { EventWriter } from './eventWriter';
import { SummaryWriter } from './eventWriter';
import type { DiffEvent } from './model';
import { type FindNeighbours, findNeighbours, type NeighbourInput } from './neighbours';
import { OverviewWriter } from './overview';
import type { PatchSchemas } from './patchSql';
import { PatchWriter } from './patchSql';
import { PatchText } from './patchText';
import { ReviewWriter } from './reviewText';
import { RowsWriter } from './rowsWriter';
import { StoredWriter } from './storedDiff';
import { TextPieces } from './textPieces';

type Finish = () => Omit<DiffAnswer, 'summary'>;

/**
 * Turns the events of a comparison into what was asked for. It knows nothing of how the events are made; `neighbours` tells
 * where unchanged rows are found.
 *
 * Throws what the events throw, and DIFF_UNSUPPORTED when a patch is asked for that can't be.
 *
 * @example
 * const answer = answerDiff(diffDatabases(input), schemas, request, (piece) => process.stdout.write(piece));
 */
export function answerDiff(
  events: Iterable<DiffEvent>,
  schemas: PatchSchemas,
  request: Pick<DiffRequest, 'labels' | 'output'>,
  onText: (piece: string) => void,
  neighbours: Omit<NeighbourInput, 'rows' | 'schemas'> | null = null,
): DiffAnswer {
  const summary = new SummaryWriter();
  const rows = contextRowsOf(request.output);
  const find = neighbours && rows > 0 ? findNeighbours({ ...neighbours, schemas, rows }) : null;
  const { writer, finish } = outputWriter(request.output, request.labels, schemas, onText, find);
  for (const event of events) {
    summary.add(event);
    writer?.add(event);
  }
  writer?.end();
  return { summary: summary.summary(), ...finish() };
}

/**
 * How many unchanged rows an output shows on each side of a changed one.
 *
 * @example
 * const sqlJs = contextRowsOf(request.output) > 0 ? await newSqlJs() : null;
 */
export function contextRowsOf(output: DiffOutput): number {
  return output.kind === 'text' || output.kind === 'sides' ? (output.contextRows ?? 0) : 0;
}

function outputWriter(
  output: DiffOutput,
  labels: DiffRequest['labels'],
  schemas: PatchSchemas,
  onText: (piece: string) => void,
  neighbours: FindNeighbours | null,
): { readonly writer: EventWriter | null; readonly finish: Finish } {
  switch (output.kind) {
    case 'summary':
      return { writer: null, finish: () => ({}) };
    case 'text': {
      const out = new TextPieces(onText);
      return { writer: new ReviewWriter(labels, output.limit, out, neighbours), finish: flushed(out) };
    }
    case 'sql': {
      const out = new PatchText(onText, schemas.before.encoding);
      return { writer: new PatchWriter(schemas, (statement) => out.line(statement), out), finish: flushed(out) };
    }
    case 'stored': {
      const writer = new StoredWriter(labels, output, schemas);
      return { writer, finish: () => ({ stored: writer.stored() }) };
    }
    case 'rows': {
      const writer = new RowsWriter(output.limit);
      return { writer, finish: () => ({ rows: { schema: writer.schema, tables: writer.tables } }) };
    }
    case 'sides': {
      const sides = new SidesWriter(output, neighbours);
      const overview = new OverviewWriter();
      const writer: EventWriter = {
        add: (event) => {
          sides.add(event);
          overview.add(event);
        },
        end: () => undefined,
      };
      return { writer, finish: () => ({ sides: sides.pairs, overview: overview.overview() }) };
    }
  }
}

function flushed(out: TextPieces | PatchText): Finish {
  return () => {
    out.flush();
    return {};
  };
}
