// Runs transfers by the thousand over a line that fails as a seed decides: resets, cuts, silence, 429, 503, flipped bits, shortened
// replies, lost replies. Each has to end in the right bytes or in a clear error, must leave nothing wrong behind, and has to succeed
// when it is repeated over a line that works.
//   node bench/faults.mjs [--runs 1000] [--seed 1] [--scenario 'resumed upload'] [--json]
// A run is repeated alone with --seed N --runs 1 (the seed also chooses the scenario).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    scenario: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
});

/** @typedef {{ scenario: string, seed: number, outcome?: string, problem?: string, again: number, resumed: number, milliseconds: number }} Run */

const child = join(import.meta.dirname, '../out/bench/faultsChild.cjs');
const folder = mkdtempSync(join(tmpdir(), 'datamanager-bench-'));
/** @type {Run[]} */
const runs = [];
/** @type {Record<string, number>} */
let happened = {};
const start = performance.now();
try {
  await build({
    entryPoints: [join(import.meta.dirname, 'faultsChild.ts')],
    outfile: child,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    mainFields: ['module', 'main'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  const args = ['--enable-source-maps', child, folder, options.seed, options.runs, options.scenario];
  const env = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const { stdout } = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  for await (const line of createInterface({ input: stdout })) {
    const result = JSON.parse(line);
    if (result.happened) happened = result.happened;
    else runs.push(result);
    if (result.problem) console.error(`${result.scenario}, seed ${result.seed}: ${result.problem}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const problems = runs.filter(({ problem }) => problem !== undefined);
if (options.json) console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000, runs, happened }));
else report();
process.exitCode = runs.length === Number(options.runs) && problems.length === 0 ? 0 : 1;

function report() {
  for (const scenario of new Set(runs.map((run) => run.scenario))) {
    const own = runs.filter((run) => run.scenario === scenario);
    /** @type {Record<string, number>} */
    const outcomes = {};
    for (const { outcome = 'WRONG' } of own) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    const ends = Object.entries(outcomes).map(([outcome, count]) => `${count} ${outcome}`);
    const again = Math.max(0, ...own.map((run) => run.again ?? 0));
    const mean = own.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / own.length;
    console.log(
      `${scenario.padEnd(18)} ${ends.join(', ')}; at most ${again} parts sent again; ${mean.toFixed(0)} ms a run`,
    );
  }
  const faults = Object.entries(happened).map(([kind, count]) => `${count} ${kind}`);
  console.log(`faults: ${faults.join(', ')}`);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`${runs.length} runs in ${seconds} s, ${problems.length} wrong; load ${loadavg()[0]?.toFixed(1)}`);
}
