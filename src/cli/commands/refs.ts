import { defineCommand } from '../command';
import { table } from '../output/table';

export const refsCommand = defineCommand({
  name: 'refs',
  summary: 'branches, remote branches and tags',
  usage: ['refs'],
  examples: ['datamanager refs', 'datamanager refs --json'],
  run: async (session) => {
    const { listRefs, readHead } = await import('../../core/repo/readRefs');
    const repository = await session.repository();
    const [{ branches, remoteBranches, tags }, head] = await Promise.all([listRefs(repository), readHead(repository)]);
    const detached = head.branch === null && head.oid !== null ? [{ name: 'HEAD', oid: head.oid }] : [];
    const refs = [
      ...detached.map((ref) => ({ kind: 'head', ...ref, current: true })),
      ...branches.map((ref) => ({ kind: 'branch', ...ref, current: ref.name === head.branch })),
      ...remoteBranches.map((ref) => ({ kind: 'remote', ...ref, current: false })),
      ...tags.map((ref) => ({ kind: 'tag', ...ref, current: false })),
    ];
    if (session.output.json) await session.output.value(refs);
    else if (refs.length === 0) await session.output.lines(['There is no commit yet.']);
    else {
      const rows = refs.map(({ kind, name, oid, current }) => [current ? '*' : '', kind, name, oid.slice(0, 7)]);
      await session.output.lines(
        table([{ title: '' }, { title: 'KIND' }, { title: 'NAME' }, { title: 'COMMIT' }], rows),
      );
    }
    return undefined;
  },
});
