import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './tempDir';

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** The certificate as a file: it is its own CA. */
  readonly file: string;
}

/** A new certificate for these names that nobody trusts, made by OpenSSL; null where there is no OpenSSL. */
export function selfSigned(...names: readonly string[]): Certificate | null {
  const folder = tempDir();
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const about = ['-subj', '/CN=test', '-addext', `subjectAltName=${alternatives}`, '-days', '2'];
  try {
    execFileSync('openssl', ['req', '-x509', ...curve, '-nodes', '-keyout', key, '-out', cert, ...about], {
      stdio: 'pipe',
    });
  } catch {
    return null;
  }
  return { key: readFileSync(key), cert: readFileSync(cert), file: cert };
}
