// Packs dist/ into out/datamanager.vsix. What goes in is the allow-list of .vscodeignore.
import { mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { run } from './install.mjs';

const LIMIT_BYTES = 2_000_000;

const root = path.resolve(import.meta.dirname, '..');
const file = path.join(root, 'out/datamanager.vsix');
mkdirSync(path.dirname(file), { recursive: true });
const vsce = [path.join(root, 'node_modules/@vscode/vsce/vsce'), 'package', '--no-dependencies', '--out', file];
// The repository has no public address yet, so links in the README stay as they are.
await run(process.execPath, [...vsce, '--allow-missing-repository', '--no-rewrite-relative-links']);
const { size } = statSync(file);
console.log(`out/datamanager.vsix: ${(size / 1e6).toFixed(2)} MB`);
if (size > LIMIT_BYTES) {
  console.error(`That is more than the ${LIMIT_BYTES / 1e6} MB that we allow ourselves.`);
  process.exitCode = 1;
}
