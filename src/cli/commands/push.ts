import { argument, defineCommand } from '../command';
import { publish, publishOptions } from './publish';

export const pushCommand = defineCommand({
  name: 'push',
  summary: 'publish a file: create its dataset or update it, whichever fits',
  usage: ['push FILE [--name NAME] [--source URL] [--description TEXT] [--parent REF]...'],
  positionals: ['FILE'],
  options: {
    name: { type: 'string', value: 'NAME', help: "the dataset (default: the file's name)" },
    ...publishOptions,
  },
  examples: ['datamanager push utopia.sqlite', 'datamanager push build/out.sqlite --name energy/utopia.sqlite'],
  run: async (session, args) => {
    const { pushFile } = await import('../../core/operations/pushFile');
    await publish(session, argument(args.positionals, 0), args, (context, options) =>
      pushFile(context, args.values.name, options),
    );
    return undefined;
  },
});
