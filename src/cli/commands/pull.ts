import { DataManagerError } from '../../core/errors';
import type { PullResult } from '../../core/operations/pullVersion';
import { argument, defineCommand } from '../command';
import { humanSize } from '../output/sizes';
import { visible } from '../output/visible';
import type { Session } from '../session';
import { UsageError } from '../usageError';

const usage = 'pull REF [-o FILE|DIR] [--version vN]';

export const pullCommand = defineCommand({
  name: 'pull',
  summary: 'bring a version to this machine',
  usage: [usage],
  positionals: ['REF'],
  options: {
    output: { type: 'string', short: 'o', value: 'FILE|DIR', help: 'where to (default: ./NAME in the working folder)' },
    version: { type: 'string', value: 'vN', help: 'the version, instead of NAME@vN' },
  },
  details:
    'The SHA-256 is checked before anything is replaced; on a failure the previous file stays as it was. On a terminal it asks\nbefore it replaces a file whose bytes are no known version; --yes replaces it.',
  examples: ['datamanager pull utopia.sqlite', 'datamanager pull utopia.sqlite@v2 -o old.sqlite'],
  run: async (session, { positionals, globals, values }) => {
    const { pullVersion } = await import('../../core/operations/pullVersion');
    const reference = withVersion(argument(positionals, 0), values.version);
    const context = await session.context();
    const options = { output: values.output, workingFolder: session.cwd, ...session.monitor };
    if (!globals.yes) await askBeforeLoss(session, reference, options);
    const result = await pullVersion(context, reference, options);
    await (session.output.json ? session.output.value(result) : session.output.lines([resultLine(result)]));
    return undefined;
  },
});

function withVersion(reference: string, version: string | undefined): string {
  if (version === undefined) return reference;
  if (/^sha256:/i.test(reference) || reference.includes('@')) {
    throw new UsageError(`${reference} names a version already; leave --version out.`, `Usage: datamanager ${usage}`);
  }
  return `${reference}@${version}`;
}

async function askBeforeLoss(
  session: Session,
  reference: string,
  options: { readonly output: string | undefined; readonly workingFolder: string },
): Promise<void> {
  const { replacedBytes } = await import('../../core/operations/replacedBytes');
  const lost = await replacedBytes(await session.repository(), reference, {
    ...options,
    signal: session.monitor.signal,
  });
  if (lost === null) return;
  const answer = await session.confirm(`${visible(lost)} holds bytes that are no version of this dataset. Replace it?`);
  // Null: nobody to ask, as in a script, which says what it wants.
  if (answer === false) throw new DataManagerError('CANCELLED', 'Cancelled.');
}

function resultLine({ name, version, path, bytesReceived, bytesResumed, from }: PullResult): string {
  const resumed = bytesResumed > 0 ? `, ${humanSize(bytesResumed)} were there already` : '';
  const how =
    from === 'local'
      ? 'it was there already'
      : from === 'cache'
        ? 'from the cache'
        : `${humanSize(bytesReceived)} received${resumed}`;
  return visible(`${name} ${version} -> ${path} (${how}, SHA-256 checked)`);
}
