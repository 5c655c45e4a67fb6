import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { withConfirmation } from '../../../src/cli/commands/publish';
import type { GlobalValues } from '../../../src/cli/options';
import { createOutput } from '../../../src/cli/output/output';
import { createSession, type Session } from '../../../src/cli/session';
import { DataManagerError } from '../../../src/core/errors';
import { tempDir } from '../../support/tempDir';

const noGlobals: GlobalValues = {
  repo: undefined,
  json: undefined,
  yes: undefined,
  quiet: undefined,
  'no-push': undefined,
  message: undefined,
  help: undefined,
  version: undefined,
};

/** A session whose user types `typed`; null is a script without a terminal. */
function sessionWith(
  typed: string | null,
  globals: Partial<GlobalValues> = {},
): { session: Session; asked: () => string } {
  const stdin = Object.assign(new PassThrough(), { isTTY: typed !== null });
  const stderr = Object.assign(new PassThrough(), { isTTY: typed !== null });
  if (typed !== null) stdin.write(typed);
  let asked = '';
  stderr.on('data', (piece) => {
    asked += piece;
  });
  const stdout = new PassThrough() as unknown as NodeJS.WriteStream;
  const session = createSession({
    cwd: tempDir(),
    env: {},
    globals: { ...noGlobals, ...globals },
    output: createOutput(stdout, { json: false, env: {} }),
    progress: { onProgress: undefined, clear: () => undefined },
    signal: new AbortController().signal,
    workerPath: 'nowhere.js',
    followerPath: 'nowhere.js',
    scriptPath: 'nowhere.js',
    stdin: stdin as unknown as NodeJS.ReadStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
  });
  return { session, asked: () => asked };
}

describe('questions on the command line', () => {
  it('takes y and yes for a yes, all else for a no', async () => {
    const answers = { 'y\n': true, 'YES\n': true, 'n\n': false, '\n': false, 'yellow\n': false };
    for (const [typed, answer] of Object.entries(answers)) {
      const { session, asked } = sessionWith(typed);
      assert.equal(await session.confirm('Go on?'), answer, typed);
      assert.match(asked(), /Go on\? \[y\/N\]/);
    }
  });

  it('asks nobody in a script, with --json, or after --yes', async () => {
    for (const [typed, globals, answer] of [
      [null, {}, null],
      ['y\n', { json: true }, null],
      ['n\n', { yes: true }, true],
    ] as const) {
      const { session, asked } = sessionWith(typed, globals);
      assert.equal(await session.confirm('Go on?'), answer);
      assert.equal(asked(), '');
    }
  });

  it('runs again with the yes that an operation wants', async () => {
    const wanting = (calls: boolean[]) => async (yes: boolean) => {
      calls.push(yes);
      if (!yes) throw new DataManagerError('CONFIRMATION_NEEDED', 'Two commits would be pushed along.');
      return 'done';
    };
    const agreed: boolean[] = [];
    assert.equal(await withConfirmation(sessionWith('y\n').session, wanting(agreed)), 'done');
    assert.deepEqual(agreed, [false, true]);
    const declined: boolean[] = [];
    await assert.rejects(withConfirmation(sessionWith('n\n').session, wanting(declined)), { code: 'CANCELLED' });
    const script: boolean[] = [];
    await assert.rejects(withConfirmation(sessionWith(null).session, wanting(script)), { code: 'CONFIRMATION_NEEDED' });
    assert.deepEqual([declined, script], [[false], [false]]);
  });
});
