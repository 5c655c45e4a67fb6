import assert from 'node:assert/strict';
import { DataManagerError } from '../../../src/core/errors';
import { accountOf, r2Endpoint, r2Jurisdictions } from '../../../src/core/store/r2Endpoint';
import { checkStore, environmentNames, storeIdentity } from '../../../src/core/store/storeIdentity';

const r2 = { type: 's3', endpoint: 'https://abc.r2.cloudflarestorage.com', bucket: 'data' } as const;

describe('storeIdentity', () => {
  it('is one for all ways to write an address, and another for every other bucket, host, port and scheme', () => {
    const same = ['https://ABC.r2.cloudflarestorage.com/', 'https://abc.r2.cloudflarestorage.com:443'];
    for (const endpoint of same) assert.equal(storeIdentity({ ...r2, endpoint }), storeIdentity(r2));
    const others = [
      { ...r2, bucket: 'other' },
      { ...r2, endpoint: 'http://abc.r2.cloudflarestorage.com' },
      { ...r2, endpoint: 'https://abc.r2.cloudflarestorage.com:8443' },
      { ...r2, endpoint: 'https://abc.eu.r2.cloudflarestorage.com' },
      { ...r2, endpoint: 'https://abc.r2.cloudflarestorage.com.evil.example' },
      { ...r2, endpoint: 'https://abc.r2.cloudflarestorage.com/x' },
      { ...r2, endpoint: 'https://me@abc.r2.cloudflarestorage.com' },
      { ...r2, endpoint: 'https://abc.r2.cloudflarestorage.com.' },
      { ...r2, endpoint: 'https://\u0430bc.r2.cloudflarestorage.com' },
      { ...r2, endpoint: 'https://abc.r2.cloudflarestorage.com\\@evil.example' },
      { ...r2, endpoint: 'https://abc.r2.cloudflarestorage.com%2eevil.example' },
      { bucket: 'data at https://abc.r2.cloudflarestorage.com', endpoint: 'https://evil.example' },
    ];
    for (const other of others) assert.notEqual(storeIdentity(other), storeIdentity(r2));
  });
});

describe('checkStore', () => {
  it('takes an endpoint of any service and a bucket by its name', () => {
    for (const bucket of ['data', 'My_Old.Bucket', 'tenant:data', '1-2']) {
      assert.equal(checkStore({ ...r2, bucket }).hostname, 'abc.r2.cloudflarestorage.com');
    }
    assert.equal(checkStore({ ...r2, endpoint: 'http://127.0.0.1:8080/below/' }).pathname, '/below/');
  });

  it('refuses what would mislead whoever is asked about it', () => {
    const buckets = [
      'data" at https://abc.r2.cloudflarestorage.com',
      'a/b',
      '../a',
      'a b',
      'a\nb',
      'dat\u0430',
      '',
      '.',
    ];
    const endpoints = [
      'https://me:pw@abc.example',
      'https://abc.example?x',
      'https://abc.example#x',
      'ftp://abc.example',
    ];
    for (const store of [
      ...buckets.map((bucket) => ({ ...r2, bucket })),
      ...endpoints.map((endpoint) => ({ ...r2, endpoint })),
    ]) {
      const refused = (error: unknown) =>
        DataManagerError.is(error, 'SETTINGS_INVALID') && !`${error.message} ${error.hint}`.includes('pw');
      assert.throws(() => checkStore(store), refused, JSON.stringify(store));
    }
  });
});

describe('environmentNames', () => {
  const named: readonly (readonly [Record<string, string>, boolean])[] = [
    [{}, false],
    [{ R2_ACCESS_KEY_ID: 'k', R2_SECRET_ACCESS_KEY: 's' }, false],
    [{ R2_ACCOUNT_ID: 'abc' }, true],
    [{ R2_ACCOUNT_ID: 'ABC ', R2_BUCKET: 'data' }, true],
    [{ R2_ACCOUNT_ID: 'abc', R2_BUCKET: 'other' }, false],
    [{ R2_ACCOUNT_ID: 'abcd' }, false],
    [{ R2_BUCKET: 'data' }, false],
    [{ R2_ENDPOINT: 'https://abc.r2.cloudflarestorage.com/' }, true],
    [{ AWS_ENDPOINT_URL_S3: r2.endpoint }, true],
    [{ AWS_ENDPOINT_URL: r2.endpoint, R2_BUCKET: 'other' }, false],
    [{ AWS_ENDPOINT_URL: 'https://evil.example' }, false],
  ];
  for (const [env, expected] of named) {
    it(`${expected ? 'agrees' : 'says nothing'}: ${JSON.stringify(env)}`, () =>
      assert.equal(environmentNames(env, r2), expected));
  }

  it('takes any jurisdiction of the account', () => {
    const eu = { ...r2, endpoint: 'https://abc.eu.r2.cloudflarestorage.com' };
    assert.equal(environmentNames({ R2_ACCOUNT_ID: 'abc' }, eu), true);
  });

  it('is not fooled by an address that only looks like the account', () => {
    for (const endpoint of [
      'http://abc.r2.cloudflarestorage.com',
      'https://abc.r2.cloudflarestorage.com.evil.example',
      'https://abc.evil.r2.cloudflarestorage.com.example',
      'https://evil.example/abc.r2.cloudflarestorage.com',
      'https://abc.r2.cloudflarestorage.com@evil.example',
    ]) {
      assert.equal(environmentNames({ R2_ACCOUNT_ID: 'abc' }, { ...r2, endpoint }), false, endpoint);
    }
  });

  it('wants the bucket too where all the world shares the endpoint', () => {
    const amazon = { ...r2, endpoint: 'https://s3.eu-west-1.amazonaws.com' };
    assert.equal(environmentNames({ AWS_ENDPOINT_URL: amazon.endpoint }, amazon), false);
    assert.equal(environmentNames({ AWS_ENDPOINT_URL: amazon.endpoint, R2_BUCKET: 'data' }, amazon), true);
  });
});

describe('r2Endpoint', () => {
  it('knows the jurisdictions', () => {
    assert.equal(r2Endpoint('abc'), 'https://abc.r2.cloudflarestorage.com');
    assert.equal(r2Endpoint('abc', 'EU'), 'https://abc.eu.r2.cloudflarestorage.com');
    for (const place of ['us', 'fedramp'])
      assert.equal(r2Endpoint('abc', place), `https://abc.${place}.r2.cloudflarestorage.com`);
    for (const place of r2Jurisdictions) assert.equal(accountOf(r2Endpoint('abc', place) ?? ''), 'abc');
    assert.deepEqual(r2Jurisdictions, ['default', 'eu', 'us', 'fedramp']);
    for (const [account, place] of [['evil.example/#'], ['abc', 'eu.evil'], ['']] as const)
      assert.equal(r2Endpoint(account, place), null);
    assert.equal(accountOf('https://abc.eu.r2.cloudflarestorage.com'), 'abc');
  });
});
