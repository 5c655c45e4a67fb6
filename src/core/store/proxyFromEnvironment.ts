import type { Environment } from './credentialsFromEnvironment';

/**
 * The proxy that an environment names for an address, as curl and most programs understand it: HTTPS_PROXY and HTTP_PROXY by the
 * scheme of the address, ALL_PROXY for either, in lower case too (which wins). NO_PROXY lists hosts to go straight to: `*`, a name with all
 * names below it, with a port or without, an IP address. HTTP_PROXY in upper case is left out where a web server runs us, since a
 * client could set it there (https://httpoxy.org).
 *
 * @example
 * const proxyFor = proxyFromEnvironment({ HTTPS_PROXY: 'http://proxy.example:3128', NO_PROXY: 'localhost,.intern' });
 * proxyFor(new URL('https://abc.r2.cloudflarestorage.com'))?.host; // 'proxy.example:3128'
 */
export function proxyFromEnvironment(env: Environment): (address: URL) => URL | null {
  const variable = (name: string): string => (env[name.toLowerCase()] || env[name] || '').trim();
  return (address) => {
    if (goesStraight(address, variable('NO_PROXY'))) return null;
    const own = address.protocol === 'https:' ? variable('HTTPS_PROXY') : httpProxy(env);
    return proxyAddress(own || variable('ALL_PROXY'));
  };
}

/**
 * The address of an http or https proxy out of what people write, with or without `http://`; null for none and for other kinds.
 *
 * @example
 * proxyAddress('proxy.example:3128')?.href; // 'http://proxy.example:3128/'
 */
export function proxyAddress(text: string): URL | null {
  if (text === '') return null;
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  return url && /^https?:$/.test(url.protocol) ? url : null;
}

/**
 * True when a list such as NO_PROXY names the host of an address.
 *
 * @example
 * goesStraight(new URL('https://s3.intern'), 'localhost,.intern'); // true
 */
export function goesStraight({ hostname, port, protocol }: URL, list: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const usedPort = port || (protocol === 'https:' ? '443' : '80');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true;
      const [, name = '', onlyPort] = /^(.*?)(?::(\d+))?$/.exec(entry.replace(/^\[(.*)\]/, '$1')) ?? [];
      // The colons of an IPv6 address are no ports.
      if (entry.split(':').length > 2) return entry.replace(/^\[|\]$/g, '') === host;
      if (onlyPort !== undefined && onlyPort !== usedPort) return false;
      const domain = name.replace(/^\*?\.?/, '');
      return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
    });
}

function httpProxy(env: Environment): string {
  return (env.http_proxy || (env.REQUEST_METHOD ? '' : env.HTTP_PROXY) || '').trim();
}
