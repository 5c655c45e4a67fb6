import { appendFile, mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Repository } from './repository';

/**
 * Hides a folder of the work tree from Git on this machine only (`info/exclude`), which no commit has to say and no other
 * clone has to know. Does nothing when it is hidden already.
 *
 * @example
 * await excludeFolder(repo, '.datamanager-store');
 */
export async function excludeFolder(repo: Repository, folder: string): Promise<void> {
  const file = path.join(repo.commonDir, 'info', 'exclude');
  // gitignore(5): a backslash takes a character literally, and trailing spaces need one.
  const line = `/${folder.replace(/[\\*?[\]!#]|\s(?=\s*$)/g, '\\$&')}/`;
  const text = await readFile(file, 'utf8').catch(() => '');
  if (text.split(/\r?\n/).includes(line)) return;
  await mkdir(path.dirname(file), { recursive: true });
  await appendFile(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`);
}
