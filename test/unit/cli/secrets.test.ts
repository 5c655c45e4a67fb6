import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type CliResult, runCli, startCli } from '../../support/cli';
import { bareRemote, runIn } from '../../support/gitFixture';
import { type R2Emulator, startR2Emulator } from '../../support/r2Emulator';
import { makeSqlite } from '../../support/sqliteFixture';
import { type StaticServer, startServer } from '../../support/staticServer';
import { tempDir } from '../../support/tempDir';

// Signs that change when a text is quoted, encoded or put into an address.
const secret = 'NeedleSecret/with+signs=&"and more"%';
const token = 'NeedleToken/with+signs==&"%';
const proxyPassword = 'NeedleProxyPassword';

/** What a leak could look like. */
const needles = [secret, token, proxyPassword].flatMap((text) => [
  text,
  encodeURIComponent(text),
  JSON.stringify(text).slice(1, -1),
  Buffer.from(text).toString('base64'),
  Buffer.from(text).toString('base64url'),
  Buffer.from(text).toString('hex'),
]);
needles.push('NeedleSecret', 'NeedleToken');

function leaksIn(what: string, bytes: Buffer | string): readonly string[] {
  return needles.filter((needle) => bytes.includes(needle)).map((needle) => `${needle} in ${what}`);
}

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
      const inXml = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
      const spelled = [told, encodeURIComponent(told), JSON.stringify(told), Buffer.from(told).toString('base64')];
      const [code, message] = [spelled[turn++ % spelled.length] ?? '', inXml(spelled.join(' '))];
      response.setHeader('x-amz-request-id', Buffer.from(told).toString('base64'));
      response.writeHead(400).end(`<Error><Code>${inXml(code)}</Code><Message>${message}</Message></Error>`);
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
    const proxy = { HTTP_PROXY: `http://me:${proxyPassword}@127.0.0.1:9` };
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
        if (!/s3Store/.test(new Error().stack)) throw new TypeError('forced');
        return toISOString.call(this);
      };`,
    );
    const crash = await run(['create', 'big.bin', big], { NODE_OPTIONS: `--require=${broken}` });
    assert.equal(crash.code, 70, crash.stderr);
    assert.match(crash.stderr, /TypeError: forced\n +at/);
  });

  it('when the server says back what it was told', async () => {
    const settings = join(dir, '.datamanager.json');
    const text = readFileSync(settings, 'utf8');
    writeFileSync(settings, text.replace(r2.endpoint, hostile.url));
    const told = { R2_ENDPOINT: hostile.url, R2_SESSION_TOKEN: token };
    for (const args of [
      ['verify'],
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
    const found: string[] = [];
    for (const folder of [top, remote]) {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const file = join(entry.parentPath, entry.name);
        found.push(...leaksIn(file, readFileSync(file)), ...leaksIn('a file name', file));
      }
    }
    for (const repository of [dir, remote]) {
      const objects = runIn(repository, ['cat-file', '--batch-all-objects', '--batch', '--buffer']);
      assert.ok(objects.includes('a.sqlite'), 'the objects were read');
      found.push(...leaksIn(`the objects of ${repository}`, objects));
    }
    for (const text of outputs) found.push(...leaksIn(`output: ${text.slice(0, 300)}`, text));
    assert.ok(outputs.join('').includes('datamanager: '), 'the output was kept');
    if (process.platform === 'linux')
      assert.ok(
        commandLines.some((line) => line.includes('cli.js')),
        'it was seen running',
      );
    for (const line of commandLines) found.push(...leaksIn(`a command line: ${line}`, line));
    assert.deepEqual(found, []);
  });

  it('would be found', () => {
    assert.notDeepEqual(leaksIn('a file', `x ${encodeURIComponent(token)} x`), []);
    assert.notDeepEqual(leaksIn('a file', Buffer.from(`x${secret}`)), []);
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
