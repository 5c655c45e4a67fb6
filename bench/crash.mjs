// Kills publishes with SIGKILL, or lets clones race, and checks that nothing is lost (test/support/crashWorld.ts, raceWorld.ts).
//   node bench/crash.mjs [--kills 300] [--store folder,s3] [--quiet]     every step once, then random instants
//   node bench/crash.mjs --race [--clones 8] [--versions 25]             clones that publish at once through a bad connection
//   node bench/crash.mjs --writers [--commits 100]                       two writers and real `git commit` on one clone
// Run `node esbuild.mjs` first. Ends with exit code 0 when nothing was lost.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outfile = join(root, 'out', 'crash', 'crashBench.cjs');
mkdirSync(dirname(outfile), { recursive: true });
await build({
  entryPoints: [join(root, 'bench', 'crashBench.ts')],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  packages: 'external',
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
});
const options = ['--enable-source-maps', '--no-warnings', outfile, ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, options, { cwd: root, stdio: 'inherit' }).status ?? 1;
