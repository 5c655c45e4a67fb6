import { DataManagerError } from '../../core/errors';
import type { OperationContext } from '../../core/operations/context';
import type { PublishOptions, PublishResult } from '../../core/operations/publishVersion';
import type { Transfer } from '../../core/operations/uploadVersion';
import type { CommandArguments } from '../command';
import type { Options } from '../options';
import { summaryJson } from '../output/diffJson';
import { humanSize } from '../output/sizes';
import { fields } from '../output/table';
import { oneLine } from '../output/visible';
import type { Session } from '../session';

/** What create, update and push have in common. */
export const publishOptions = {
  source: { type: 'string', value: 'URL', help: 'where the data came from' },
  description: { type: 'string', value: 'TEXT', help: 'what this version is (default: the first line of the message)' },
  parent: {
    type: 'string',
    multiple: true,
    value: 'REF',
    help: 'a version that this one was derived from; may be repeated',
  },
} as const satisfies Options;

const maxTables = 8;

/** Publishes, asks when the operation wants a yes, and says what became of it. */
export async function publish(
  session: Session,
  file: string,
  { globals, values }: CommandArguments<typeof publishOptions>,
  operation: (context: OperationContext, options: PublishOptions) => Promise<PublishResult>,
): Promise<void> {
  const context = await session.context();
  const options: PublishOptions = {
    file: session.resolve(file),
    message: globals.message,
    description: values.description,
    source: values.source,
    parents: values.parent,
    push: !globals['no-push'],
    yes: globals.yes,
    onConflict: globals.yes ? 'on-top' : 'stop',
    ...session.monitor,
  };
  const result = await withConfirmation(session, (yes) => operation(context, { ...options, yes: yes || options.yes }));
  const { output } = session;
  if (output.json) {
    const { bytesSent, bytesCopied, bytesResumed, requests } = result.transfer;
    const transfer = { bytesSent, bytesCopied, ...(bytesResumed > 0 && { bytesResumed }), requests };
    await output.value({ ...result, transfer, diff: result.diff && summaryJson(result.diff) });
  } else await output.lines(resultLines(result));
}

/** Runs an operation; when it wants a yes and there is somebody to ask, asks and runs it again. */
export async function withConfirmation<T>(session: Session, operation: (yes: boolean) => Promise<T>): Promise<T> {
  try {
    return await operation(false);
  } catch (error) {
    if (!DataManagerError.is(error, 'CONFIRMATION_NEEDED')) throw error;
    const answer = await session.confirm(`${oneLine(error.message)} Go on?`);
    if (answer === null) throw error;
    if (!answer) throw new DataManagerError('CANCELLED', 'Cancelled.', { cause: error });
    return operation(true);
  }
}

/** Bytes; about what one request takes. */
const WORTH_A_WORD = 5 << 20;

/** What was published, in three to a dozen lines. */
export function resultLines(result: PublishResult): readonly string[] {
  const { status, name, version, sha256, size, transfer } = result;
  if (status === 'unchanged') {
    const done = fields([[`${name} ${version} holds these bytes already: nothing was sent or committed.`, '']]);
    return result.note === null ? done : [...done, ...fields([['push', oneLine(result.note)]], '  ')];
  }
  const rows: [string, string][] = [
    ['size', `${humanSize(size)}, ${movedText(transfer)}`],
    // How a small file travels is nobody's concern.
    ...(transfer.how !== null && size > WORTH_A_WORD ? [['transfer', transfer.how] as [string, string]] : []),
    ['sha256', sha256],
    ...changeRows(result),
    ['commit', `${(result.commit ?? '').slice(0, 7)}, ${pushText(result)}`],
  ];
  return [
    ...fields([[`${status === 'created' ? 'Created' : 'Updated'} ${name} ${version}`, '']]),
    ...fields(rows, '  '),
  ];
}

/** `4.0 MiB sent, 12.0 MiB there from an earlier try`. */
export function movedText({
  bytesSent,
  bytesCopied,
  bytesResumed,
}: Pick<Transfer, 'bytesSent' | 'bytesCopied' | 'bytesResumed'>): string {
  const moved = [
    [bytesSent, 'sent'],
    [bytesCopied, 'copied in the store'],
    [bytesResumed, 'there from an earlier try'],
  ] as const;
  const text = moved.flatMap(([bytes, what]) => (bytes > 0 ? [`${humanSize(bytes)} ${what}`] : [])).join(', ');
  return text === '' ? 'nothing sent: the store has these bytes' : text;
}

// "Not pushed" alone would alarm somebody who has no remote.
function pushText({ pushed, note }: PublishResult): string {
  const answer = note === null ? '' : oneLine(note);
  if (pushed) return answer === '' ? 'pushed' : `pushed: ${answer}`;
  return answer === '' ? 'no remote to push to' : answer;
}

function changeRows({ status, diff }: PublishResult): [string, string][] {
  if (status === 'created') return [];
  if (diff === null) return [['changes', 'not compared']];
  if (diff.identical) return [['changes', 'none in schema or rows, only the bytes differ']];
  const lines = [
    ...(diff.lines ? [`${diff.lines.added} lines added, ${diff.lines.removed} removed`] : []),
    ...(diff.schema.length > 0 ? [`schema: ${diff.schema.map(({ type, name }) => `${type} ${name}`).join(', ')}`] : []),
    ...diff.tables.map(({ name, inserted, updated, deleted }) => {
      const counts = [
        [inserted, 'inserted'],
        [updated, 'updated'],
        [deleted, 'deleted'],
      ] as const;
      const changed = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
      return `${name}: ${changed.join(', ') || 'columns only'}`;
    }),
  ];
  const shown =
    lines.length > maxTables ? [...lines.slice(0, maxTables - 1), `and ${lines.length - maxTables + 1} more`] : lines;
  return shown.map((line, i) => [i === 0 ? 'changes' : '', line]);
}
