import http from 'node:http';
import https from 'node:https';
import { systemCode } from '../../errors';

/** A server's answer, read to its end. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusMessage: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly signal: AbortSignal;
  /** Certificates to trust instead of Node's, PEM. */
  readonly ca?: string | undefined;
}

/** Node can't hold more in one piece, and isomorphic-git wants it so. */
const MAX_BODY_BYTES = 2 ** 31 - 1;

/**
 * One request and its whole answer, on a connection of its own. Follows no redirect. There is no time limit but the signal: the
 * global agent would cut a connection that is silent for 4 s, which a server's hook may well be.
 *
 * Rejects with Node's system errors, or with the signal's reason.
 *
 * @example
 * const { status, body } = await httpExchange({ url, method: 'GET', headers: {}, body: Buffer.alloc(0), signal });
 */
export function httpExchange({ url, method, headers, body, signal, ca }: HttpRequest): Promise<HttpAnswer> {
  const secure = url.protocol === 'https:';
  const agent = secure
    ? new https.Agent({ keepAlive: false, ...(ca && { ca }) })
    : new http.Agent({ keepAlive: false });
  return new Promise<HttpAnswer>((resolve, reject) => {
    const length = method === 'GET' ? {} : { 'content-length': String(body.length) };
    const options = { method, headers: { ...headers, ...length, connection: 'close' }, agent, signal };
    const request = (secure ? https : http).request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BODY_BYTES) response.destroy(new Error('The answer is larger than 2 GiB.'));
        else chunks.push(chunk);
      });
      response.on('error', reject); // also ECONNRESET when it ends before its time
      response.on('end', () => {
        const { statusCode = 0, statusMessage = '', headers: given } = response;
        resolve({ status: statusCode, statusMessage, headers: given, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
    // A server that refuses early answers before it has read everything; then its answer counts, not the broken pipe.
    request.on('socket', (socket) => socket.on('error', () => {}));
    request.end(body);
  })
    .catch((error: unknown) => {
      throw signal.aborted ? (signal.reason ?? error) : error;
    })
    .finally(() => agent.destroy());
}

/**
 * What was wrong with a server's certificate, by Node's code of the error; null when it was something else.
 *
 * @example
 * if (certificateProblem(error) === 'certificate-host') warn('Another server answered.');
 */
export function certificateProblem(error: unknown): 'certificate' | 'certificate-host' | null {
  const code = systemCode(error) ?? '';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'certificate-host';
  return /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO$)/.test(code) ? 'certificate' : null;
}

/**
 * True for a connection that was never made: nothing was sent over it.
 *
 * @example
 * if (isNotConnected(error)) tryAgainLater();
 */
export function isNotConnected(error: unknown): boolean {
  return /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/.test(systemCode(error) ?? '');
}
