import { type FaultRun, SCENARIOS, startFaultBench } from '../test/support/faultRuns';

/** Runs seeds `first` to `first + count - 1` of all scenarios in turn, and writes one line of JSON for each. */
async function main([folder = '', first = '0', count = '0', only = '']: readonly string[]): Promise<void> {
  const bench = await startFaultBench(folder);
  const scenarios = SCENARIOS.filter((name) => only === '' || name === only);
  for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
    const scenario = scenarios[seed % scenarios.length];
    if (scenario === undefined) break;
    const start = performance.now();
    const run: FaultRun | { problem: string } = await bench
      .run(scenario, seed)
      .catch((error: Error) => ({ problem: error.stack ?? error.message }));
    process.stdout.write(`${JSON.stringify({ ...run, scenario, seed, milliseconds: performance.now() - start })}\n`);
  }
  process.stdout.write(`${JSON.stringify({ happened: Object.fromEntries(bench.happened) })}\n`);
  await bench.stop();
}

void main(process.argv.slice(2)).then(() => process.exit(0));
