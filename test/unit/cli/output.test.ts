import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { age } from '../../../src/cli/output/age';
import { colours, wantsColour } from '../../../src/cli/output/colours';
import { diffJsonPieces, valueText } from '../../../src/cli/output/diffJson';
import { textSink } from '../../../src/cli/output/diffText';
import { displayWidth, fitted } from '../../../src/cli/output/displayWidth';
import { createOutput, jsonText, type Output } from '../../../src/cli/output/output';
import { progressLine, progressText } from '../../../src/cli/output/progressLine';
import { renderError } from '../../../src/cli/output/renderError';
import { humanSize } from '../../../src/cli/output/sizes';
import { fields, table } from '../../../src/cli/output/table';
import { visible } from '../../../src/cli/output/visible';
import { UsageError } from '../../../src/cli/usageError';
import { DataManagerError } from '../../../src/core/errors';
import type { DiffResult } from '../../../src/core/operations/diffFiles';
import type { Column, RowChange } from '../../../src/core/sqldiff/model';
import { cacheFolder } from '../../../src/core/store/cacheFolder';

/** A stream that collects what is written to it. */
function fakeStream(tty: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (piece: Buffer) => {
    text += piece.toString('utf8');
  });
  return {
    stream: Object.assign(stream, { isTTY: tty, columns: 40 }) as unknown as NodeJS.WriteStream,
    text: () => text,
  };
}

describe('command line output', () => {
  it('measures texts as a terminal shows them', () => {
    const widths = { abc: 3, é: 1, 'e\u0301': 1, 漢字: 4, ｱ: 1, 한글: 4, '😀': 2, '👩‍👩‍👧': 2, '❤️': 2, '🇩🇪': 2, '': 0 };
    for (const [text, width] of Object.entries(widths)) assert.equal(displayWidth(text), width, text);
    assert.equal(fitted('漢字漢字', 5), '漢字…');
    assert.equal(fitted('short', 5), 'short');
  });

  it('aligns columns, also with wide characters', () => {
    const lines = table(
      [{ title: 'NAME' }, { title: 'SIZE', align: 'right' }, { title: 'S' }],
      [
        ['漢字.sqlite', '1 B', 'x'],
        ['😀', '10.0 KiB', ''],
      ],
    );
    assert.deepEqual(lines, ['NAME             SIZE  S', '漢字.sqlite       1 B  x', '😀           10.0 KiB']);
    assert.deepEqual(
      fields(
        [
          ['a', '1'],
          ['long', '2'],
        ],
        '  ',
      ),
      ['  a     1', '  long  2'],
    );
  });

  it('shows what would drive the terminal', () => {
    assert.equal(visible('a\x1b[31m\x07\u009b\u202e\n'), 'a\\x1b[31m\\x07\\x9b\\u202e\\n');
    assert.deepEqual(table([{ title: 'N' }], [['\x1b]0;owned\x07']]), ['N', '\\x1b]0;owned\\x07']);
    const json = jsonText({ name: '\x1b\u009b\u202e' });
    assert.match(json, /^[\x20-\x7e\n]*$/);
    assert.deepEqual(JSON.parse(json), { name: '\x1b\u009b\u202e' });
  });

  it('writes sizes and ages for people', () => {
    const sizes = {
      0: '0 B',
      1023: '1023 B',
      1024: '1.0 KiB',
      1536: '1.5 KiB',
      1048575: '1.0 MiB',
      104857600: '100 MiB',
    };
    for (const [bytes, text] of Object.entries(sizes)) assert.equal(humanSize(Number(bytes)), text);
    assert.equal(humanSize(2 ** 40 * 3), '3.0 TiB');
    const now = new Date('2026-03-10T12:00:00Z');
    const ages = {
      '2026-03-10T11:59:30Z': 'just now',
      '2026-03-10T12:00:20Z': 'just now',
      '2026-03-10T11:58:00Z': '2 minutes ago',
      '2026-03-10T11:00:00Z': '1 hour ago',
      '2026-03-07T12:00:00Z': '3 days ago',
      '2026-02-20T12:00:00Z': '2 weeks ago',
      '2025-03-01T12:00:00Z': '1 year ago',
      '2030-01-01T00:00:00.000Z': '2030-01-01T00:00:00.000Z',
      '2025-06-30T18:12:11.123456Z': '8 months ago',
      'the day before': 'the day before',
    };
    for (const [time, text] of Object.entries(ages)) assert.equal(age(time, now), text, time);
  });

  it('shows progress on a terminal only, at most ten times a second, and takes it away', () => {
    let time = 0;
    const terminal = fakeStream(true);
    const line = progressLine(terminal.stream, true, () => time);
    for (let i = 0; i <= 100; i++) {
      time = i * 10;
      line.onProgress?.({ phase: 'upload', done: i * 1024, total: 100 * 1024 });
    }
    assert.equal(terminal.text().match(/Uploading/g)?.length, 11);
    assert.ok(terminal.text().includes('\r\x1b[KUploading 100 KiB of 100 KiB (100 %)'));
    line.clear();
    assert.ok(terminal.text().endsWith('\r\x1b[K'));
    const length = terminal.text().length;
    line.clear();
    assert.equal(terminal.text().length, length);
    assert.equal(progressLine(fakeStream(false).stream, true).onProgress, undefined);
    assert.equal(progressLine(terminal.stream, false).onProgress, undefined);
  });

  it('says how far and how fast', () => {
    assert.equal(progressText({ phase: 'push', done: 0, total: null }, 0), 'Talking to the remote ...');
    assert.equal(
      progressText({ phase: 'download', done: 2048, total: 4096 }, 2),
      'Downloading 2.0 KiB of 4.0 KiB (50 %), 1.0 KiB/s',
    );
    // What was there already made no way in this time.
    assert.equal(
      progressText({ phase: 'download', done: 3072, total: 4096, resumed: 1024 }, 2),
      'Downloading 3.0 KiB of 4.0 KiB (75 %), 1.0 KiB were there already, 1.0 KiB/s',
    );
    assert.equal(progressText({ phase: 'hash', done: 0, total: 0 }, 0), 'Hashing 0 B of 0 B (100 %)');
    assert.equal(progressText({ phase: 'download', done: 512, total: null }, 0.1), 'Downloading 512 B');
  });

  it('colours on a terminal only, and honours NO_COLOR', () => {
    assert.equal(wantsColour({ isTTY: true }, {}), true);
    assert.equal(wantsColour({ isTTY: true }, { NO_COLOR: '1' }), false);
    assert.equal(wantsColour({ isTTY: true }, { TERM: 'dumb' }), false);
    assert.equal(wantsColour({}, {}), false);
    assert.equal(colours(true).red('x'), '\x1b[31mx\x1b[39m');
    assert.equal(colours(false).red('x'), 'x');
  });

  it('passes diff text through unchanged, but safe and coloured to a terminal', async () => {
    const show = async (tty: boolean): Promise<string> => {
      const { stream, text } = fakeStream(tty);
      const sink = textSink(createOutput(stream, { json: false, env: {} }));
      for (const piece of ['table t\n  + id', '=1\x1b[2J\n', '  - id=2\n', '  ... 3 more rows']) sink.onText(piece);
      await sink.end();
      return text();
    };
    assert.equal(await show(false), 'table t\n  + id=1\x1b[2J\n  - id=2\n  ... 3 more rows');
    assert.equal(
      await show(true),
      'table t\n\x1b[32m  + id=1\\x1b[2J\x1b[39m\n\x1b[31m  - id=2\x1b[39m\n\x1b[2m  ... 3 more rows\x1b[22m',
    );
  });

  it('waits for a slow reader', async () => {
    const slow = Object.assign(new PassThrough({ highWaterMark: 4 }), { isTTY: false });
    const output: Output = createOutput(slow as unknown as NodeJS.WriteStream, { json: false, env: {} });
    let written = false;
    const writing = output.write('more than four bytes').then(() => {
      written = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(written, false);
    slow.resume();
    await writing;
    assert.equal(written, true);
  });

  it('does not wait for a reader that went away', async () => {
    const gone = Object.assign(new PassThrough({ highWaterMark: 4 }), { isTTY: false });
    const output: Output = createOutput(gone as unknown as NodeJS.WriteStream, { json: false, env: {} });
    const writing = output.write('more than four bytes');
    gone.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    await writing;
    await output.write('more than four bytes');
    assert.equal(output.closed.aborted, true);
  });

  it('finds the cache folder', () => {
    assert.equal(cacheFolder({ DATAMANAGER_CACHE: '/c', XDG_CACHE_HOME: '/x' }), '/c');
    assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x' }, 'linux'), '/x/datamanager');
    assert.match(cacheFolder({ XDG_CACHE_HOME: 'relative' }, 'linux'), /\.cache\/datamanager$/);
    assert.match(cacheFolder({}, 'darwin'), /Library\/Caches\/datamanager$/);
    assert.match(cacheFolder({ LOCALAPPDATA: '/local' }, 'win32'), /^\/local\/datamanager\/Cache$/);
  });
});

describe('command line errors', () => {
  it('renders what the user can mend in two lines', () => {
    const error = new DataManagerError('HASH_MISMATCH', 'Two\nlines \x1b[1mhere.', {
      hint: 'Do\r\nthis.',
      data: { a: 1 },
    });
    assert.deepEqual(renderError(error), {
      exitCode: 1,
      lines: ['datamanager: Two lines \\x1b[1mhere.', 'hint: Do this.'],
      json: { error: { code: 'HASH_MISMATCH', message: error.message, hint: error.hint, data: { a: 1 } } },
    });
    assert.deepEqual(renderError(new DataManagerError('NOT_SQLITE', 'No.')).lines, ['datamanager: No.']);
  });

  it('tells usage, cancelling and bugs apart', () => {
    assert.equal(renderError(new UsageError('x', 'y')).exitCode, 2);
    assert.equal(renderError(new UsageError('x', 'y')).json.error.code, 'USAGE');
    assert.equal(renderError(new DataManagerError('CANCELLED', 'Cancelled.')).exitCode, 130);
    for (const thrown of [new TypeError('oops'), 'a string', null, undefined, { code: 12 }, Object.create(null)]) {
      const { exitCode, json, lines } = renderError(thrown);
      assert.equal(exitCode, 70);
      assert.equal(json.error.code, 'INTERNAL');
      assert.match(lines.at(-1) ?? '', /report/);
    }
    assert.ok(renderError(new TypeError('oops')).lines.some((line) => line.includes('output.test')));
  });

  it('takes what the system refuses for the user’s to mend', () => {
    const system = (code: string, syscall: string) =>
      Object.assign(new Error(`${code}: x`), { code, syscall, path: '/p' });
    assert.equal(renderError(system('ENOSPC', 'write')).json.error.code, 'DISK_FULL');
    assert.equal(renderError(system('EROFS', 'open')).json.error.code, 'OUTPUT_UNWRITABLE');
    assert.equal(renderError(system('EACCES', 'mkdir')).json.error.code, 'OUTPUT_UNWRITABLE');
    assert.equal(renderError(system('EACCES', 'scandir')).json.error.code, 'FILE_UNREADABLE');
    assert.equal(renderError(system('ENOENT', 'uv_cwd')).exitCode, 1);
    assert.equal(renderError(system('ENOENT', 'open')).exitCode, 70);
  });
});

describe('diff --json', () => {
  const column = (name: string, primaryKey = 0): Column => ({ name, type: '', primaryKey });

  function rowsOf(columns: readonly Column[], key: readonly string[], changes: readonly RowChange[]): unknown[] {
    const name = 't';
    const counts = { inserted: 0, updated: 0, deleted: 0, unchanged: null };
    const rowKey = { kind: 'primary-key', columns: key } as const;
    const header = { name, before: columns, after: columns, key: rowKey };
    const result: DiffResult = {
      from: 'a',
      to: 'b',
      summary: { identical: false, schema: [], tables: [{ name, key: rowKey, ...counts }] },
      rows: {
        schema: [],
        tables: [{ table: header, counts: { name, key: rowKey, ...counts }, rows: changes, omitted: 2 }],
      },
    };
    const parsed = JSON.parse([...diffJsonPieces(result)].join(''));
    assert.equal(parsed.tables[0].omitted, 2);
    assert.equal('unchanged' in parsed.tables[0], false);
    return parsed.tables[0].rows;
  }

  it('tells every pair of different values apart', () => {
    const values = [
      null,
      1n,
      1,
      '1',
      new Uint8Array([0x31]),
      { malformedText: new Uint8Array([0x31]) },
      0,
      -0,
      0n,
      '',
      '1.0',
      2n ** 53n,
      2n ** 53n + 1n,
      2 ** 53,
      -(2n ** 63n),
      Infinity,
      -Infinity,
      1e300,
      0.1,
      'null',
      new Uint8Array(0),
    ];
    const texts = values.map((value) => valueText(value));
    assert.equal(new Set(texts).size, values.length);
    for (const text of texts) JSON.parse(text);
    assert.deepEqual(
      ['1', '1.0', '"1"', '{"blob":"31"}'],
      [valueText(1n), valueText(1), valueText('1'), valueText(new Uint8Array([0x31]))],
    );
    assert.equal(valueText(2n ** 53n + 1n), '{"integer":"9007199254740993"}');
    assert.equal(JSON.parse(valueText('a"\\\n\u2028\x1b')), 'a"\\\n\u2028\x1b');
  });

  it('gives rows with key, both sides and what changed', () => {
    const columns = [column('id', 1), column('x'), column('y')];
    const rows = rowsOf(
      columns,
      ['ID'],
      [
        { kind: 'insert', before: null, after: [1n, 'a', null] },
        { kind: 'delete', before: [2n, 'b', 1], after: null },
        { kind: 'update', before: [3n, 'c', 1n], after: [3n, 'd', 1] },
      ],
    );
    assert.deepEqual(rows, [
      { kind: 'insert', key: { ID: 1 }, before: null, after: { id: 1, x: 'a', y: null } },
      { kind: 'delete', key: { ID: 2 }, before: { id: 2, x: 'b', y: 1 }, after: null },
      {
        kind: 'update',
        key: { ID: 3 },
        before: { id: 3, x: 'c', y: 1 },
        after: { id: 3, x: 'd', y: 1 },
        changed: ['x', 'y'],
        types: { y: ['integer', 'real'] },
      },
    ]);
  });

  it('leaves the key out when no column shows it, and survives any column name', () => {
    const [row] = rowsOf([column('__proto__')], ['rowid'], [{ kind: 'insert', before: null, after: ['x'] }]) as [
      { after: object },
    ];
    assert.equal('key' in row, false);
    assert.deepEqual(Object.entries(row.after), [['__proto__', 'x']]);
  });
});
