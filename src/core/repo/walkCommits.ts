import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, throwIfCancelled } from '../errors';
import type { Repository } from './repository';

/** The part of a commit that a walk needs. */
export interface CommitNode {
  readonly oid: string;
  readonly parents: readonly string[];
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** Commits at which a shallow clone was cut: their parents are named but not here. */
export async function shallowBoundary(repo: Repository): Promise<ReadonlySet<string>> {
  try {
    return new Set((await readFile(join(repo.commonDir, 'shallow'), 'utf8')).split('\n').filter((line) => line !== ''));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return new Set();
    throw error;
  }
}

/** A binary heap: newest first; of equal age, the one that was found first (as `git log` orders them). */
export class NewestFirst<T extends CommitNode> {
  private readonly heap: { readonly node: T; readonly order: number }[] = [];
  private pushed = 0;

  private before(i: number, j: number): boolean {
    const a = this.heap[i];
    const b = this.heap[j];
    if (!a || !b) return a !== undefined;
    return a.node.timestamp === b.node.timestamp ? a.order < b.order : a.node.timestamp > b.node.timestamp;
  }

  private swap(i: number, j: number): void {
    const a = this.heap[i];
    const b = this.heap[j];
    if (!a || !b) return;
    this.heap[i] = b;
    this.heap[j] = a;
  }

  some(test: (node: T) => boolean): boolean {
    return this.heap.some(({ node }) => test(node));
  }

  push(node: T): void {
    let i = this.heap.push({ node, order: this.pushed++ }) - 1;
    for (let parent = (i - 1) >> 1; i > 0 && this.before(i, parent); parent = (i - 1) >> 1) {
      this.swap(i, parent);
      i = parent;
    }
  }

  pop(): T | undefined {
    this.swap(0, this.heap.length - 1);
    const top = this.heap.pop();
    for (let i = 0; ; ) {
      const left = 2 * i + 1;
      const first = this.before(left + 1, left) ? left + 1 : left;
      if (!this.before(first, i)) return top?.node;
      this.swap(first, i);
      i = first;
    }
  }
}

/**
 * Every commit reachable from one, newest first by commit time, each once: the order of `git log`. Reads only as far as it is
 * consumed, through `read`, so that a caller can put a cache in front. Stops at the cut of a shallow clone.
 */
export async function* walkCommits<T extends CommitNode>(
  repo: Repository,
  from: string,
  read: (oid: string) => Promise<T>,
  signal?: AbortSignal,
): AsyncGenerator<T> {
  const cut = await shallowBoundary(repo);
  const waiting = new NewestFirst<T>();
  const seen = new Set([from]);
  waiting.push(await read(from));
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    throwIfCancelled(signal);
    yield node;
    if (cut.has(node.oid)) continue;
    for (const parent of node.parents) {
      if (seen.has(parent)) continue;
      seen.add(parent);
      waiting.push(await read(parent));
    }
  }
}
