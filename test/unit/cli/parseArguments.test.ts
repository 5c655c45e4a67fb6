import assert from 'node:assert/strict';
import { commands, findCommand } from '../../../src/cli/commandTable';
import { helpText, overviewText } from '../../../src/cli/help';
import { parseArguments, wantsJson } from '../../../src/cli/parseArguments';
import { UsageError } from '../../../src/cli/usageError';

const parse = (...argv: string[]) => parseArguments(argv, findCommand);

function run(...argv: string[]) {
  const parsed = parse(...argv);
  assert.equal(parsed.kind, 'run');
  return parsed;
}

function refused(...argv: string[]): UsageError {
  try {
    parse(...argv);
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error;
  }
  throw new assert.AssertionError({ message: `${argv.join(' ')} was understood` });
}

describe('command line arguments', () => {
  it('takes global options before and after the command', () => {
    for (const argv of [
      ['--repo', 'x', '--json', '-m', 'hello', 'create', 'a', 'b'],
      ['create', 'a', '--repo=x', 'b', '--json', '--message', 'hello'],
      ['--repo', 'x', 'create', '-mhello', 'a', '--json', 'b'],
    ]) {
      const { command, positionals, globals } = run(...argv);
      assert.equal(command.name, 'create');
      assert.deepEqual(positionals, ['a', 'b']);
      assert.deepEqual([globals.repo, globals.json, globals.message], ['x', true, 'hello']);
    }
  });

  it('knows aliases', () => assert.equal(run('list-datasets').command.name, 'list'));

  it('tells the version of the program from the version to pull', () => {
    assert.equal(parse('--version').kind, 'version');
    assert.equal(parse('list', '--version').kind, 'version');
    assert.equal(parse('--version', 'pull', 'x').kind, 'version');
    assert.equal(run('pull', 'x', '--version', 'v2').values.version, 'v2');
    assert.match(refused('pull', 'x', '--version').message, /argument missing/);
  });

  it('takes what stands behind -- as it is', () => {
    assert.deepEqual(run('create', 'name', '--', '-x').positionals, ['name', '-x']);
    assert.deepEqual(run('create', '--', '--json', '--').positionals, ['--json', '--']);
    assert.equal(wantsJson(['create', '--', '--json']), false);
    assert.equal(wantsJson(['create', '--nonsense', '--json']), true);
  });

  it('refuses with the usage of the command', () => {
    assert.match(refused('list', '--bar').message, /^Unknown option '--bar'\.$/);
    assert.equal(refused('list', '--bar').hint, 'Usage: datamanager list');
    assert.equal(refused('create', 'x').message, 'FILE is missing.');
    assert.equal(refused('create').message, 'NAME is missing.');
    assert.equal(refused('list', 'x').message, 'Too many arguments: "x".');
    assert.match(refused('list', '--json=yes').message, /does not take an argument/);
    assert.match(refused('create', 'a', 'b', '-m').message, /argument missing/);
    assert.match(refused('create', 'a', 'b', '-m', '--json').message, /ambiguous/);
    assert.equal(refused('frobnicate').message, 'There is no command "frobnicate".');
    assert.match(refused('--frobnicate').message, /Unknown option/);
    assert.match(refused('help', 'frobnicate').message, /no command/);
  });

  it('does not take members of Object for commands', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) assert.match(refused(name).message, /no command/);
  });

  it('asks for help in every way people try', () => {
    for (const argv of [['--help'], ['-h'], ['help']])
      assert.deepEqual(parse(...argv), { kind: 'help', command: null });
    for (const argv of [
      ['pull', '--help'],
      ['--help', 'pull'],
      ['help', 'pull'],
      ['pull', '-h', 'a', 'b', 'c'],
    ]) {
      const parsed = parse(...argv);
      assert.equal(parsed.kind === 'help' && parsed.command?.name, 'pull');
    }
    assert.deepEqual(parse(), { kind: 'nothing' });
    assert.deepEqual(parse('--json'), { kind: 'nothing' });
  });

  it('explains every command, with examples that it understands itself', () => {
    for (const command of commands) {
      assert.match(overviewText(), new RegExp(`^ {2}${command.name} `, 'm'));
      const help = helpText(command);
      for (const option of Object.keys(command.options)) assert.ok(help.includes(`--${option}`), option);
      assert.ok(command.examples.length > 0);
      for (const example of command.examples) {
        const words = example.replace(/ > .*/, '').match(/"[^"]*"|\S+/g) ?? [];
        assert.equal(words[0], 'datamanager');
        assert.equal(run(...words.slice(1)).command, command, example);
      }
    }
  });
});
