// biome-ignore lint/suspicious/noControlCharactersInRegex: what these tell is that the bytes are no text
const NO_TEXT = /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/;

/** What Windows-1252 has at 0x80 to 0x9f. */
const C1_AS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/**
 * Bytes of a text file as text; null when they are none. UTF-16 by its byte order mark, UTF-8, else Windows-1252, in which
 * many spreadsheets still export; control characters tell that it is no text at all. A byte order mark is not part of it.
 *
 * @example
 * decodeText(readFileSync('costs.csv')); // 'region;cost\n...'
 */
export function decodeText(bytes: Uint8Array): string | null {
  const utf16 = utf16Name(bytes);
  const text = utf16 ? decoded(bytes, utf16) : (decoded(bytes, 'utf-8') ?? windows1252(bytes));
  return text === null || NO_TEXT.test(text) ? null : text;
}

function utf16Name([first, second]: Uint8Array): 'utf-16le' | 'utf-16be' | null {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : null;
}

/** Node's own decoder of this name gives ISO 8859-1 in some versions, without the euro sign. */
function windows1252(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  return text.replace(/[\u0080-\u009f]/g, (character) => C1_AS_1252[character.charCodeAt(0) - 0x80] ?? character);
}

function decoded(bytes: Uint8Array, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
