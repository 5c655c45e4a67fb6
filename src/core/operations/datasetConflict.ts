import type { VersionEntry } from '../catalog/manifest';
import type { MergeConflict } from '../catalog/mergeConflict';
import { DataManagerError } from '../errors';
import { commitsTouchingManifest } from '../repo/commitsTouchingManifest';
import { isAncestor } from '../repo/ownCommits';
import { commitChanges } from './commitChanges';
import type { OperationContext } from './context';
import type { RebuildConflict } from './rebuildCommits';

/** One side of a conflict, as `data` of DATASET_CONFLICT has it. */
interface ConflictSide {
  readonly version: string;
  readonly sha256: string;
}

/**
 * The DATASET_CONFLICT error: somebody else published a version of a dataset that we have a new version of too. `data` is
 * `{ name, base, theirs, mine, file, pending }`; `pending` says whether our version waits in this clone or was taken back.
 *
 * @example
 * throw await datasetConflict(context, conflict, { tip: remoteOid, file, pending: false });
 */
export async function datasetConflict(
  context: OperationContext,
  { commit, conflict, path }: RebuildConflict,
  about: { readonly tip: string; readonly file: string | null; readonly pending: boolean },
): Promise<DataManagerError> {
  const { file, pending, tip } = about;
  if (conflict?.kind !== 'same-dataset') {
    const what = conflict === null ? path : whatDiffers(conflict);
    const name = conflict?.dataset ?? null;
    return new DataManagerError('DATASET_CONFLICT', `Somebody else changed ${what} too, in another way than you did.`, {
      hint: pending
        ? `Your commit "${oneLine(commit.message)}" waits here. Keep theirs${name === null ? '' : ` with: datamanager recover --theirs ${name}`}, or bring both together with: git pull --rebase`
        : 'Look at what they did, then run the same command again.',
      data: { name, conflict: conflict?.kind ?? 'file', path, commit: pending ? commit.oid : null, pending },
    });
  }
  const { dataset: name, base, published, mine } = conflict;
  const [theirs, own] = [published[0], mine[0]];
  const who = theirs ? await publisherOf(context, name, theirs, { tip, since: commit.parent }) : '';
  const versions = theirs?.version ?? 'a new version';
  return new DataManagerError('DATASET_CONFLICT', `${name} has got ${versions} in the meantime${who}.`, {
    hint: pending
      ? `Your ${own?.version ?? 'version'} waits here. Put it on top with: datamanager recover --on-top ${name} (or keep theirs: --theirs ${name}; or publish yours on a branch: --branch NAME).`
      : `Look at it with: datamanager diff ${name}@${theirs?.version ?? 'latest'} ${file ?? 'FILE'}. To publish yours on top of it, run the same command again (or with --yes, at once).`,
    data: {
      name,
      base: base && side(base),
      theirs: theirs ? { ...side(theirs), author: theirs.author, timestamp: theirs.timestamp } : null,
      mine: own ? side(own) : null,
      file,
      pending,
    },
  });
}

function side({ version, sha256 }: VersionEntry): ConflictSide {
  return { version, sha256 };
}

function whatDiffers(conflict: Exclude<MergeConflict, { readonly kind: 'same-dataset' }>): string {
  switch (conflict.kind) {
    case 'field':
      return `"${conflict.field}" of ${conflict.dataset}${conflict.version === null ? '' : `@${conflict.version}`}`;
    case 'name-clash':
      return `${conflict.published}, which differs from ${conflict.mine} only in upper and lower case or accents,`;
    default:
      return conflict.dataset;
  }
}

/** ` (Ada Lovelace, 2026-11-21T10:04:00Z: "Revise cost curve")`. */
async function publisherOf(
  { repository, git }: OperationContext,
  name: string,
  entry: VersionEntry,
  { tip, since }: { readonly tip: string; readonly since: string | null },
): Promise<string> {
  const changesOf = commitChanges(repository);
  for await (const touching of commitsTouchingManifest(repository, { from: tip })) {
    const { oid, author, subject } = touching.commit;
    if (since !== null && (await isAncestor({ repo: repository, git }, oid, since))) break;
    const { changes } = await changesOf(touching);
    const added = changes.find((change) => change.name === name)?.added ?? [];
    if (!added.some(({ version }) => version === entry.version)) continue;
    return ` (${author.name}, ${entry.timestamp}: "${subject}")`;
  }
  return entry.author === null ? '' : ` (${entry.author}, ${entry.timestamp})`;
}

function oneLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
