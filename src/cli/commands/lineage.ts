import type { LinkResult } from '../../core/operations/linkVersions';
import type { LineageResult, LineageTree } from '../../core/operations/showLineage';
import { defineCommand } from '../command';
import { numberOption } from '../numberOption';
import { oneLine, visible } from '../output/visible';
import { UsageError } from '../usageError';
import { withConfirmation } from './publish';

const usage = ['lineage REF [--depth N]', 'lineage --parent A --child B [--remove]'];
const hint = `Usage: ${usage.map((line) => `datamanager ${line}`).join(' | ')}`;

export const lineageCommand = defineCommand({
  name: 'lineage',
  summary: 'what a version was derived from and what was derived from it; record that',
  usage,
  positionals: ['REF?'],
  options: {
    depth: { type: 'string', value: 'N', help: 'how many levels each way (default: all)' },
    parent: { type: 'string', value: 'REF', help: 'the version that --child was derived from' },
    child: { type: 'string', value: 'REF', help: 'the version that was derived' },
    remove: { type: 'boolean', help: 'take the link away' },
  },
  details: 'A link is recorded in the manifest, in a commit of its own.',
  examples: ['datamanager lineage clean.sqlite', 'datamanager lineage --parent raw.sqlite@v2 --child clean.sqlite@v1'],
  run: async (session, { positionals, globals, values }) => {
    const [reference] = positionals;
    const { parent, child, remove } = values;
    const depth = numberOption('depth', values.depth, hint);
    if (reference !== undefined) {
      if (parent !== undefined || child !== undefined || remove) {
        throw new UsageError('Give either a REF, or --parent and --child.', hint);
      }
      const { showLineage } = await import('../../core/operations/showLineage');
      const result = await showLineage({ repository: await session.repository() }, reference, { depth });
      await (session.output.json
        ? session.output.value(lineageJson(result))
        : session.output.lines(lineageLines(result)));
      return undefined;
    }
    if (parent === undefined || child === undefined) {
      throw new UsageError('A REF is missing, or --parent and --child.', hint);
    }
    const { linkVersions } = await import('../../core/operations/linkVersions');
    const context = await session.context();
    const result = await withConfirmation(session, (yes) =>
      linkVersions(context, {
        parent,
        child,
        remove,
        message: globals.message,
        push: !globals['no-push'],
        yes: yes || globals.yes,
        ...session.monitor,
      }),
    );
    await (session.output.json ? session.output.value(result) : session.output.lines(linkLines(result)));
    return undefined;
  },
});

function lineageJson({ version, parents, children }: LineageResult) {
  const tree = (member: 'parents' | 'children') => {
    const nodes = (branches: readonly LineageTree[]): readonly object[] =>
      branches.map(({ name, version: v, sha256, entry, branches: next }) => ({
        name,
        version: v,
        sha256,
        found: entry !== null,
        [member]: nodes(next),
      }));
    return nodes;
  };
  const { name, version: v, sha256 } = version;
  return {
    version: { name, version: v, sha256 },
    parents: tree('parents')(parents),
    children: tree('children')(children),
  };
}

function lineageLines({ version, parents, children }: LineageResult): readonly string[] {
  return [
    visible(`${version.name}@${version.version}`),
    ...(parents.length === 0 ? ['derived from nothing that is recorded'] : ['derived from', ...treeLines(parents, '')]),
    ...(children.length === 0 ? ['nothing was derived from it'] : ['derived from it', ...treeLines(children, '')]),
  ];
}

function treeLines(nodes: readonly LineageTree[], indent: string): readonly string[] {
  return nodes.flatMap((node, i) => {
    const last = i === nodes.length - 1;
    const label = visible(`${node.name}@${node.version}${node.entry ? '' : ' (not in this catalog)'}`);
    return [`${indent}${last ? '└─' : '├─'} ${label}`, ...treeLines(node.branches, `${indent}${last ? '  ' : '│ '} `)];
  });
}

function linkLines({ status, parent, child, commit, pushed, note }: LinkResult): readonly string[] {
  if (status === 'unchanged') return ['Nothing to do: the manifest says so already.'];
  const what =
    status === 'linked' ? `${child} is derived from ${parent}` : `${child} is no longer derived from ${parent}`;
  const push = pushed ? 'pushed' : (note ?? 'no remote to push to');
  return [visible(what), `  commit  ${(commit ?? '').slice(0, 7)}, ${oneLine(push)}`];
}
