import { argument, defineCommand } from '../command';
import { publish, publishOptions } from './publish';

export const createCommand = defineCommand({
  name: 'create',
  summary: 'publish a file as v1 of a new dataset',
  usage: ['create NAME FILE [--source URL] [--description TEXT] [--parent REF]...'],
  positionals: ['NAME', 'FILE'],
  options: publishOptions,
  details:
    'NAME may have folders: energy/utopia.sqlite. The file is uploaded, then the manifest is committed and pushed.',
  examples: [
    'datamanager create utopia.sqlite ./utopia.sqlite -m "First import"',
    'datamanager create energy/utopia.sqlite data.sqlite --source https://example.org/utopia',
  ],
  run: async (session, args) => {
    const { createDataset } = await import('../../core/operations/createDataset');
    const name = argument(args.positionals, 0);
    await publish(session, argument(args.positionals, 1), args, (context, options) =>
      createDataset(context, name, options),
    );
    return undefined;
  },
});
