import { parseDotEnv } from './dotEnv';
import type { StoreCredentials } from './storeSettings';

/** What could be found; each part may be missing. */
export interface FoundCredentials extends Partial<StoreCredentials> {
  readonly endpoint?: string;
  readonly bucket?: string;
}

const NAMES: readonly (readonly [part: keyof FoundCredentials, name: RegExp])[] = [
  ['secretAccessKey', /secret[\s_-]*access[\s_-]*key|secret[\s_-]*key/i],
  ['accessKeyId', /access[\s_-]*key[\s_-]*id|access[\s_-]*key/i],
  ['sessionToken', /session[\s_-]*token/i],
  ['bucket', /bucket(?:[\s_-]*name)?/i],
];
const ENDPOINT = /https?:\/\/[^\s"'`<>,;]+/gi;

/**
 * Finds an access key in text that was copied from a page or a file: what R2 shows when an API token is made (a label, its value on the
 * next line, endpoints for jurisdictions), the lines of a `.env` or `credentials` file, JSON. Of several endpoints the one of R2 counts
 * that comes first.
 *
 * @example
 * credentialsFromText('Access Key ID\n0123…\nSecret Access Key\n4567…\nhttps://abc.r2.cloudflarestorage.com').accessKeyId; // '0123…'
 */
export function credentialsFromText(text: string): FoundCredentials {
  // Of JSON in one line, each member becomes a line.
  const lines = text
    .replace(/[{}]|,\s*(?=")/g, '\n')
    .split(/\r?\n|\r/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const found: Partial<Record<keyof FoundCredentials, string>> = {};
  for (const [at, line] of lines.entries()) {
    const named = NAMES.find(([, name]) => new RegExp(`^["'\\w\\s-]{0,20}?(?:${name.source})`, 'i').test(line));
    if (!named || found[named[0]] !== undefined) continue;
    const value = valueIn(line, named[1]) ?? plainValue(lines[at + 1]);
    if (value !== null) found[named[0]] = value;
  }
  const addresses = (text.match(ENDPOINT) ?? []).filter((address) => URL.canParse(address));
  const endpoint =
    addresses.find((address) => new URL(address).hostname.endsWith('.r2.cloudflarestorage.com')) ?? addresses[0];
  return { ...found, ...(endpoint ? { endpoint: endpoint.replace(/[.)\]]+$/, '') } : {}) };
}

/** What stands behind the name: after `=`, `:`, or a tab. */
function valueIn(line: string, name: RegExp): string | null {
  const rest = line.slice(line.search(name)).replace(name, '');
  const value = /^["']?\s*[=:\t]\s*(.+)$/.exec(rest)?.[1];
  return value === undefined ? null : plainValue(Object.values(parseDotEnv(`X=${value.replace(/,$/, '')}`))[0]);
}

/** A value is one word; another label or a sentence is none. */
function plainValue(text: string | undefined): string | null {
  const value = text?.trim() ?? '';
  return value !== '' && !/\s/.test(value) && !NAMES.some(([, name]) => name.test(value)) ? value : null;
}
