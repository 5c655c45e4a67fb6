import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

/** A workspace of a hundred thousand folders must not hold up anything: what lies deeper is found when it is opened. */
const maxFolders = 2000;

/** Folders that hold programs' files, never a person's repository. */
const skipped = new Set(['node_modules', 'bower_components', '__pycache__', 'venv']);

/**
 * The folders at and below `root`, at most `depth` levels down, that hold a `manifest.json`; nearest first, each once even
 * when it can be reached through several links.
 */
export async function findManifestFolders(root: string, depth: number): Promise<readonly string[]> {
  const found: string[] = [];
  let level = [root];
  for (let at = 0, visited = 0; at <= depth && level.length > 0; at++) {
    const next: string[] = [];
    for (const folder of level) {
      if (visited++ >= maxFolders) return found;
      if ((await stat(path.join(folder, 'manifest.json')).catch(() => null))?.isFile()) found.push(folder);
      if (at === depth) continue;
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
        if (entry.isDirectory() && !entry.name.startsWith('.') && !skipped.has(entry.name)) {
          next.push(path.join(folder, entry.name));
        }
      }
    }
    level = next;
  }
  return found;
}
