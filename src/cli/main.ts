import path from 'node:path';
import { DataManagerError } from '../core/errors';
import { findCommand } from './commandTable';
import { helpText, overviewText, versionText } from './help';
import { createOutput, type Output } from './output/output';
import { progressLine } from './output/progressLine';
import { exitCodes, renderError } from './output/renderError';
import { type ParsedArguments, parseArguments, wantsJson } from './parseArguments';
import { createSession } from './session';

/** argv -> command -> exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const output = createOutput(process.stdout, { json: wantsJson(argv), env: process.env });
  try {
    const parsed = parseArguments(argv, findCommand);
    if (parsed.kind === 'run') return await runCommand(parsed, output);
    return await explain(parsed, output);
  } catch (error) {
    return report(error, output);
  }
}

async function explain(parsed: Exclude<ParsedArguments, { kind: 'run' }>, output: Output): Promise<number> {
  switch (parsed.kind) {
    case 'version':
      await (output.json ? output.value({ version: versionText() }) : output.lines([versionText()]));
      return exitCodes.ok;
    case 'help':
      await output.write(parsed.command ? helpText(parsed.command) : overviewText());
      return exitCodes.ok;
    case 'nothing':
      process.stderr.write(overviewText());
      return exitCodes.usage;
  }
}

async function runCommand(
  { command, positionals, globals, values }: Extract<ParsedArguments, { kind: 'run' }>,
  output: Output,
): Promise<number> {
  const progress = progressLine(process.stderr, !globals.quiet && !globals.json);
  const session = createSession({
    cwd: process.cwd(),
    env: process.env,
    globals,
    output: clearingProgress(output, progress.clear),
    progress,
    signal: AbortSignal.any([interruption(), output.closed]),
    workerPath: path.join(__dirname, 'worker.js'),
    stdin: process.stdin,
    stderr: process.stderr,
  });
  try {
    return await command.run(session, { positionals, globals, values });
  } finally {
    progress.clear();
    await session.dispose();
  }
}

function clearingProgress(output: Output, clear: () => void): Output {
  return {
    ...output,
    write: (text) => {
      clear();
      return output.write(text);
    },
    lines: (lines) => {
      clear();
      return output.lines(lines);
    },
    value: (value) => {
      clear();
      return output.value(value);
    },
  };
}

/** The first Ctrl+C lets the operation put things in order; the second does not wait for it. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(exitCodes.cancelled);
    controller.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  return controller.signal;
}

async function report(error: unknown, output: Output): Promise<number> {
  // Nobody reads any more (`| head`): there is nothing to say, and nothing went wrong.
  if (output.closed.aborted && DataManagerError.is(error, 'CANCELLED')) return exitCodes.ok;
  const { exitCode, lines, json } = renderError(error);
  if (output.json) await output.value(json);
  if (!output.json || exitCode === exitCodes.bug) process.stderr.write(`${lines.join('\n')}\n`);
  return exitCode;
}

void main(process.argv.slice(2)).then((exitCode) => {
  // A pipe takes its time on some systems; what was written must arrive before the process ends.
  process.exitCode = exitCode;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
});
