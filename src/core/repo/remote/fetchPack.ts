import { createHash } from 'node:crypto';
import { indexPack } from 'isomorphic-git';
import { readCommit } from '../readObjects';
import type { Repository } from '../repository';
import { shallowBoundary, walkCommits } from '../walkCommits';
import { FLUSH, pktLine, pktLines } from './pktLine';
import type { receivedFiles } from './receivedFiles';

/** Commits that we name, newest first, so that the server leaves out what we have. Enough for any clone that is not long out of touch. */
const MAX_HAVES = 256;
const PACK_HASH_BYTES = 20;
const EMPTY_PACK_BYTES = 32;

/**
 * The body of a request for one commit and all that it needs, in one round (git: Documentation/gitprotocol-pack, "Packfile
 * Negotiation"; without multi_ack the answer is one ACK or NAK, then the pack).
 *
 * @example
 * const request = await packRequest(repo, tip, [trackingTip, head]);
 */
export async function packRequest(repo: Repository, want: string, known: readonly string[]): Promise<Buffer> {
  const haves = new Set<string>();
  for (const from of known) {
    const share = haves.size + MAX_HAVES / known.length;
    for await (const { oid } of walkCommits(repo, from, (at) => readCommit(repo, at))) {
      if (haves.size >= share) break;
      haves.add(oid);
    }
  }
  const capabilities = 'side-band-64k ofs-delta no-progress agent=datamanager';
  const cut = [...(await shallowBoundary(repo))].map((oid) => pktLine(`shallow ${oid}\n`));
  const have = [...haves].map((oid) => pktLine(`have ${oid}\n`));
  return Buffer.from([pktLine(`want ${want} ${capabilities}\n`), ...cut, FLUSH, ...have, pktLine('done\n')].join(''));
}

/**
 * Keeps the pack of an answer to `packRequest`, with its index, in the repository: each reaches the disk whole or not at all.
 *
 * Throws Error with the server's words when it sent none, or a damaged one.
 *
 * @example
 * await keepPack(repo, receivedFiles(repo), answer.body);
 */
export async function keepPack(
  repo: Repository,
  files: ReturnType<typeof receivedFiles>,
  answer: Buffer,
): Promise<void> {
  const parts: Buffer[] = [];
  for (const line of pktLines(answer)) {
    if (line === null || /^(ACK|NAK|shallow|unshallow)\b/.test(line.toString('latin1', 0, 9))) continue;
    const text = (from: number): string => line.toString('utf8', from).trim();
    if (line[0] === 1) parts.push(line.subarray(1));
    else if (line[0] === 3 || line.toString('latin1', 0, 4) === 'ERR ') throw new Error(text(line[0] === 3 ? 1 : 4));
  }
  const pack = Buffer.concat(parts);
  const hash = createHash('sha1').update(pack.subarray(0, -PACK_HASH_BYTES)).digest();
  if (pack.length < EMPTY_PACK_BYTES || !hash.equals(pack.subarray(-PACK_HASH_BYTES))) {
    throw new Error('The server sent a damaged pack.');
  }
  if (pack.length === EMPTY_PACK_BYTES) return;
  const { fs } = files;
  const filepath = `objects/pack/pack-${hash.toString('hex')}.pack`;
  await fs.promises.writeFile(`${repo.commonDir}/${filepath}`, pack);
  await indexPack({ fs, dir: repo.commonDir, gitdir: repo.commonDir, filepath, cache: repo.objectCache });
  files.forget();
}
