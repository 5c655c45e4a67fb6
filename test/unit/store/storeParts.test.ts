import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DataManagerError, systemCode } from '../../../src/core/errors';
import { makeFolders, placeNew, removeStaleTemps } from '../../../src/core/store/durableFile';
import { writeError } from '../../../src/core/store/fileErrors';
import { keyProblem } from '../../../src/core/store/objectKey';
import { MAX_PARTS, planParts } from '../../../src/core/store/partPlan';
import { withRetry } from '../../../src/core/store/retry';
import { isTransient, s3Error } from '../../../src/core/store/s3Errors';
import { windowsNameProblem } from '../../../src/core/store/windowsName';
import { tempDir } from '../../support/tempDir';

const MIB = 1 << 20;
const coded = (code: string) => (error: unknown) => DataManagerError.is(error) && error.code === code;
const systemErrorWith = (code: string) => (error: unknown) => systemCode(error) === code;
const systemError = (code: string) => Object.assign(new Error(code), { code });

describe('planParts', () => {
  it('keeps to 8 MiB until 10,000 parts would not do', () => {
    assert.deepEqual(planParts(0), { partBytes: 8 * MIB, parts: 1 });
    assert.deepEqual(planParts(8 * MIB + 1), { partBytes: 8 * MIB, parts: 2 });
    assert.deepEqual(planParts(MAX_PARTS * 8 * MIB), { partBytes: 8 * MIB, parts: MAX_PARTS });
    assert.deepEqual(planParts(MAX_PARTS * 8 * MIB + 1), { partBytes: 9 * MIB, parts: 8889 });
    const terabytes = planParts(4.9 * 2 ** 40);
    assert.ok(terabytes.parts <= MAX_PARTS && terabytes.partBytes * terabytes.parts >= 4.9 * 2 ** 40);
  });
});

describe('withRetry', () => {
  const policy = { attempts: 3, baseMs: 1, capMs: 2 };

  it('repeats what may pass, and only so often', async () => {
    let tries = 0;
    const failTwice = async () => {
      if (++tries < 3) throw systemError('ECONNRESET');
      return 'fine';
    };
    assert.equal(await withRetry(failTwice, { policy, isTransient }), 'fine');
    tries = -10;
    await assert.rejects(withRetry(failTwice, { policy, isTransient }), { code: 'ECONNRESET' });
    assert.equal(tries, -7);
  });

  it('does not repeat what is hopeless', async () => {
    let tries = 0;
    const fail = async () => {
      tries++;
      throw systemError('ENOTFOUND');
    };
    await assert.rejects(withRetry(fail, { policy, isTransient }), { code: 'ENOTFOUND' });
    assert.equal(tries, 1);
  });

  it('ends a pause when it is cancelled', async () => {
    const fail = () => Promise.reject(systemError('ECONNRESET'));
    const slow = { attempts: 3, baseMs: 1e7, capMs: 1e7 };
    await assert.rejects(
      withRetry(fail, { policy: slow, isTransient, signal: AbortSignal.timeout(20) }),
      coded('CANCELLED'),
    );
  });
});

describe('s3Error', () => {
  const context = {
    location: 's3://data at host',
    endpoint: 'https://host',
    bucket: 'data',
    operation: 'PutObject',
    key: 'one',
    secrets: ['topsecret'],
  };
  const answer = (httpStatusCode: number, name: string, message = '') =>
    s3Error(Object.assign(new Error(message), { name, $metadata: { httpStatusCode, requestId: 'id' } }), context);

  const cases: [number, string, string][] = [
    [404, 'NoSuchBucket', 'BUCKET_MISSING'],
    [404, 'NoSuchKey', 'OBJECT_MISSING'],
    [404, 'NoSuchUpload', 'STORE_FAILED'],
    [401, 'Unauthorized', 'CREDENTIALS_REJECTED'],
    [403, 'SignatureDoesNotMatch', 'CREDENTIALS_REJECTED'],
    [403, 'InvalidAccessKeyId', 'CREDENTIALS_REJECTED'],
    [400, 'ExpiredToken', 'CREDENTIALS_REJECTED'],
    [403, 'AccessDenied', 'STORE_REFUSED'],
    [403, 'RequestTimeTooSkewed', 'STORE_REFUSED'],
    [400, 'AuthorizationHeaderMalformed', 'STORE_REFUSED'],
    [301, 'PermanentRedirect', 'STORE_REFUSED'],
    [429, 'TooManyRequests', 'STORE_FAILED'],
    [503, 'SlowDown', 'STORE_FAILED'],
    [418, 'Teapot', 'STORE_FAILED'],
  ];
  for (const [status, name, code] of cases) {
    it(`turns ${status} ${name} into ${code} with a hint`, () => {
      const error = answer(status, name);
      assert.equal(error.code, code);
      assert.ok(error.hint);
      assert.deepEqual([error.data.status, error.data.name, error.data.requestId], [status, name, 'id']);
      assert.equal(error.cause, undefined);
    });
  }

  it('names an R2 key of the wrong length', () => {
    const error = answer(400, 'InvalidArgument', 'Credential access key has length 20, should be 32');
    assert.equal(error.code, 'CREDENTIALS_REJECTED');
  });

  it('passes on the words of a server without secrets and control characters', () => {
    const { message } = answer(418, 'Teapot', 'no\ncoffee\x1b[31m for topsecret');
    assert.match(message, /no coffee \[31m for \*\*\*/);
  });

  it('names a certificate that is not trusted, and other failures of the line', () => {
    const unreachable = (code: string) => s3Error(systemError(code), context);
    for (const code of ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ECONNREFUSED', 'ENOTFOUND', 'EPIPE', 'EHOSTUNREACH']) {
      assert.equal(unreachable(code).code, 'STORE_UNREACHABLE');
    }
    assert.match(unreachable('DEPTH_ZERO_SELF_SIGNED_CERT').message, /certificate/);
  });
});

describe('placeNew', () => {
  const noLinks = () => Promise.reject(systemError('EPERM'));

  for (const [kind, makeLink] of [
    ['with links', undefined],
    ['without links', noLinks],
  ] as const) {
    it(`places a file once, on a disk ${kind}`, async () => {
      const folder = tempDir();
      const target = join(folder, 'target');
      for (const [content, created] of [
        ['one', true],
        ['two', false],
      ] as const) {
        writeFileSync(join(folder, 'temp'), content);
        assert.equal(await placeNew(join(folder, 'temp'), target, makeLink), created);
        assert.equal(existsSync(join(folder, 'temp')), false);
      }
      assert.equal(readFileSync(target, 'utf8'), 'one');
    });
  }
});

describe('words for the disk', () => {
  it('tells a full disk from one that may not be written', () => {
    assert.equal(writeError(systemError('ENOSPC'), '/x').code, 'DISK_FULL');
    assert.equal(writeError(systemError('EDQUOT'), '/x').code, 'DISK_FULL');
    assert.equal(writeError(systemError('EROFS'), '/x').code, 'OUTPUT_UNWRITABLE');
  });
});

describe('names of objects', () => {
  it('says what is wrong with a key', () => {
    assert.equal(keyProblem('energy/utopia v2/3f5a.sqlite'), null);
    assert.match(keyProblem('a/../b') ?? '', /"\.\."/);
  });

  it('knows what Windows would misread', () => {
    for (const name of ['a:b', 'what?', 'end.', 'end ', 'CON', 'nul.sqlite', 'LPT1.db']) {
      assert.ok(windowsNameProblem(name), name);
    }
    for (const name of ['console.sqlite', 'a.b', '.hidden', 'ü']) assert.equal(windowsNameProblem(name), null);
  });
});

describe('makeFolders', () => {
  it('names the topmost folder that it made', async () => {
    const top = tempDir();
    assert.equal(await makeFolders(join(top, 'a', 'b', 'c')), join(top, 'a'));
    assert.ok(statSync(join(top, 'a', 'b', 'c')).isDirectory());
    assert.equal(await makeFolders(join(top, 'a', 'b', 'c')), undefined);
    assert.equal(await makeFolders(join(top, 'a', 'd')), join(top, 'a', 'd'));
    writeFileSync(join(top, 'file'), '');
    await assert.rejects(makeFolders(join(top, 'file')), systemErrorWith('EEXIST'));
    await assert.rejects(makeFolders(join(top, 'file', 'x')), systemErrorWith('ENOTDIR'));
  });

  it('several at once make it once', async () => {
    const top = tempDir();
    const made = await Promise.all(Array.from({ length: 20 }, () => makeFolders(join(top, 'a', 'b'))));
    assert.ok(made.includes(join(top, 'a')));
    assert.ok(existsSync(join(top, 'a', 'b')));
  });

  it('comes back where the system makes no folder', async function () {
    if (!existsSync('/proc/self')) this.skip();
    await assert.rejects(makeFolders('/proc/none/deep'), systemErrorWith('ENOENT'));
  });
});

describe('removeStaleTemps', () => {
  it('removes what nobody has written to for a day, and nothing else', async () => {
    const folder = tempDir();
    for (const name of ['t-old', 't-new', 'old']) writeFileSync(join(folder, name), 'x');
    const yesterday = new Date(Date.now() - 25 * 3600 * 1000);
    for (const name of ['t-old', 'old']) utimesSync(join(folder, name), yesterday, yesterday);
    await removeStaleTemps(folder, 't-');
    assert.deepEqual(readdirSync(folder).sort(), ['old', 't-new']);
    await removeStaleTemps(join(folder, 'none'), 't-');
  });
});
