import { defineCommand } from '../command';
import { exitCodes } from '../output/renderError';
import { table } from '../output/table';
import { visible } from '../output/visible';

export const verifyCommand = defineCommand({
  name: 'verify',
  summary: 'try whether the store can be reached, listed, read, written and deleted from',
  usage: ['verify'],
  details: 'Writes one small probe object and removes it again. Exit code 1 when anything failed.',
  examples: ['datamanager verify', 'datamanager verify --json'],
  run: async (session) => {
    const { verifyStore } = await import('../../core/operations/verifyStore');
    const { openStore } = await session.context();
    const report = await verifyStore({ openStore, signal: session.monitor.signal });
    if (session.output.json) await session.output.value(report);
    else {
      const rows = report.checks.map(({ check, ok, detail }) => [check, ok ? 'ok' : 'failed', detail]);
      await session.output.lines([
        visible(report.location),
        ...table([{ title: 'CHECK' }, { title: 'RESULT' }, { title: 'DETAIL' }], rows),
      ]);
    }
    return report.ok ? exitCodes.ok : exitCodes.failed;
  },
});
