import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { conflictText } from '../catalog/conflictText';
import type { Manifest } from '../catalog/manifest';
import type { MergeConflict } from '../catalog/mergeConflict';
import { type ManifestMerge, mergeManifests } from '../catalog/mergeManifests';
import { parseManifest } from '../catalog/parseManifest';
import { writeManifest } from '../catalog/writeManifest';
import { DataManagerError } from '../errors';
import { type DriverSide, publishedSide, remoteTexts } from './mergeDriverSide';
import type { GitProgram } from './repository';
import { runGit } from './runGit';

/** The three files that Git hands to a merge driver (gitattributes(5), "Defining a custom merge driver"). */
export interface MergeDriverOptions {
  readonly git: GitProgram;
  /** Top of the work tree, where Git runs a driver. */
  readonly cwd: string;
  /** Git's %O: empty when both sides added the file. */
  readonly base: string;
  /** Git's %A: read, then overwritten by the result. */
  readonly ours: string;
  /** Git's %B. */
  readonly theirs: string;
  /** Git's %P: where the file is in the repository. */
  readonly path: string;
}

export interface MergeDriverResult {
  /** False leaves conflict markers in `ours`. */
  readonly clean: boolean;
  /** What a person has to decide; empty after a textual merge. */
  readonly conflicts: readonly MergeConflict[];
  /** Set when a side is no manifest, so that the lines were merged as Git does: why. */
  readonly textual: string | null;
  readonly published: DriverSide;
}

/**
 * Merges what Git can't: a manifest by meaning, and a stored `.diff`, which has no middle, by keeping the published one. A manifest
 * with conflicts gets markers around the versions and members in question only; new versions of mine stand there as they would follow
 * the published ones, so that keeping them needs no editing.
 *
 * A version that gets another number loses its stored `.diff`: it was called after the old one, and can be made at any time.
 *
 * Throws GIT_MISSING, GIT_FAILED, and system errors for files that can't be read or written.
 *
 * @example
 * const { clean } = await runMergeDriver({ git, cwd, base: '.merge_file_a', ours: '.merge_file_b', theirs: '.merge_file_c', path: 'manifest.json' });
 */
export async function runMergeDriver(options: MergeDriverOptions): Promise<MergeDriverResult> {
  if (options.path.endsWith('.diff')) return keepPublished(options);
  let sides: { readonly base: Manifest; readonly ours: Manifest; readonly theirs: Manifest };
  try {
    const [base, ours, theirs] = await Promise.all([
      readManifest(options.base),
      readManifest(options.ours),
      readManifest(options.theirs),
    ]);
    sides = { base, ours, theirs };
  } catch (error) {
    if (DataManagerError.is(error, 'MANIFEST_INVALID')) return mergeLines(options, error.message);
    throw error;
  }
  const published = publishedSide(sides, await remoteTexts(options));
  const swapped = published === 'theirs';
  const roles = {
    base: sides.base,
    published: swapped ? sides.theirs : sides.ours,
    mine: swapped ? sides.ours : sides.theirs,
  };
  const merge = mergeManifests(roles, { sameDataset: 'stop' });
  const clean = merge.conflicts.length === 0;
  if (clean) await writeFile(options.ours, writeManifest(withoutDiffs(merge)));
  else {
    const theirs = { manifest: withoutDiffs(merge), label: `${swapped ? 'theirs' : 'ours'} (published)` };
    const onTop = withoutDiffs(mergeManifests(roles, { sameDataset: 'on-top', take: 'mine' }));
    const mine = { manifest: onTop, label: `${swapped ? 'ours' : 'theirs'} (not published yet)` };
    await writeFile(options.ours, swapped ? conflictText(mine, theirs) : conflictText(theirs, mine));
  }
  return { clean, conflicts: merge.conflicts, textual: null, published };
}

function withoutDiffs({ manifest, renumbered }: ManifestMerge): Manifest {
  const moved = new Set(renumbered.map(({ name, to }) => `${to} ${name}`));
  if (moved.size === 0) return manifest;
  return {
    datasets: manifest.datasets.map((dataset) => {
      const [newest, ...others] = dataset.history.map((entry) =>
        moved.has(`${entry.version} ${dataset.name}`)
          ? { ...entry, diffFromPrevious: null, json: { ...entry.json, diffFromPrevious: null } }
          : entry,
      );
      return newest ? { ...dataset, history: [newest, ...others] } : dataset;
    }),
  };
}

/** Git's own merge. Its exit code counts the conflicts (git-merge-file(1)). */
async function mergeLines(
  { git, cwd, base, ours, theirs }: MergeDriverOptions,
  why: string,
): Promise<MergeDriverResult> {
  const [a, o, b] = [ours, base, theirs].map((file) => path.resolve(cwd, file));
  const labels = ['-L', 'ours', '-L', 'base', '-L', 'theirs'];
  const okCodes = Array.from({ length: 128 }, (_, i) => i);
  const { code } = await runGit(git, ['merge-file', ...labels, a ?? '', o ?? '', b ?? ''], { cwd, okCodes });
  return { clean: code === 0, conflicts: [], textual: why, published: 'ours' };
}

async function keepPublished(options: MergeDriverOptions): Promise<MergeDriverResult> {
  const [ours, theirs] = await Promise.all([readFile(options.ours, 'utf8'), readFile(options.theirs, 'utf8')]);
  const remote = new Set(await remoteTexts(options));
  const published = remote.has(theirs) && !remote.has(ours) ? 'theirs' : 'ours';
  if (published === 'theirs') await writeFile(options.ours, theirs);
  return { clean: true, conflicts: [], textual: null, published };
}

async function readManifest(file: string): Promise<Manifest> {
  const bytes = await readFile(file);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DataManagerError('MANIFEST_INVALID', 'A side of the merge is not UTF-8 text.', { cause });
  }
  return text === '' ? { datasets: [] } : parseManifest(text);
}
