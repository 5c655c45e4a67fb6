import { defineCommand } from '../command';
import { visible } from '../output/visible';
import { movedText } from './publish';

export const materializeCommand = defineCommand({
  name: 'materialize',
  summary: 'make whole the versions that were published as changes only',
  usage: ['materialize [NAME]'],
  positionals: ['NAME?'],
  details: [
    'With "transfer": {"deltaFirst": true} in .datamanager.json a publish sends only what changed, and others build the version from',
    'the one before. This command uploads such versions as whole objects, so that anyone can download them by their address. It may',
    'run anywhere, as in a CI job after each push; a version that is whole is left alone. Where the .meta.json beside an object is',
    'missing, as after a push by hand, it is written.',
  ].join('\n'),
  examples: ['datamanager materialize', 'datamanager materialize energy/utopia.sqlite --json'],
  run: async (session, { positionals }) => {
    const { materializeVersions } = await import('../../core/operations/materializeVersions');
    const made = await materializeVersions(await session.context(), positionals[0] ?? null, session.monitor);
    if (session.output.json) await session.output.value(made);
    else if (made.length === 0) await session.output.lines(['Every version is whole already.']);
    else {
      await session.output.lines(
        made.map(({ name, version, ...moved }) => visible(`${name}@${version} is whole now (${movedText(moved)})`)),
      );
    }
    return undefined;
  },
});
