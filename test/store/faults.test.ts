import assert from 'node:assert/strict';
import { type FaultBench, SCENARIOS, startFaultBench } from '../support/faultRuns';
import { tempDir } from '../support/tempDir';

/** `node bench/faults.mjs` runs a thousand. */
const RUNS_EACH = 6;

describe('transfers over a line that fails', () => {
  let bench: FaultBench;
  before(async () => {
    bench = await startFaultBench(tempDir());
  });
  after(() => bench?.stop());

  for (const [i, scenario] of SCENARIOS.entries()) {
    it(`${scenario}: right bytes or a clear error, nothing wrong left, and the repeat succeeds`, async () => {
      for (let run = 0; run < RUNS_EACH; run++) await bench.run(scenario, 7000 + run * SCENARIOS.length + i);
    });
  }

  it('met faults of most kinds', () => {
    assert.ok(bench.happened.size >= 8, [...bench.happened.keys()].join(', '));
  });
});
