import { listServerRefs, push as send } from 'isomorphic-git';
import { readRawObject } from '../readObjects';
import { listRefs, readHead } from '../readRefs';
import type { Repository } from '../repository';
import { shallowBoundary } from '../walkCommits';
import { keepPack, packRequest } from './fetchPack';
import type { GitRemote } from './gitRemote';
import { exchange, type Line, type LineOptions } from './httpLine';
import { moveTrackingBranch } from './lockedFiles';
import { receivedFiles } from './receivedFiles';
import { refusal } from './refusal';
import { showable } from './serverText';

export interface HttpsRemoteOptions extends LineOptions {
  readonly repo: Repository;
  /** `origin`. */
  readonly remote: string;
  readonly fetchUrl: string;
  readonly pushUrl: string;
}

/**
 * A remote over HTTPS without a git program. A login is sent only to the host that it is for, over TLS (or to this machine), and
 * never along with a redirect. Runs no hook of this clone.
 *
 * @example
 * const remote = httpsRemote({ repo, remote: 'origin', fetchUrl: url, pushUrl: url, credentials });
 */
export function httpsRemote(options: HttpsRemoteOptions): GitRemote {
  const { repo, remote, fetchUrl, pushUrl } = options;
  const files = receivedFiles(repo);
  const at = { fs: files.fs, gitdir: repo.commonDir, cache: repo.objectCache };

  const tipAt = async (line: Line, branch: string): Promise<string | null> => {
    const ref = `refs/heads/${branch}`;
    const refs = await listServerRefs({ ...line, prefix: ref, protocolVersion: 2 });
    return refs.find((found) => found.ref === ref)?.oid ?? null;
  };

  return {
    kind: 'https',

    async tip(branch, within) {
      const answer = await exchange(options, pushUrl, within, (line) => tipAt(line, branch));
      return 'failure' in answer ? answer.failure : { kind: 'ok', oid: answer.value, ...moved(answer.movedTo) };
    },

    async fetch(branch, within) {
      const answer = await exchange(options, fetchUrl, within, async (line) => {
        const oid = await tipAt(line, branch);
        if (oid === null || (await isHere(repo, oid))) return oid;
        const tracking = (await listRefs(repo)).remoteBranches.find(({ name }) => name === `${remote}/${branch}`);
        const known = [tracking?.oid, (await readHead(repo)).oid].filter((found) => found != null);
        await keepPack(repo, files, await line.post('git-upload-pack', await packRequest(repo, oid, known)));
        return oid;
      });
      if ('failure' in answer) return answer.failure;
      if (answer.value !== null) await moveTrackingBranch(repo, remote, branch, answer.value);
      return { kind: 'ok', oid: answer.value, ...moved(answer.movedTo) };
    },

    async push(commit, branch, within) {
      const said: string[] = [];
      const answer = await exchange(options, pushUrl, within, async (line) => {
        const onMessage = (message: string): void => void said.push(message);
        try {
          await send({ ...at, ...line, ref: commit, remoteRef: `refs/heads/${branch}`, force: false, onMessage });
        } finally {
          // isomorphic-git does not wait for its own messages; all of the answer is here, so one turn brings them.
          await new Promise((done) => setImmediate(done));
        }
      });
      const text = showable(said.join('\n'), answer.secrets);
      if (!('failure' in answer)) {
        await moveTrackingBranch(repo, remote, branch, commit);
        return { kind: 'ok', text, ...moved(answer.movedTo) };
      }
      if (!answer.reported) return { ...answer.failure, text: text || answer.failure.text };
      const refused = refusal(answer.failure.text, text);
      // isomorphic-git does not say that the clone is shallow, so the server misses what lies behind the cut.
      const misses = /missing necessary objects/.test(refused.text) && (await shallowBoundary(repo)).size > 0;
      return misses ? { ...refused, trouble: 'shallow' } : refused;
    },
  };
}

function moved(movedTo: string | undefined): { readonly movedTo?: string } {
  return movedTo === undefined ? {} : { movedTo };
}

async function isHere(repo: Repository, oid: string): Promise<boolean> {
  return (await readRawObject(repo, oid)) !== null;
}
