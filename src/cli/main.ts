import path from 'node:path';
import { DataManagerError, systemCode } from '../core/errors';
import { type Environment, isKeyVariable } from '../core/store/credentialsFromEnvironment';
import { findCommand } from './commandTable';
import { helpText, overviewText, versionText } from './help';
import { createOutput, type Output } from './output/output';
import { progressLine } from './output/progressLine';
import { exitCodes, renderError } from './output/renderError';
import { type ParsedArguments, parseArguments, wantsJson } from './parseArguments';
import { createSession } from './session';
import { UsageError } from './usageError';

/** argv -> command -> exit code. */
async function main(argv: readonly string[]): Promise<number> {
  const output = createOutput(process.stdout, { json: wantsJson(argv), env: process.env });
  try {
    const parsed = parseArguments(argv, findCommand);
    const exitCode = parsed.kind === 'run' ? await runCommand(parsed, output) : await explain(parsed, output);
    return output.closed.aborted ? report(output.closed.reason, output) : exitCode;
  } catch (error) {
    return report(error, output);
  }
}

async function explain(parsed: Exclude<ParsedArguments, { kind: 'run' }>, output: Output): Promise<number> {
  switch (parsed.kind) {
    case 'version':
      await (output.json ? output.value({ version: versionText() }) : output.lines([versionText()]));
      return exitCodes.ok;
    case 'help': {
      const help = parsed.command ? helpText(parsed.command) : overviewText();
      await (output.json ? output.value({ help }) : output.write(help));
      return exitCodes.ok;
    }
    case 'nothing':
      if (output.json) throw new UsageError('A command is missing.', 'See: datamanager --help');
      process.stderr.write(overviewText());
      return exitCodes.usage;
  }
}

/**
 * This process's environment, out of which the keys of buckets are taken: then they are in no crash report (node --report-on-signal and
 * the like list all variables) and nothing that is started inherits them.
 */
function takeEnvironment(): Environment {
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (isKeyVariable(name)) delete process.env[name];
  return env;
}

async function runCommand(
  { command, positionals, globals, values }: Extract<ParsedArguments, { kind: 'run' }>,
  output: Output,
): Promise<number> {
  const progress = progressLine(process.stderr, !globals.quiet && !globals.json);
  const session = createSession({
    cwd: process.cwd(),
    env: takeEnvironment(),
    globals,
    output: clearingProgress(output, progress.clear),
    progress,
    signal: AbortSignal.any([interruption(), output.closed]),
    workerPath: path.join(__dirname, 'worker.js'),
    followerPath: path.join(__dirname, 'follower.js'),
    scriptPath: __filename,
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

async function report(thrown: unknown, output: Output): Promise<number> {
  const stopped =
    output.closed.aborted && (thrown === output.closed.reason || DataManagerError.is(thrown, 'CANCELLED'));
  // Nobody reads any more (`| head`): there is nothing to say, and nothing went wrong.
  if (stopped && systemCode(output.closed.reason) === undefined) return exitCodes.ok;
  const { exitCode, lines, json } = renderError(stopped ? output.closed.reason : thrown);
  if (output.json) await output.value(json);
  if (!output.json || exitCode === exitCodes.bug || stopped) process.stderr.write(`${lines.join('\n')}\n`);
  return exitCode;
}

void main(process.argv.slice(2)).then((exitCode) => {
  // A pipe takes its time on some systems; what was written must arrive before the process ends.
  process.exitCode = exitCode;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
});
