import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DataManagerError } from '../errors';
import type { GitProgram, Repository } from './repository';
import { runGit } from './runGit';

/** With one of these, git stores other bytes than the file has, and we can't know which. */
const FILTERS = ['filter', 'working-tree-encoding'];
/** With one of these, the file may differ from what is stored by line ends and keywords only. */
const CONVERSIONS = ['text', 'crlf', 'eol', 'ident'];

/**
 * Whether git may check the files at these paths out with other line ends than it stores. A filter such as LFS is refused: we store
 * bytes as they are, and git would show a file of ours as changed for ever. Without a git program, any attribute file that
 * might say so is refused.
 *
 * Throws REPOSITORY_UNSUPPORTED, GIT_FAILED, CANCELLED.
 *
 * @example
 * if (await convertsPaths(repo, git, ['manifest.json'])) compareWithGit();
 */
export async function convertsPaths(
  repo: Repository,
  git: GitProgram,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<boolean> {
  let converts = false;
  for (const { path, attribute, value } of await attributesOf(repo, git, paths, signal)) {
    if (['unspecified', 'unset', ''].includes(value)) continue;
    if (CONVERSIONS.includes(attribute)) converts = true;
    else {
      throw new DataManagerError('REPOSITORY_UNSUPPORTED', `.gitattributes sets ${attribute}=${value} on ${path}.`, {
        hint: `Take it off for this file: add "${path} -${attribute}" to .gitattributes.`,
        data: { path, attribute, value },
      });
    }
  }
  return converts;
}

interface Attribute {
  readonly path: string;
  readonly attribute: string;
  readonly value: string;
}

async function attributesOf(
  repo: Repository,
  git: GitProgram,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Attribute[]> {
  const args = ['check-attr', '--stdin', '-z', ...FILTERS, ...CONVERSIONS];
  const input = paths.map((path) => `${path}\0`).join('');
  try {
    const { stdout } = await runGit(git, args, { cwd: repo.root, input, signal });
    const fields = stdout.toString('utf8').split('\0');
    const attributes: Attribute[] = [];
    for (let i = 0; i + 2 < fields.length; i += 3) {
      attributes.push({ path: fields[i] ?? '', attribute: fields[i + 1] ?? '', value: fields[i + 2] ?? '' });
    }
    return attributes;
  } catch (error) {
    if (!DataManagerError.is(error, 'GIT_MISSING')) throw error;
    await refuseAttributeFiles(repo, paths, error);
    return [];
  }
}

async function refuseAttributeFiles(
  repo: Repository,
  paths: readonly string[],
  missing: DataManagerError,
): Promise<void> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let at = dirname(path); !folders.has(at); at = dirname(at)) folders.add(at);
  }
  const files = [...folders].map((folder) => join(repo.root, folder, '.gitattributes'));
  for (const file of [...files, join(repo.commonDir, 'info', 'attributes')]) {
    const text = await readFile(file, 'latin1').catch(() => '');
    if (!/\b(filter|working-tree-encoding|text|crlf|eol|ident)\b|^\[attr\]/m.test(text)) continue;
    throw new DataManagerError('GIT_MISSING', `${file} changes how files are stored, which takes a Git program.`, {
      hint: missing.hint ?? 'Install Git.',
      data: missing.data,
      cause: missing,
    });
  }
}
