import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Writes what a mocha run gave to the file that `DM_REPORT` names: the proof for scripts/test.mjs that tests ran to
 * the end. (VS Code reports success when its extension host dies, so exit codes alone prove nothing.)
 *
 * @param {import('mocha').Runner} runner
 */
export function writeReport(runner) {
  /** @type {{ title: string, state: 'passed' | 'failed' | 'skipped', ms?: number, error?: string }[]} */
  const results = [];
  runner.on('pass', (test) => results.push({ title: test.fullTitle(), state: 'passed', ms: test.duration }));
  runner.on('pending', (test) => results.push({ title: test.fullTitle(), state: 'skipped' }));
  runner.on('fail', (test, error) => {
    results.push({ title: test.fullTitle(), state: 'failed', error: String(error?.stack ?? error) });
  });
  runner.once('end', () => {
    const file = process.env.DM_REPORT;
    if (!file) return;
    /** @param {string} state */
    const count = (state) => results.filter((result) => result.state === state).length;
    const totals = { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ ...totals, results }, null, 1));
  });
}
