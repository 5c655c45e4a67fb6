import { compareHistories } from '../catalog/compareHistories';
import type { Manifest } from '../catalog/manifest';
import { sameBytes } from '../catalog/pairVersions';
import { parseManifest } from '../catalog/parseManifest';
import { DataManagerError } from '../errors';
import type { GitProgram } from './repository';
import { runGit } from './runGit';

/** `ours` is Git's %A, `theirs` its %B. */
export type DriverSide = 'ours' | 'theirs';

export interface RemoteFiles {
  readonly git: GitProgram;
  /** Top of the work tree. */
  readonly cwd: string;
  /** From there, with `/`. */
  readonly path: string;
}

/** The newest branches say what has been published; hundreds of old ones would only cost time. */
const maxBranches = 50;
const maxTexts = 10;

/**
 * What the remote-tracking branches hold at a path: each text once, the one committed last first. Empty outside a repository.
 *
 * @example
 * const texts = await remoteTexts({ git, cwd: repo.root, path: 'manifest.json' });
 */
export async function remoteTexts({ git, cwd, path }: RemoteFiles): Promise<readonly string[]> {
  const run = async (args: readonly string[], input?: string): Promise<string> =>
    (await runGit(git, args, { cwd, input })).stdout.toString('utf8');
  try {
    const list = ['for-each-ref', '--sort=-committerdate', `--count=${maxBranches}`, '--format=%(objectname)'];
    const commits = (await run([...list, 'refs/remotes'])).split('\n').filter(Boolean);
    if (commits.length === 0 || path.includes('\n')) return [];
    const objects = await run(['cat-file', '--batch-check'], commits.map((commit) => `${commit}:${path}\n`).join(''));
    const blobs = objects.split('\n').flatMap((line) => /^([0-9a-f]+) blob /.exec(line)?.[1] ?? []);
    const texts: string[] = [];
    for (const blob of [...new Set(blobs)].slice(0, maxTexts)) texts.push(await run(['cat-file', 'blob', blob]));
    return texts;
  } catch (error) {
    if (DataManagerError.is(error, 'GIT_FAILED')) return [];
    throw error;
  }
}

/**
 * Which side of a merge is published, and so keeps its version numbers: the one whose new versions are all on a remote-tracking
 * branch, when the other's are not. `git merge origin/main` has them in `theirs`, `git rebase` in `ours`. When that says
 * nothing it is `ours`: the side that is there already.
 *
 * @example
 * publishedSide({ base, ours, theirs }, await remoteTexts({ git, cwd, path: 'manifest.json' })); // 'theirs'
 */
export function publishedSide(
  sides: { readonly base: Manifest; readonly ours: Manifest; readonly theirs: Manifest },
  remote: readonly string[],
): DriverSide {
  const ours = newVersions(sides.base, sides.ours);
  const theirs = newVersions(sides.base, sides.theirs);
  const published = new Set<string>();
  for (const manifest of remote.flatMap(readable)) {
    for (const { name, history } of manifest.datasets) {
      for (const entry of history) published.add(`${name} ${entry.version} ${sameBytes(entry)}`);
    }
  }
  const all = (ids: readonly string[]): boolean => ids.every((id) => published.has(id));
  return all(theirs) && !all(ours) ? 'theirs' : 'ours';
}

function newVersions(base: Manifest, side: Manifest): readonly string[] {
  const before = new Map(base.datasets.map((dataset) => [dataset.name, dataset]));
  return side.datasets.flatMap((dataset) => {
    const known = before.get(dataset.name) ?? null;
    if (known?.json === dataset.json) return [];
    const { baseOf } = compareHistories({ base: known, published: dataset, mine: dataset });
    return dataset.history
      .filter((entry) => !baseOf.has(entry))
      .map((entry) => `${dataset.name} ${entry.version} ${sameBytes(entry)}`);
  });
}

function readable(text: string): readonly Manifest[] {
  try {
    return [parseManifest(text)];
  } catch (error) {
    if (DataManagerError.is(error, 'MANIFEST_INVALID')) return [];
    throw error;
  }
}
