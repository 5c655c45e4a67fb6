// VS Code calls run() in its extension host (extensionTestsPath), on the desktop and in the server alike.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import { writeReport } from '../harness/mochaReport.mjs';

export function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 20_000, color: false, reporter: 'spec', grep: process.env.DM_GREP });
  const files = readdirSync(__dirname).filter((file) => file.endsWith('.test.js'));
  for (const file of files.sort()) mocha.addFile(path.join(__dirname, file));
  addForcedFailures(mocha);
  return new Promise((resolve, reject) => {
    const runner = mocha.run((failures) =>
      failures > 0 ? reject(new Error(`${failures} of the host tests failed`)) : resolve(),
    );
    writeReport(runner);
  });
}

/** Two ways to be red on demand, to prove that scripts/test.mjs notices: a failing test, and a host that dies. */
function addForcedFailures(mocha: Mocha): void {
  if (process.env.DM_FORCE_FAIL) {
    mocha.suite.addTest(new Mocha.Test('fails because DM_FORCE_FAIL is set', () => assert.equal(1, 2)));
  }
  if (process.env.DM_FORCE_EXIT) {
    mocha.suite.afterEach('kill the extension host in the middle of the run', () => process.exit(3));
  }
}
