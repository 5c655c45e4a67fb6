import fs from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Errors, expandOid } from 'isomorphic-git';
import { DataManagerError, systemCode } from '../errors';
import { readRawObject } from './readObjects';
import type { Repository } from './repository';

export interface Head {
  /** Branch that is checked out, without `refs/heads/`; null when HEAD is detached. */
  readonly branch: string | null;
  /** Commit; null on a branch without one yet. */
  readonly oid: string | null;
}

export interface Ref {
  /** `main`, `origin/main`, `v1.0`. */
  readonly name: string;
  /** The commit that it leads to; annotated tags are followed. */
  readonly oid: string;
}

export interface Refs {
  readonly branches: readonly Ref[];
  readonly remoteBranches: readonly Ref[];
  readonly tags: readonly Ref[];
}

const OID = /^[0-9a-f]{40}$/;

async function looseRefs(dir: string, prefix: string, into: Map<string, string>): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const name = `${prefix}/${entry.name}`;
    if (entry.isDirectory()) await looseRefs(join(dir, entry.name), name, into);
    else if (!entry.name.endsWith('.lock')) {
      const text = await readFile(join(dir, entry.name), 'utf8').catch(() => '');
      into.set(name, text.trim());
    }
  }
}

/** Every ref to what it says: an id, or `ref: other`. Loose before packed: `git pack-refs` writes packed before it prunes. */
async function readAllRefs(repo: Repository): Promise<ReadonlyMap<string, string>> {
  const loose = new Map<string, string>();
  await looseRefs(join(repo.commonDir, 'refs'), 'refs', loose);
  const packed = await readFile(join(repo.commonDir, 'packed-refs'), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  });
  const refs = new Map<string, string>();
  for (const line of packed.split('\n')) {
    if (/^[0-9a-f]{40} refs\//.test(line)) refs.set(line.slice(41).trimEnd(), line.slice(0, 40));
  }
  for (const [name, value] of loose) refs.set(name, value);
  return refs;
}

function follow(refs: ReadonlyMap<string, string>, name: string): string | null {
  let value = refs.get(name);
  for (let depth = 0; depth < 5 && value?.startsWith('ref: '); depth++) value = refs.get(value.slice(5));
  return value !== undefined && OID.test(value) ? value : null;
}

/** Follows annotated tags; null when what is at the end is not a commit of this clone. */
async function peel(repo: Repository, oid: string): Promise<string | null> {
  let at = oid;
  for (let depth = 0; depth < 10; depth++) {
    const found = await readRawObject(repo, at);
    if (found?.type === 'commit') return at;
    const target =
      found?.type === 'tag' ? /^object ([0-9a-f]{40})$/m.exec(found.bytes.toString('utf8'))?.[1] : undefined;
    if (target === undefined) return null;
    at = target;
  }
  return null;
}

/**
 * What is checked out in this work tree.
 *
 * @example
 * const { branch, oid } = await readHead(repo);
 */
export async function readHead(repo: Repository): Promise<Head> {
  const text = (await readFile(join(repo.gitDir, 'HEAD'), 'utf8')).trim();
  if (OID.test(text)) return { branch: null, oid: text };
  const name = text.replace(/^ref:\s*/, '');
  return { branch: name.replace(/^refs\/heads\//, ''), oid: follow(await readAllRefs(repo), name) };
}

/**
 * Branches, remote branches (without the alias `origin/HEAD`) and tags, each by name. Tags that lead to no commit are left out.
 *
 * @example
 * for (const branch of (await listRefs(repo)).branches) show(branch.name, branch.oid);
 */
export async function listRefs(repo: Repository): Promise<Refs> {
  const refs = await readAllRefs(repo);
  const under = (prefix: string): Ref[] =>
    [...refs.keys()]
      .filter((name) => name.startsWith(prefix) && !(prefix === 'refs/remotes/' && name.endsWith('/HEAD')))
      .sort()
      .flatMap((name) => {
        const oid = follow(refs, name);
        return oid === null ? [] : [{ name: name.slice(prefix.length), oid }];
      });
  const tags: Ref[] = [];
  for (const tag of under('refs/tags/')) {
    const oid = await peel(repo, tag.oid);
    if (oid !== null) tags.push({ name: tag.name, oid });
  }
  return { branches: under('refs/heads/'), remoteBranches: under('refs/remotes/'), tags };
}

/**
 * Full id of the commit that a person named: `HEAD`, a branch, a tag, a remote branch, or 4 or more hex digits. A name wins over
 * digits, in the order of gitrevisions(7). Throws COMMIT_NOT_FOUND, also when the digits fit several commits.
 *
 * @example
 * const oid = await resolveCommit(repo, 'v1.0');
 */
export async function resolveCommit(repo: Repository, refOrPrefix: string): Promise<string> {
  const missing = (message: string): DataManagerError =>
    new DataManagerError('COMMIT_NOT_FOUND', message, {
      hint: 'Give a branch, a tag, or the first digits of a commit.',
      data: { ref: refOrPrefix },
    });
  const digits = refOrPrefix.toLowerCase();
  const named = await resolveName(repo, refOrPrefix);
  const candidates =
    named !== null ? [named] : /^[0-9a-f]{4,40}$/.test(digits) ? await objectsBeginning(repo, digits) : [];
  const commits = new Set<string>();
  for (const candidate of candidates) {
    const commit = await peel(repo, candidate);
    if (commit !== null) commits.add(commit);
  }
  if (commits.size > 1) throw missing(`More than one commit begins with "${refOrPrefix}".`);
  const [commit] = commits;
  if (commit === undefined) throw missing(`There is no commit "${refOrPrefix}" in this clone.`);
  return commit;
}

async function objectsBeginning(repo: Repository, digits: string): Promise<readonly string[]> {
  if (digits.length === 40) return [digits];
  try {
    return [await expandOid({ fs, gitdir: repo.commonDir, cache: repo.objectCache, oid: digits })];
  } catch (error) {
    if (error instanceof Errors.AmbiguousError) return error.data.matches;
    if (error instanceof Errors.NotFoundError) return [];
    throw error;
  }
}

async function resolveName(repo: Repository, name: string): Promise<string | null> {
  if (name === 'HEAD' || name === '@') return (await readHead(repo)).oid;
  const refs = await readAllRefs(repo);
  for (const prefix of ['', 'refs/', 'refs/tags/', 'refs/heads/', 'refs/remotes/']) {
    const oid = follow(refs, prefix + name);
    if (oid !== null) return oid;
  }
  return follow(refs, `refs/remotes/${name}/HEAD`);
}
