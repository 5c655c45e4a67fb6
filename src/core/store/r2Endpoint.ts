/**
 * Where an R2 bucket may be bound to stay; `default` has no bounds. Each has endpoints of its own
 * (https://developers.cloudflare.com/r2/reference/data-location/#jurisdictional-restrictions).
 */
export const r2Jurisdictions = ['default', 'eu', 'us', 'fedramp'] as const;
export type R2Jurisdiction = (typeof r2Jurisdictions)[number];

const R2_HOST = /^([a-z0-9-]+)(?:\.[a-z]+)?\.r2\.cloudflarestorage\.com$/;

/**
 * The address of an account's buckets. Null unless the account consists of letters, digits and dashes: it becomes a part of the host
 * that keys are sent to.
 *
 * @example
 * r2Endpoint('abc', 'eu'); // 'https://abc.eu.r2.cloudflarestorage.com'
 */
export function r2Endpoint(account: string, jurisdiction: string = 'default'): string | null {
  if (!/^[A-Za-z0-9-]+$/.test(account) || !/^[A-Za-z]*$/.test(jurisdiction)) return null;
  const place = jurisdiction.toLowerCase();
  return `https://${account}${place === '' || place === 'default' ? '' : `.${place}`}.r2.cloudflarestorage.com`;
}

/**
 * The account in the address of an R2 bucket, whatever its jurisdiction; null for any other address.
 *
 * @example
 * accountOf('https://abc.eu.r2.cloudflarestorage.com'); // 'abc'
 */
export function accountOf(endpoint: string): string | null {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  return url?.protocol === 'https:' ? (R2_HOST.exec(url.hostname)?.[1] ?? null) : null;
}
