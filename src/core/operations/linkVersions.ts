import { setParents } from '../catalog/editManifest';
import { readCatalog } from '../catalog/readCatalog';
import { parseReference, resolveReference } from '../catalog/reference';
import { writeManifest } from '../catalog/writeManifest';
import { DataManagerError } from '../errors';
import { edgeTo, lineagePath } from '../lineage/lineage';
import type { Monitor } from '../progress';
import { commitPaths } from '../repo/commitPaths';
import { withTransactionLock } from '../transaction/transactionLock';
import type { OperationContext } from './context';
import { describeVersions } from './describeVersions';
import { prepareBranch, pushCommits } from './publishBranch';
import { recoverTransactions } from './recoverTransactions';
import { retryWhenMoved } from './retryWhenMoved';

export interface LinkOptions extends Monitor {
  readonly parent: string;
  readonly child: string;
  /** Takes the edge away instead. */
  readonly remove?: boolean | undefined;
  readonly message?: string | undefined;
  readonly push?: boolean | undefined;
  readonly yes?: boolean | undefined;
}

export interface LinkResult {
  readonly status: 'linked' | 'unlinked' | 'unchanged';
  readonly parent: string;
  readonly child: string;
  readonly commit: string | null;
  readonly pushed: boolean;
  readonly note: string | null;
}

/**
 * Records (or takes away) that one version was derived from another, as a commit of its own. An edge that is there already,
 * or not there when it is to be removed, is `unchanged`.
 *
 * Throws the errors of references and Git, and LINEAGE_CYCLE with the path for an edge that would close a circle.
 *
 * @example
 * await linkVersions(context, { parent: 'raw.sqlite@v2', child: 'clean.sqlite@v1' });
 */
export async function linkVersions(context: OperationContext, options: LinkOptions): Promise<LinkResult> {
  const { repository, lockWaitMs } = context;
  const { signal, onProgress } = options;
  await recoverTransactions(context, options);
  const doing = `records what ${options.child} was derived from`;
  const lock = { doing, waitMs: lockWaitMs, signal, onProgress };
  const { link, commit, push } = await withTransactionLock(repository, lock, async () => {
    const branch = await retryWhenMoved(() => prepareBranch(context, options), signal);
    const { link, commit } = await retryWhenMoved(() => commitLink(context, options), signal);
    if (commit === null) return { link, commit, push: null };
    const first = { commit, ...link.child, file: null };
    return { link, commit, push: await pushCommits(context, first, { ...options, ...branch }) };
  });
  if (push === null) return { status: 'unchanged', ...link.labels, commit, pushed: false, note: null };
  await describeVersions(context, push.settled, { signal });
  const { pushed, note, inFlight } = push;
  const now = inFlight?.commit ?? commit;
  return { status: options.remove ? 'unlinked' : 'linked', ...link.labels, commit: now, pushed, note };
}

interface Link {
  readonly labels: { readonly parent: string; readonly child: string };
  readonly child: { readonly name: string; readonly version: string };
}

/** On top of the catalog as it is now; `commit` is null when there was nothing to change. */
async function commitLink(
  { repository, git }: OperationContext,
  options: LinkOptions,
): Promise<{ readonly link: Link; readonly commit: string | null }> {
  const { manifest, manifestText } = await readCatalog(repository);
  const parent = resolveReference(manifest, parseReference(options.parent));
  const child = resolveReference(manifest, parseReference(options.child));
  const labels = {
    parent: `${parent.dataset.name}@${parent.entry.version}`,
    child: `${child.dataset.name}@${child.entry.version}`,
  };
  const link = { labels, child: { name: child.dataset.name, version: child.entry.version } };
  const edge = edgeTo(parent);
  const others = child.entry.parents.filter((other) => other.name !== edge.name || other.sha256 !== edge.sha256);
  const linked = others.length < child.entry.parents.length;
  if (linked === !options.remove) return { link, commit: null };
  const circle = options.remove ? null : lineagePath(manifest, child, parent);
  if (circle) {
    throw new DataManagerError(
      'LINEAGE_CYCLE',
      `${labels.child} can't come from ${labels.parent}: that closes a circle.`,
      {
        hint: `The way back is ${circle.join(' -> ')}.`,
        data: { path: circle },
      },
    );
  }
  const next = setParents(manifest, child, options.remove ? others : [...others, edge]);
  const { commit } = await commitPaths({
    repo: repository,
    git,
    changes: [{ path: repository.manifestPath, content: writeManifest(next), base: manifestText }],
    message:
      options.message ??
      `${options.remove ? 'Unlink' : 'Link'} ${labels.child} ${options.remove ? 'from' : 'to'} ${labels.parent}`,
    signal: options.signal,
  });
  return { link, commit };
}
