import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type CliResult, runCli, startCli } from '../../support/cli';
import { bareRemote, runIn } from '../../support/gitFixture';
import { leaksBelow, leaksIn, spellingsOf } from '../../support/leaks';
import { type R2Emulator, startR2Emulator } from '../../support/r2Emulator';
import { makeSqlite } from '../../support/sqliteFixture';
import { type StaticServer, startServer } from '../../support/staticServer';
import { tempDir } from '../../support/tempDir';

// Signs that change when a text is quoted, encoded or put into an address.
const secret = 'NeedleSecret/with+signs=&"and more"%';
const token = 'NeedleToken/with+signs==&"%';
const proxyPassword = 'NeedleProxyPassword';
const amazonSecret = 'NeedleAmazon';

const needles = [
  ...spellingsOf(secret, token, proxyPassword, amazonSecret),
  ...['NeedleSecret', 'NeedleToken', 'NeedleAmazon', 'Credential=', ', Signature='],
];

describe('a secret never appears', function () {
  this.timeout(120_000);
  let r2: R2Emulator;
  let hostile: StaticServer;
  let top: string;
  let dir: string;
  let remote: string;
  let big: string;
  const outputs: string[] = [];
  const commandLines: string[] = [];
  let polling: NodeJS.Timeout;

  before(async () => {
    r2 = await startR2Emulator('data', { accessKeyId: 'a1b2c3d4'.repeat(4), secretAccessKey: secret });
    // Says back whatever it was told, as a debugging server would.
    let turn = 0;
    hostile = await startServer((request, response) => {
      const told = String(request.headers['x-amz-security-token'] ?? '');
      const inEntities = [...told].map((sign) => `&#x${sign.charCodeAt(0).toString(16)};`).join('');
      const inXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const spelled = [
        ...[told, encodeURIComponent(told), encodeURIComponent(told).toLowerCase()],
        ...[JSON.stringify(told), JSON.stringify(told).replaceAll('/', '\\/'), inXml(told)],
        ...[Buffer.from(told).toString('base64'), String(request.headers.authorization)],
      ];
      const said = spelled[turn++ % spelled.length] ?? '';
      response.setHeader('x-amz-request-id', Buffer.from(told).toString('base64'));
      response.setHeader('x-amz-bucket-region', told);
      const message = turn % 2 === 0 ? inEntities : inXml(said);
      response
        .writeHead([400, 403, 301, 418][turn % 4] ?? 400)
        .end(`<Error><Code>${inXml(said)}</Code><Message>${message}</Message><Region>${inXml(told)}</Region></Error>`);
    });
    top = tempDir();
    dir = join(top, 'catalog');
    mkdirSync(dir);
    remote = bareRemote();
    big = join(tempDir(), 'big.bin');
    writeFileSync(big, randomBytes(40_000_000));
    polling = setInterval(() => commandLines.push(...runningCommands()), 20);
  });
  after(async () => {
    clearInterval(polling);
    await hostile.stop();
    await r2.stop();
  });

  const environment = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    ...{ HOME: join(top, 'home'), DATAMANAGER_CACHE: join(top, 'cache'), XDG_CONFIG_HOME: join(top, 'config') },
    ...{ R2_ACCESS_KEY_ID: r2.credentials.accessKeyId, R2_SECRET_ACCESS_KEY: secret, DEBUG: '*' },
    ...{ AWS_ACCESS_KEY_ID: 'amazon', AWS_SECRET_ACCESS_KEY: amazonSecret, AWS_SESSION_TOKEN: token },
    ...more,
  });

  async function run(args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<CliResult> {
    const result = await runCli(args, { cwd: dir, env: environment(more) });
    outputs.push(result.stdout, result.stderr);
    return result;
  }

  it('in a repository that works', async () => {
    const versions = await Promise.all(
      [2, 3].map((x) => makeSqlite(`CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, ${x})`)),
    );
    assert.equal((await run(['init', '--store', 's3://data', '--endpoint', r2.endpoint])).code, 0);
    runIn(dir, ['remote', 'add', 'origin', remote]);
    runIn(dir, ['push', '-q', '-u', 'origin', 'main']);
    for (const args of [
      ['verify'],
      ['create', 'a.sqlite', versions[0] ?? ''],
      ['update', 'a.sqlite', versions[1] ?? '', '--json'],
      ['pull', 'a.sqlite@v1'],
      ['diff', 'a.sqlite@v1', 'a.sqlite@v2'],
      ['info', 'a.sqlite', '--json'],
      ['materialize'],
    ]) {
      const { code, stderr } = await run(args);
      assert.equal(code, 0, stderr);
    }
  });

  it('when the keys are wrong, the proxy is gone, the program has a bug', async () => {
    const wrong = await run(['verify', '--json'], { R2_ACCESS_KEY_ID: '9'.repeat(32) });
    assert.equal(wrong.code, 1);
    const expired = await run(['verify'], { R2_SESSION_TOKEN: token });
    assert.equal(expired.code, 1);
    const proxy = { HTTP_PROXY: `http://me:${proxyPassword}@127.0.0.1:9`, NODE_DEBUG: 'http,net,tls' };
    assert.equal(
      (await run(['pull', 'a.sqlite@v2', '-o', '../out'], { ...proxy, DATAMANAGER_CACHE: tempDir() })).code,
      1,
    );
    // A bug of ours, in the middle of a publish.
    const broken = join(tempDir(), 'broken.cjs');
    writeFileSync(
      broken,
      `const { toISOString } = Date.prototype;
      Date.prototype.toISOString = function () {
        if (!/s3Store/.test(new Error().stack)) {
          process.report.writeReport(${JSON.stringify(join(top, 'report.json'))});
          throw new TypeError('forced');
        }
        return toISOString.call(this);
      };`,
    );
    const crash = await run(['create', 'big.bin', big], { NODE_OPTIONS: `--require=${broken}` });
    assert.equal(crash.code, 70, crash.stderr);
    assert.match(crash.stderr, /TypeError: forced\n +at/);
    // What node --report-on-fatalerror and its like write: all variables of the process, among other things.
    assert.match(readFileSync(join(top, 'report.json'), 'utf8'), /"DATAMANAGER_CACHE"/);
  });

  it('when the server says back what it was told', async () => {
    const settings = join(dir, '.datamanager.json');
    const text = readFileSync(settings, 'utf8');
    writeFileSync(settings, text.replace(r2.endpoint, hostile.url));
    const told = { R2_ENDPOINT: hostile.url, R2_SESSION_TOKEN: token, NODE_DEBUG: 'http,net,tls' };
    for (const args of [
      ...Array.from({ length: 16 }, () => ['verify']),
      ['verify', '--json'],
      ['pull', 'a.sqlite@v1', '-o', '../o', '--json'],
      ['push', big, '--yes'],
    ]) {
      assert.equal((await run(args, { ...told, DATAMANAGER_CACHE: tempDir() })).code, 1);
    }
    assert.ok(
      hostile.requests.some(({ headers }) => headers['x-amz-security-token']),
      'it was told the token',
    );
    writeFileSync(settings, text);
  });

  it('when a hook shows its environment', async () => {
    const hooks = join(dir, 'their-hooks');
    mkdirSync(hooks);
    const seen = (name: string) => join(top, `hook-${name}`);
    for (const name of ['pre-commit', 'post-commit', 'pre-push', 'reference-transaction']) {
      writeFileSync(join(hooks, name), `#!/bin/sh\nenv > '${seen(name)}'\ncat > /dev/null\n`, { mode: 0o755 });
    }
    runIn(dir, ['config', 'core.hooksPath', 'their-hooks']);
    const update = async (x: number, ...args: readonly string[]) => {
      const file = await makeSqlite(`CREATE TABLE t(id INTEGER PRIMARY KEY, x); INSERT INTO t VALUES(1, ${x})`);
      return run(['update', 'a.sqlite', file, ...args]);
    };
    const published = await update(7);
    assert.equal(published.code, 0, published.stderr);
    for (const name of ['pre-commit', 'post-commit', 'pre-push', 'reference-transaction']) {
      assert.ok(existsSync(seen(name)), name);
      const shown = readFileSync(seen(name), 'utf8');
      assert.match(shown, /^DATAMANAGER_CACHE=/m);
      assert.doesNotMatch(shown, /^(R2|AWS)_/m);
    }
    writeFileSync(join(hooks, 'pre-commit'), '#!/bin/sh\nenv >&2\nexit 1\n');
    const refused = await update(8, '--json');
    assert.match(refused.stdout, /HOOK_REFUSED[\s\S]*DATAMANAGER_CACHE/);
    runIn(dir, ['config', '--unset', 'core.hooksPath']);
  });

  it('in what killed publishes leave behind', async () => {
    let killed = 0;
    for (let delay = 200; delay <= 1000; delay += 100) {
      writeFileSync(big, randomBytes(60_000_000));
      const publish = startCli(['create', `killed-${delay}.bin`, big], { cwd: dir, env: environment() });
      publish.stderr?.on('data', (piece) => outputs.push(String(piece)));
      await Promise.race([once(publish, 'exit'), setTimeout(delay)]);
      publish.kill('SIGKILL');
      if (publish.exitCode === null && publish.signalCode === null) await once(publish, 'exit');
      if (publish.signalCode === 'SIGKILL') killed++;
    }
    assert.ok(killed > 0);
  });

  it('anywhere: files, Git objects, output, command lines', () => {
    const found = [top, remote].flatMap((folder) => leaksBelow(folder, needles));
    for (const repository of [dir, remote]) {
      const objects = runIn(repository, ['cat-file', '--batch-all-objects', '--batch', '--buffer']);
      assert.ok(objects.includes('a.sqlite'), 'the objects were read');
      found.push(...leaksIn(`the objects of ${repository}`, objects, needles));
    }
    for (const text of outputs) found.push(...leaksIn(`output: ${text.slice(0, 300)}`, text, needles));
    assert.ok(outputs.join('').includes('datamanager: '), 'the output was kept');
    if (process.platform === 'linux')
      assert.ok(
        commandLines.some((line) => line.includes('cli.js')),
        'it was seen running',
      );
    for (const line of commandLines) found.push(...leaksIn(`a command line: ${line}`, line, needles));
    assert.deepEqual(found, []);
  });

  it('would be found', () => {
    assert.notDeepEqual(leaksIn('a file', `x ${encodeURIComponent(token)} x`, needles), []);
    assert.notDeepEqual(leaksIn('a file', Buffer.from(`x${secret}`), needles), []);
  });
});

/** What `ps` would show to everybody on this machine. */
function runningCommands(): readonly string[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8')];
      } catch {
        return [];
      }
    });
}
