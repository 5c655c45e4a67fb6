import { DataManagerError, systemCode } from '../errors';
import { isNetworkCode, isTransientNetworkCode, networkError, proxyLogin } from './networkErrors';
import { objectMissing } from './objectErrors';
import { accountOf } from './r2Endpoint';

export interface S3ErrorContext {
  readonly location: string;
  readonly endpoint: string;
  readonly bucket: string;
  readonly operation: string;
  /** The key as the caller knows it; null for an operation on the bucket. */
  readonly key: string | null;
  /** Texts that must never be shown, whatever a server answers. */
  readonly secrets: readonly string[];
}

interface Facts {
  readonly status: number | null;
  readonly name: string;
  readonly message: string;
  readonly requestId: string | null;
  /** Where the bucket is, if the server says so. */
  readonly region: string | null;
  readonly system: string | null;
}

const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504]);
const TRANSIENT_NAMES = new Set([
  'TimeoutError',
  'RequestTimeout',
  'SlowDown',
  'ConditionalRequestConflict',
  'OperationAborted',
  // The body was damaged on its way; what we sent was hashed from the same buffer.
  'XAmzContentSHA256Mismatch',
  'BadDigest',
  // The SDK has taken over the server's time from this very answer, so the next signature is right.
  'RequestTimeTooSkewed',
]);
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired', 'RequestExpired']);
const WRONG_REGION = new Set([
  'AuthorizationHeaderMalformed',
  'PermanentRedirect',
  'TemporaryRedirect',
  'InvalidRegionName',
  'IllegalLocationConstraintException',
]);

/**
 * True for a failure of the SDK or the network that may pass: a cut connection, a timeout, 429, 5xx.
 *
 * @example
 * await withRetry(run, { policy, isTransient, signal });
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof DataManagerError) return false;
  const { status, name, system } = factsOf(error);
  if (system !== null && isNetworkCode(system)) return isTransientNetworkCode(system);
  return TRANSIENT_NAMES.has(name) || (status !== null && TRANSIENT_STATUS.has(status));
}

/**
 * The header Retry-After of the answer that the SDK made an error of.
 *
 * @example
 * await withRetry(run, { policy, isTransient, retryAfter: retryAfterOf, signal });
 */
export function retryAfterOf(error: unknown): string | undefined {
  const { $response } = (error ?? {}) as { $response?: { headers?: Record<string, unknown> } };
  const header = $response?.headers?.['retry-after'];
  return typeof header === 'string' ? header : undefined;
}

/**
 * The HTTP status that an error of this store was made from, if the server had answered.
 *
 * @example
 * if (statusOf(error) === 412) return 'somebody was faster';
 */
export function statusOf(error: unknown): number | null {
  const status = DataManagerError.is(error) ? error.data.status : null;
  return typeof status === 'number' ? status : null;
}

/**
 * Turns a failure of the SDK into an error with a code and a sentence.
 *
 * Only the name, status and request id of the original are kept: its request holds the Authorization header, so it is not
 * even the `cause`.
 *
 * @example
 * catch (error) { throw s3Error(error, context); }
 */
export function s3Error(error: unknown, context: S3ErrorContext): DataManagerError {
  if (error instanceof DataManagerError) return error;
  const facts = withoutSecrets(factsOf(error), context.secrets);
  const { status, name, requestId, system } = facts;
  const { location, endpoint, bucket, operation, key } = context;
  const data = { operation, key, status, name, requestId, system, endpoint, bucket };

  if (name === 'AbortError') return new DataManagerError('CANCELLED', 'Cancelled.');
  if (status === null) {
    return (
      networkError(error, { address: endpoint, data }) ??
      new DataManagerError('STORE_FAILED', `${location} failed: ${operation}: ${spoken(facts)}.`, {
        hint: 'Check that the endpoint is an S3 service.',
        data,
      })
    );
  }
  if (status === 407) return proxyLogin(null);
  if (name === 'NoSuchBucket' || (status === 404 && key === null)) {
    return new DataManagerError('BUCKET_MISSING', `There is no bucket "${bucket}" at ${endpoint}.`, {
      hint: 'Check the bucket and the endpoint in the settings, or create the bucket.',
      data,
    });
  }
  if (status === 404 && (name === 'NoSuchKey' || operation === 'HeadObject')) {
    const missing = objectMissing(key ?? '', location);
    return new DataManagerError('OBJECT_MISSING', missing.message, { hint: missing.hint ?? '', data });
  }
  if (name === 'RequestTimeTooSkewed') {
    return new DataManagerError('STORE_REFUSED', `${location} refused because the clock of this machine is wrong.`, {
      hint: 'Set the clock right (turn on automatic time) and try again.',
      data: { ...data, reason: 'clock' },
    });
  }
  if (status >= 300 && status < 400 && !WRONG_REGION.has(name) && facts.region === null) {
    return new DataManagerError('STORE_REFUSED', `${location} sends us to another address (${status}).`, {
      hint: 'Nothing was sent there. Write the address that it moved to as the endpoint, such as https:// for http://.',
      data: { ...data, reason: 'redirect' },
    });
  }
  if (WRONG_REGION.has(name) || (status >= 300 && status < 400)) {
    const { region } = facts;
    return new DataManagerError('STORE_REFUSED', `${location} is in another region than the settings say.`, {
      hint: `Set the region of the bucket in the settings (${region === null ? '"auto" for Cloudflare R2' : `"${region}"`}).`,
      data: { ...data, region, reason: 'region' },
    });
  }
  const rejected = rejectedCredentials(facts, endpoint);
  if (rejected) return new DataManagerError('CREDENTIALS_REJECTED', rejected.message, { hint: rejected.hint, data });
  if (status === 403) {
    const right = rightFor(operation);
    return new DataManagerError('STORE_REFUSED', `${location} doesn't allow to ${right} (${operation}: ${name}).`, {
      hint: `Give the access key the right to ${right} (on R2 the permission "Object Read & Write" for this bucket).`,
      data,
    });
  }
  if (TRANSIENT_STATUS.has(status)) {
    return new DataManagerError('STORE_FAILED', `${location} is overloaded or out of order (${status} ${name}).`, {
      hint: 'Try again in a few minutes.',
      data,
    });
  }
  return new DataManagerError('STORE_FAILED', `${location} failed: ${operation}: ${status} ${spoken(facts)}.`, {
    hint: 'Check that the endpoint is an S3 service.',
    data,
  });
}

/** Which part of the credentials a server did not like, and what to do about it. */
function rejectedCredentials(
  { status, name, message }: Facts,
  endpoint: string,
): { message: string; hint: string } | null {
  if (EXPIRED.has(name)) {
    return { message: 'The temporary credentials have expired.', hint: 'Get new ones, with their session token.' };
  }
  if (name === 'InvalidToken' || (name === 'InvalidArgument' && /security-token/i.test(message))) {
    return {
      message: `${endpoint} rejected the session token.`,
      hint: 'Use the session token that came with this access key, or none if the key is a lasting one.',
    };
  }
  if (/access key has length/i.test(message)) {
    return {
      message: `${endpoint} rejected the access key: it has the wrong length.`,
      hint: 'An R2 access key id has 32 characters; take it from an R2 API token, not from the Cloudflare API.',
    };
  }
  if (name === 'SignatureDoesNotMatch') {
    return {
      message: `${endpoint} rejected the secret access key.`,
      hint: 'Copy the secret again; if it is lost, make a new access key. It belongs to one access key id only.',
    };
  }
  if (name === 'InvalidAccessKeyId' || status === 401) {
    const account = accountOf(endpoint);
    return {
      message: `${endpoint} does not know the access key id.`,
      hint:
        account === null
          ? 'Check the access key id, and that it belongs to this endpoint.'
          : `Check the access key id, and that it belongs to the account ${account}: the keys of another account are not known here.`,
    };
  }
  return null;
}

function rightFor(operation: string): string {
  if (/^(List|HeadBucket)/.test(operation)) return 'list the objects of the bucket';
  if (/^(Get|Head)/.test(operation)) return 'read objects';
  return /^Delete/.test(operation) ? 'delete objects' : 'write objects';
}

/** Amazon says which region it would have been: in the answer, or in a header of it. */
function regionOf(error: unknown): string | null {
  const { Region, $response } = Object(error) as {
    Region?: unknown;
    $response?: { headers?: Record<string, unknown> };
  };
  const region = Region ?? $response?.headers?.['x-amz-bucket-region'];
  return typeof region === 'string' && /^[a-z0-9-]{1,40}$/.test(region) ? region : null;
}

/**
 * The error for a server that says "fine" to everything, such as a web site or the login page of a hotel's network.
 *
 * @example
 * if (answer.ETag === undefined) throw noS3Service(location);
 */
export function noS3Service(location: string): DataManagerError {
  return new DataManagerError('STORE_FAILED', `What answers as ${location} is not an S3 service.`, {
    hint: 'Check the endpoint in the settings, and that the network asks for no login.',
  });
}

function factsOf(error: unknown): Facts {
  const given = error as {
    name?: unknown;
    message?: unknown;
    $metadata?: { httpStatusCode?: unknown; requestId?: unknown };
    $response?: { statusCode?: unknown };
  } | null;
  const status = given?.$metadata?.httpStatusCode ?? given?.$response?.statusCode;
  const requestId = given?.$metadata?.requestId;
  return {
    status: typeof status === 'number' ? status : null,
    name: typeof given?.name === 'string' ? given.name : 'Error',
    message: typeof given?.message === 'string' ? given.message : '',
    requestId: typeof requestId === 'string' ? requestId : null,
    region: regionOf(error),
    system: systemCode(error) ?? null,
  };
}

/** A server may say back what it was told, and in more than one place. */
function withoutSecrets(facts: Facts, secrets: readonly string[]): Facts {
  const spellings = secrets.flatMap(spellingsOf);
  const hide = (text: string): string =>
    spellings.reduce((hidden, spelling) => hidden.replace(spelling, '***'), text).replace(SIGNED, '$1 ***');
  return {
    ...facts,
    name: /^[\w.]{1,64}$/.test(facts.name) ? hide(facts.name) : 'Error',
    message: hide(facts.message),
    requestId: facts.requestId === null ? null : hide(facts.requestId).slice(0, 100),
    region: facts.region !== null && hide(facts.region) === facts.region ? facts.region : null,
  };
}

/** The header that opens the bucket for one request, for a quarter of an hour. */
const SIGNED = /(AWS4-HMAC-SHA256)[\s\S]*/g;

const ENTITIES: Readonly<Record<string, string>> = { '&': 'amp', '<': 'lt', '>': 'gt', '"': 'quot', "'": 'apos' };

/** A secret as it is written in a text, an address, JSON or XML, each sign in any of these ways; and as a whole in base64 or hex. */
function spellingsOf(secret: string): readonly RegExp[] {
  const signs = [...secret].map((sign) => {
    const code = sign.codePointAt(0) ?? 0;
    const hex = code.toString(16).padStart(2, '0');
    const inAddress = [...Buffer.from(sign)].map((byte) => `%(?:25)*${byte.toString(16).padStart(2, '0')}`).join('');
    const inXml = `&(?:#0*${code}|#x0*${hex}|${ENTITIES[sign] ?? `#${code}`});`;
    return `(?:${inAddress}|${inXml}|\\\\+u0*${hex}|\\\\*${literally(sign)})`;
  });
  const bytes = Buffer.from(secret);
  const encoded = [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')].map(literally);
  return [signs.join(''), ...encoded].map((pattern) => new RegExp(pattern, 'gi'));
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}

/** The server's own words, for a failure that has none of ours: one short line. */
function spoken({ name, message }: Facts): string {
  const text = message
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .slice(0, 160)
    .trim();
  return text === '' || text === name ? name : `${name}, ${text.replace(/\.$/, '')}`;
}
