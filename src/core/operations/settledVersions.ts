import type { Manifest } from '../catalog/manifest';
import { parseManifest } from '../catalog/parseManifest';
import type { ResolvedVersion } from '../catalog/reference';
import { readFileAt } from '../repo/readObjects';
import { readHead } from '../repo/readRefs';
import { readGitSettings, remoteNames } from '../repo/remote/gitSettings';
import type { OperationContext } from './context';
import { pendingCommits, pushedUpTo } from './pendingCommits';

type Clone = Pick<OperationContext, 'repository' | 'git'>;

/**
 * The versions of this clone that the next push takes along, as far as it knows: those that wait, and `inFlight`, which has just
 * been committed. Of a branch that the remote hasn't got it is `inFlight` alone: all that lies below would be too much.
 *
 * Throws GIT_FAILED, GIT_MISSING, MANIFEST_INVALID.
 *
 * @example
 * const waiting = await versionsInWaiting(context, { name: 'utopia.sqlite', version: 'v3' });
 */
export async function versionsInWaiting(
  context: Clone,
  inFlight: { readonly name: string; readonly version: string } | null,
): Promise<readonly ResolvedVersion[]> {
  const commits = (await pushedUpTo(context)) === null ? [] : await pendingCommits(context);
  const named = [...commits.flatMap(({ versions }) => versions), ...(inFlight ? [inFlight] : [])];
  if (named.length === 0) return [];
  const { datasets } = await manifestAt(context, (await readHead(context.repository)).oid);
  return datasets.flatMap((dataset) =>
    dataset.history
      .filter(({ version }) => named.some((other) => other.name === dataset.name && other.version === version))
      .map((entry) => ({ dataset, entry })),
  );
}

/**
 * Those of some versions whose number can't change any more, as they are now: the remote has them, or there is none. The others are
 * left out: until a version is pushed, somebody else may take its number.
 *
 * Throws GIT_FAILED, GIT_MISSING, MANIFEST_INVALID.
 *
 * @example
 * const settled = await settledVersions(context, waiting);
 */
export async function settledVersions(
  context: Clone,
  versions: readonly ResolvedVersion[],
): Promise<readonly ResolvedVersion[]> {
  if (versions.length === 0) return [];
  const { datasets } = await settledManifest(context);
  return versions.flatMap(({ dataset: { name }, entry: { version, sha256, timestamp } }) => {
    const dataset = datasets.find((other) => other.name === name);
    // By its time and not its number: that may have changed on the way.
    const same = dataset?.history.filter((entry) => entry.sha256 === sha256 && entry.timestamp === timestamp);
    const entry = same?.find((other) => other.version === version) ?? same?.[0];
    return dataset && entry ? [{ dataset, entry }] : [];
  });
}

async function settledManifest(context: Clone): Promise<Manifest> {
  const upstream = await pushedUpTo(context);
  if (upstream !== null) return manifestAt(context, upstream);
  const { repository, git } = context;
  // On a detached HEAD there is nowhere to push either, but the numbers are those of some branch.
  if (remoteNames(await readGitSettings({ repo: repository, git })).length > 0) return { datasets: [] };
  return manifestAt(context, (await readHead(repository)).oid);
}

async function manifestAt({ repository }: Clone, commit: string | null): Promise<Manifest> {
  const bytes = commit === null ? null : await readFileAt(repository, commit, repository.manifestPath);
  if (bytes === null) return { datasets: [] };
  return parseManifest(Buffer.from(bytes).toString('utf8'), repository.manifestPath);
}
