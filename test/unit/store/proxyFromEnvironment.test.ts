import assert from 'node:assert/strict';
import { proxyFromEnvironment } from '../../../src/core/store/proxyFromEnvironment';

const proxyOf = (env: Record<string, string>, address: string): string | null =>
  proxyFromEnvironment(env)(new URL(address))?.href ?? null;

describe('proxyFromEnvironment', () => {
  const both = { HTTPS_PROXY: 'http://secure.example:1', HTTP_PROXY: 'http://plain.example:2' };

  it('chooses by the scheme of the address, lower case first, else ALL_PROXY', () => {
    assert.equal(proxyOf(both, 'https://a.example'), 'http://secure.example:1/');
    assert.equal(proxyOf(both, 'http://a.example'), 'http://plain.example:2/');
    assert.equal(proxyOf({ ...both, https_proxy: 'lower.example:3' }, 'https://a.example'), 'http://lower.example:3/');
    assert.equal(proxyOf({ ALL_PROXY: 'https://all.example' }, 'http://a.example'), 'https://all.example/');
    assert.equal(proxyOf({}, 'https://a.example'), null);
    assert.equal(proxyOf({ HTTPS_PROXY: ' ' }, 'https://a.example'), null);
  });

  it('leaves kinds alone that it can not speak, and HTTP_PROXY in a web server', () => {
    assert.equal(proxyOf({ ALL_PROXY: 'socks5://all.example' }, 'http://a.example'), null);
    assert.equal(proxyOf({ ...both, REQUEST_METHOD: 'GET' }, 'http://a.example'), null);
  });

  const straight: readonly (readonly [list: string, address: string, expected: boolean])[] = [
    ['*', 'https://a.example', true],
    ['a.example', 'https://a.example', true],
    ['a.example', 'https://x.a.example', true],
    ['.a.example', 'https://x.a.example', true],
    ['*.a.example', 'https://x.a.example', true],
    ['A.Example', 'https://a.example', true],
    ['a.example', 'https://ba.example', false],
    ['a.example', 'https://a.example.org', false],
    ['b, a.example:443', 'https://a.example', true],
    ['a.example:80', 'https://a.example', false],
    ['a.example:8443 b', 'https://a.example:8443', true],
    ['127.0.0.1', 'https://127.0.0.1:9000', true],
    ['::1', 'https://[::1]:9000', true],
    ['[::1]', 'https://[::1]', true],
    ['', 'https://a.example', false],
    ['.', 'https://a.example', false],
  ];
  for (const [list, address, expected] of straight) {
    it(`goes ${expected ? 'straight' : 'through the proxy'} to ${address} with NO_PROXY=${list}`, () =>
      assert.equal(proxyOf({ ...both, NO_PROXY: list }, address) === null, expected));
  }
});
