import { argument, defineCommand } from '../command';
import { publish, publishOptions } from './publish';

export const updateCommand = defineCommand({
  name: 'update',
  summary: 'publish a file as the next version of a dataset',
  usage: ['update NAME FILE [--source URL] [--description TEXT] [--parent REF]...'],
  positionals: ['NAME', 'FILE'],
  options: publishOptions,
  details:
    'The same bytes as the newest version are "unchanged": nothing is sent or committed, and the exit code is 0.',
  examples: ['datamanager update utopia.sqlite ./utopia.sqlite -m "Revise the cost curve"'],
  run: async (session, args) => {
    const { updateDataset } = await import('../../core/operations/updateDataset');
    const name = argument(args.positionals, 0);
    await publish(session, argument(args.positionals, 1), args, (context, options) =>
      updateDataset(context, name, options),
    );
    return undefined;
  },
});
