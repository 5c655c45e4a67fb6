import { parseManifest } from '../../../src/core/catalog/parseManifest';
import type { LocalState } from '../../../src/core/repo/localCopies';
import { type RepositoryState, versionKey } from '../../../src/extension/repositoryState';
import type { Words } from '../../../src/extension/ui/words';

/** English, at a fixed time. */
export const words: Words = {
  l10n: { t: (message, ...args) => message.replace(/\{(\d)\}/g, (_, i: string) => String(args[Number(i)])) },
  language: 'en',
  now: Date.parse('2026-03-01T00:00:00Z'),
};

export function sha(seed: number): string {
  return seed.toString(16).padStart(64, '0');
}

/** An entry of a manifest as it is written in the file. */
export function entry(number: number, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    version: `v${number}`,
    timestamp: '2026-02-27T00:00:00Z',
    sha256: sha(number),
    r2_object_key: `utopia/${sha(number)}.sqlite`,
    diffFromPrevious: null,
    commit: null,
    size: 1_234_567,
    ...more,
  };
}

/** A repository whose manifest holds these datasets. */
export function repositoryState(
  datasets: readonly Record<string, unknown>[],
  copies: readonly Pick<LocalState, 'name' | 'version' | 'sha256' | 'state'>[] = [],
  folder = '/data/energy',
): RepositoryState {
  const manifest = parseManifest(JSON.stringify(datasets), 'manifest.json');
  const groups = new Map<string, LocalState[]>();
  for (const copy of copies) {
    const key = versionKey(copy.name, copy.sha256);
    groups.set(key, [...(groups.get(key) ?? []), { ...copy, path: `/data/${copy.name}`, size: 1, mtimeMs: 1 }]);
  }
  const parents = manifest.datasets.flatMap(({ history }) => history.flatMap((version) => version.parents));
  return {
    folder,
    label: folder.split('/').at(-1) ?? '',
    repository: { root: folder, gitDir: '', commonDir: '', manifestPath: 'manifest.json', objectCache: {} },
    content: {
      problem: null,
      manifest,
      settings: { store: null, diff: { maxLines: 500 }, transfer: { deltaFirst: false }, publicUrl: null },
      copies: groups,
      parentsOfSome: new Set(parents.map(({ name, sha256 }) => versionKey(name, sha256))),
    },
  };
}
