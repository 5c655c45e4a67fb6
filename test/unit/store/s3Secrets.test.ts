import assert from 'node:assert/strict';
import { s3Error } from '../../../src/core/store/s3Errors';
import { leaksIn, spellingsOf } from '../../support/leaks';

const secrets = ['Secret/with+signs=&"and\'<more>\\%', 'f0e1d2c3'.repeat(8), 'tok.en-_~=='];

/** Each sign of a text written as a server might. */
const signs: Record<string, (sign: string) => string> = {
  'XML entities': (sign) => `&#x${sign.charCodeAt(0).toString(16)};`,
  'decimal entities': (sign) => `&#${sign.charCodeAt(0)};`,
  'percent signs': (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  'percent signs, twice': (sign) => `%25${sign.charCodeAt(0).toString(16)}`,
  'JSON escapes': (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  backslashes: (sign) => `\\${sign}`,
};

describe('what a server says back', () => {
  const context = { location: 's3://data', endpoint: 'https://host', bucket: 'data', operation: 'PutObject', key: 'k' };
  const everywhere = (said: string, httpStatusCode: number) => ({
    name: said,
    message: `You said ${said}, did you?`,
    Region: said,
    $metadata: { httpStatusCode, requestId: said },
    $response: { statusCode: httpStatusCode, headers: { 'x-amz-bucket-region': said } },
  });
  const shown = (said: string): string =>
    [400, 301, 403, 404, 418, 503]
      .map((status) => s3Error(everywhere(said, status), { ...context, secrets }))
      .map(({ message, hint, data, cause }) => JSON.stringify([message, hint, data, String(cause)]))
      .join('\n');

  it('is shown without a secret, however it is spelled', () => {
    for (const secret of secrets) {
      const spelled = Object.values(signs).map((spell) => [...secret].map(spell).join(''));
      for (const said of [...spellingsOf(secret), ...spelled]) {
        const text = shown(said);
        assert.deepEqual(leaksIn(said, text, [said, JSON.stringify(said).slice(1, -1)]), []);
        assert.match(text, /You said \*\*\*, did you\?/, `${said}: ${text}`);
      }
    }
  });

  it('is shown without the signature of a request', () => {
    const text = shown('AWS4-HMAC-SHA256 Credential=id/20260101/auto/s3/aws4_request, Signature=0a1b');
    assert.match(text, /You said AWS4-HMAC-SHA256 \*\*\*/);
    assert.doesNotMatch(text, /Credential|0a1b/);
  });

  it('keeps what is no secret: a region, an id, a sentence', () => {
    const text = shown('eu-west-1');
    assert.match(text, /the region of the bucket in the settings \(\\"eu-west-1\\"\)/);
    assert.match(text, /"requestId":"eu-west-1"/);
    assert.match(text, /You said eu-west-1, did you/);
  });
});
