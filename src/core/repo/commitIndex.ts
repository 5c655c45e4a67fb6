import { createHash } from 'node:crypto';
import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { blobOidInTree, readCommit } from './readObjects';
import type { Repository } from './repository';
import type { CommitNode } from './walkCommits';

/** A commit and the manifest in it. Both are facts that never change, so they can be remembered for ever. */
export interface IndexedCommit extends CommitNode {
  /** Blob id of the manifest; null when the commit has none. */
  readonly manifest: string | null;
}

const FLUSH_AFTER = 2000;
/** `commit seconds manifest|- parent,parent|- .` The full stop shows that the line is whole. */
const LINE = /^([0-9a-f]{40}) (-?\d{1,15}) ([0-9a-f]{40}|-) ((?:[0-9a-f]{40},?)*|-) \.$/;

function parseLine(line: string): IndexedCommit | null {
  const [, oid, seconds, manifest, parents] = LINE.exec(line) ?? [];
  if (oid === undefined || manifest === undefined || parents === undefined) return null;
  return {
    oid,
    timestamp: Number(seconds) * 1000,
    manifest: manifest === '-' ? null : manifest,
    parents: parents === '-' ? [] : parents.split(','),
  };
}

function formatLine({ oid, timestamp, manifest, parents }: IndexedCommit): string {
  return `${oid} ${timestamp / 1000} ${manifest ?? '-'} ${parents.join(',') || '-'} .\n`;
}

/** Each manifest path has a file of its own below the shared Git directory. */
function indexFile(repo: Repository): string {
  const suffix = createHash('sha256').update(repo.manifestPath).digest('hex').slice(0, 8);
  const name = repo.manifestPath === 'manifest.json' ? 'commit-index' : `commit-index-${suffix}`;
  return join(repo.commonDir, 'datamanager', name);
}

/**
 * Remembers which manifest each commit holds, in memory and in an append-only file, so that history is read once. The file is only
 * a cache: torn lines are skipped, and it may be deleted or impossible to write.
 */
export class CommitIndex {
  private constructor(
    private readonly repo: Repository,
    private readonly known: Map<string, IndexedCommit>,
  ) {}

  private unsaved: IndexedCommit[] = [];

  static async load(repo: Repository): Promise<CommitIndex> {
    const known = new Map<string, IndexedCommit>();
    const text = await readFile(indexFile(repo), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      const commit = parseLine(line);
      if (commit) known.set(commit.oid, commit);
    }
    return new CommitIndex(repo, known);
  }

  async read(oid: string): Promise<IndexedCommit> {
    const known = this.known.get(oid);
    if (known) return known;
    const { parents, timestamp, tree } = await readCommit(this.repo, oid);
    const manifest = await blobOidInTree(this.repo, tree, this.repo.manifestPath);
    const commit = { oid, parents, timestamp, manifest };
    this.known.set(oid, commit);
    this.unsaved.push(commit);
    if (this.unsaved.length >= FLUSH_AFTER) await this.save();
    return commit;
  }

  /** Appends what is new. Best effort: a read-only Git directory is fine. */
  async save(): Promise<void> {
    if (this.unsaved.length === 0) return;
    // Begins with a line end, because another process may have died in the middle of its last line.
    const text = `\n${this.unsaved.map(formatLine).join('')}`;
    this.unsaved = [];
    const file = indexFile(this.repo);
    await mkdir(dirname(file), { recursive: true })
      .then(() => appendFile(file, text))
      .catch(() => {});
  }
}
