// Runs one suite of plain mocha tests: node test/harness/mochaSuite.mjs unit|store|e2e [FILE.test.js...]
import { readdirSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import { writeReport } from './mochaReport.mjs';

const [suite = 'unit', ...chosen] = process.argv.slice(2);
const folder = path.resolve(import.meta.dirname, '../../out/test', suite);
const found = readdirSync(folder, { encoding: 'utf8', recursive: true }).filter((file) => file.endsWith('.test.js'));
const files = chosen.length > 0 ? chosen : found.sort().map((file) => path.join(folder, file));

const mocha = new Mocha({
  ui: 'bdd',
  timeout: suite === 'unit' ? 20_000 : 60_000,
  reporter: process.env.DM_REPORTER ?? (suite === 'unit' ? 'dot' : 'spec'),
  forbidOnly: Boolean(process.env.CI),
  ...(process.env.DM_GREP && { grep: process.env.DM_GREP }),
});
for (const file of files) mocha.addFile(path.resolve(file));

const runner = mocha.run((failures) => {
  process.exitCode = failures > 0 ? 1 : 0;
  // Tests must close what they open. Whoever doesn't is told what is still there, and the suite is red.
  setTimeout(() => {
    console.error(`Still open 10 s after the last test: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, 10_000).unref();
});
writeReport(runner);
