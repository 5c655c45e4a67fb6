import { DataManagerError, systemCode } from '../errors';
import { accountOf } from './r2Endpoint';

const TRANSIENT_CODES = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENETUNREACH',
  'ENETDOWN',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);
/** Nobody listens there, or the name is wrong: waiting a second doesn't help, and a person waits for the answer. */
const HOPELESS_CODES = new Set(['ENOTFOUND', 'ECONNREFUSED']);
const TLS_CODE = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO|CRL_/;

/**
 * True for the code of a failure between the machines, before any answer.
 *
 * @example
 * isNetworkCode('ECONNRESET'); // true
 */
export function isNetworkCode(code: string): boolean {
  return TRANSIENT_CODES.has(code) || HOPELESS_CODES.has(code);
}

/**
 * True for the code of a network failure that may pass by itself.
 *
 * @example
 * isTransientNetworkCode('ENOTFOUND'); // false: the name is wrong
 */
export function isTransientNetworkCode(code: string): boolean {
  return TRANSIENT_CODES.has(code);
}

/**
 * STORE_UNREACHABLE for an error of Node's network functions: which one of name, address, line, certificate and time it was. Null
 * when it was none of these.
 *
 * @example
 * throw networkError(error, { address: 'https://abc.example', data: { operation } }) ?? error;
 */
export function networkError(
  error: unknown,
  { address, data }: { readonly address: string; readonly data: Readonly<Record<string, unknown>> },
): DataManagerError | null {
  if (error instanceof DataManagerError) return error;
  const code = systemCode(error) ?? '';
  const unreachable = (why: string, hint: string): DataManagerError =>
    new DataManagerError('STORE_UNREACHABLE', `${address} can't be reached: ${why}.`, { hint, data });
  const connection = 'Check the address in the settings and your connection.';
  const account = accountOf(address);
  // An R2 endpoint is the account's own name: an account that does not exist has no name or no certificate.
  if (account !== null && (code === 'ENOTFOUND' || isHandshakeFailure(error))) {
    return unreachable(
      `R2 has no account "${account}" there`,
      'Check the account id (32 hex digits, on the overview page of R2) and the jurisdiction in the endpoint, such as ".eu.".',
    );
  }
  if (TLS_CODE.test(code)) return tlsError(code, error, unreachable);
  if ((error as { name?: unknown } | null)?.name === 'TimeoutError' || code === 'ETIMEDOUT') {
    return unreachable('it does not answer in time', connection);
  }
  switch (code) {
    case 'ENOTFOUND':
      return unreachable('no server has this name', connection);
    case 'EAI_AGAIN':
      return unreachable('the name can not be looked up now', 'Check your connection.');
    case 'ECONNREFUSED':
      return unreachable('nothing listens at this address', connection);
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return unreachable('the connection was cut', 'Check your connection and try again.');
  }
  return isNetworkCode(code) ? unreachable(code, connection) : null;
}

/**
 * STORE_UNREACHABLE for a proxy that wants to know who is there (HTTP 407). Never names the proxy's own user or password.
 *
 * @example
 * if (status === 407) throw proxyLogin('proxy.example:3128');
 */
export function proxyLogin(proxy: string | null): DataManagerError {
  return new DataManagerError('STORE_UNREACHABLE', `The proxy${proxy === null ? '' : ` ${proxy}`} asks for a login.`, {
    hint: 'Put its user name and password into the address of the proxy: http://USER:PASSWORD@HOST:PORT.',
    data: { proxy, status: 407 },
  });
}

function tlsError(
  code: string,
  error: unknown,
  unreachable: (why: string, hint: string) => DataManagerError,
): DataManagerError {
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    return unreachable(
      `its certificate is not valid today (${code})`,
      'Check the date of this machine; if it is right, whoever runs the server has to renew the certificate.',
    );
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return unreachable('its certificate is for another name', 'Check the name of the host in the settings.');
  }
  if (/wrong version number|packet length too long|http request/i.test(messageOf(error))) {
    return unreachable('it does not speak TLS', 'Check the port; a server without TLS is written with http://.');
  }
  if (isHandshakeFailure(error)) {
    return unreachable('it refused the secure connection', 'Check the name of the host in the settings.');
  }
  if (!/CERT|SELF_SIGNED|UNABLE_TO|CRL_/.test(code)) {
    return unreachable(`the secure connection failed (${code})`, 'Check the address in the settings.');
  }
  return unreachable(
    `its certificate is not trusted (${code})`,
    'Check the address; behind a company proxy or with a certificate of your own, set NODE_EXTRA_CA_CERTS to the file of its CA.',
  );
}

function isHandshakeFailure(error: unknown): boolean {
  return /handshake failure|unrecognized name/i.test(messageOf(error)) && TLS_CODE.test(systemCode(error) ?? '');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
