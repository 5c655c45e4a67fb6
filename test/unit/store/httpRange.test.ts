import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Agent } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { createDirectRange } from '../../../src/core/store/directRange';
import { type HttpRangeRequest, receiveRange } from '../../../src/core/store/httpRange';
import { selfSigned } from '../../support/certificate';

const LENGTH = 3_000_000;
const range = { first: 1000, last: 1000 + LENGTH - 1 };
const body = randomBytes(LENGTH);

function head(fields: Readonly<Record<string, string>> = {}, status = '206 Partial Content'): string {
  const all = {
    'Content-Range': `bytes ${range.first}-${range.last}/9000000`,
    'Content-Length': String(LENGTH),
    ...fields,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`;
}

const ways: readonly (readonly [string, () => (request: HttpRangeRequest) => Promise<number>])[] = [
  ['over connections of our own', createDirectRange],
  ['over those of node:http', () => receiveRange],
];

for (const [name, makeReceive] of ways) {
  describe(`a range of an object, ${name}`, () => {
    let server: Server;
    let connections: Socket[];
    let asked: string[];
    let answer: (socket: Socket) => void;
    let agent: Agent;
    let receive: ReturnType<typeof makeReceive>;

    beforeEach(async () => {
      connections = [];
      asked = [];
      agent = new Agent({ keepAlive: true });
      receive = makeReceive();
      server = createServer((socket) => {
        connections.push(socket);
        socket.on('error', () => {});
        socket.on('data', (text) => {
          asked.push(text.toString('latin1'));
          answer(socket);
        });
      });
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    });

    afterEach(async () => {
      agent.destroy();
      for (const socket of connections) socket.destroy();
      await new Promise((closed) => server.close(closed));
    });

    const request = (more: Partial<HttpRangeRequest> = {}): HttpRangeRequest => ({
      protocol: 'http:',
      hostname: '127.0.0.1',
      port: (server.address() as AddressInfo).port,
      path: '/data/one%20two?x-id=GetObject',
      headers: { 'x-amz-date': '20261126T000000Z' },
      agent,
      range,
      buffer: Buffer.alloc(LENGTH),
      connectMs: 2000,
      idleMs: 2000,
      ...more,
    });
    const outcome = async (reply: (socket: Socket) => void, more?: Partial<HttpRangeRequest>): Promise<number> => {
      answer = reply;
      const asking = request(more);
      const filled = await receive(asking);
      assert.ok(asking.buffer.subarray(0, filled).equals(body.subarray(0, filled)), 'other bytes');
      return filled;
    };

    it('brings the bytes, and uses a connection again', async () => {
      for (let time = 0; time < 3; time++) {
        assert.equal(await outcome((socket) => socket.write(Buffer.concat([Buffer.from(head()), body]))), LENGTH);
      }
      assert.equal(connections.length, 1);
      assert.match(asked[0] ?? '', /^GET \/data\/one%20two\?x-id=GetObject HTTP\/1\.1\r\n/);
      assert.match(asked[0] ?? '', /\r\nrange: bytes=1000-3000999\r\n/i);
      assert.match(asked[0] ?? '', /\r\nx-amz-date: 20261126T000000Z\r\n/i);
      assert.match(asked[0] ?? '', new RegExp(`\r\nhost: 127.0.0.1:${request().port}\r\n`, 'i'));
    });

    it('puts a reply together that comes in crumbs', async () => {
      const filled = await outcome(async (socket) => {
        for (const letter of head()) {
          socket.write(letter);
          await new Promise(setImmediate);
        }
        for (let at = 0; at < LENGTH; at += 100_001) socket.write(body.subarray(at, at + 100_001));
      });
      assert.equal(filled, LENGTH);
    });

    it('gives what came when the connection breaks', async () => {
      const cut = 1_234_567;
      assert.equal(
        await outcome((socket) => socket.end(Buffer.concat([Buffer.from(head()), body.subarray(0, cut)]))),
        cut,
      );
      assert.equal(await outcome((socket) => socket.resetAndDestroy()), 0);
      assert.equal(await outcome((socket) => socket.write(Buffer.concat([Buffer.from(head()), body]))), LENGTH);
    });

    for (const [what, reply] of [
      ['the whole object', head({ 'Content-Range': '' }, '200 OK')],
      ['another range', head({ 'Content-Range': 'bytes 0-2999999/9000000' })],
      ['a longer body', head({ 'Content-Length': String(LENGTH + 1) })],
      ['a compressed body', head({ 'Content-Encoding': 'gzip' })],
      ['a refusal', head({}, '403 Forbidden')],
      ['a redirect', head({ Location: 'http://127.0.0.1:1/' }, '302 Found')],
      ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
      ['a head without end', `HTTP/1.1 206 Partial Content\r\nX: ${'x'.repeat(70_000)}`],
    ] as const) {
      it(`takes nothing from ${what}`, async () => {
        assert.equal(await outcome((socket) => socket.end(Buffer.concat([Buffer.from(reply), body]))), 0);
      });
    }

    it('gives up on silence, and at once on a cancel', async () => {
      const silent = (socket: Socket) =>
        void socket.write(Buffer.concat([Buffer.from(head()), body.subarray(0, 5000)]));
      assert.equal(await outcome(silent, { idleMs: 100 }), 5000);
      const stop = new AbortController();
      const started = performance.now();
      setTimeout(() => stop.abort(), 50);
      await outcome(silent, { signal: stop.signal });
      assert.ok(performance.now() - started < 1000);
      assert.equal(await outcome(silent, { signal: AbortSignal.abort() }), 0);
    });

    it('does not talk to a server with a certificate that nobody vouches for', async function () {
      const certificate = selfSigned('127.0.0.1');
      if (!certificate) return this.skip();
      const { key, cert } = certificate;
      let heard = '';
      const secure = createTlsServer({ key, cert }, (socket) => {
        socket.on('error', () => {});
        socket.on('data', (text) => {
          heard += text;
        });
      });
      await new Promise<void>((listening) => secure.listen(0, '127.0.0.1', listening));
      const { port } = secure.address() as AddressInfo;
      const { Agent: HttpsAgent } = await import('node:https');
      const filled = await receive(request({ protocol: 'https:', port, agent: new HttpsAgent() }));
      assert.deepEqual([filled, heard], [0, '']);
      await new Promise((closed) => secure.close(closed));
    });
  });
}

describe('a range over a connection of our own', () => {
  it('leaves a connection that said more than it was asked', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.on('error', () => {});
      socket.on('data', () =>
        socket.write(Buffer.concat([Buffer.from(head()), body, Buffer.from('HTTP/1.1 206 and more')])),
      );
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    const address = { protocol: 'http:', hostname: '127.0.0.1', port, path: '/x', headers: {} };
    const receive = createDirectRange();
    for (let time = 0; time < 2; time++) {
      const buffer = Buffer.alloc(LENGTH);
      assert.equal(await receive({ ...address, range, buffer, connectMs: 2000, idleMs: 2000 }), LENGTH);
      await new Promise((heard) => setTimeout(heard, 50));
    }
    assert.equal(connections, 2);
    await new Promise((closed) => server.close(closed));
  });

  it('has no header that begins another', async () => {
    const address = { protocol: 'http:', hostname: '127.0.0.1', port: 1, path: '/x', connectMs: 10, idleMs: 10 };
    const asking = { ...address, headers: { evil: 'a\r\nhost: other' }, range: { first: 0, last: 0 } };
    await assert.rejects(createDirectRange()({ ...asking, buffer: Buffer.alloc(1) }), TypeError);
  });
});
