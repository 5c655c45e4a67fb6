import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What secrets could look like in a file: as they are, in an address, in JSON, in XML, in base64 and in hex. */
export function spellingsOf(...secrets: readonly string[]): readonly string[] {
  return secrets.flatMap((text) => [
    text,
    encodeURIComponent(text),
    encodeURIComponent(text).toLowerCase(),
    JSON.stringify(text).slice(1, -1),
    JSON.stringify(text).slice(1, -1).replaceAll('/', '\\/'),
    text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;'),
    Buffer.from(text).toString('base64'),
    Buffer.from(text).toString('base64url'),
    Buffer.from(text).toString('hex'),
  ]);
}

export function leaksIn(what: string, bytes: Buffer | string, needles: readonly string[]): readonly string[] {
  return needles.filter((needle) => bytes.includes(needle)).map((needle) => `${needle} in ${what}`);
}

/** In the files below a folder and in their names. */
export function leaksBelow(folder: string, needles: readonly string[]): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .flatMap((file) => [...leaksIn(file, readFileSync(file), needles), ...leaksIn('a file name', file, needles)]);
}
