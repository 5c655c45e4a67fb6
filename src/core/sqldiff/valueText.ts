import { createHash } from 'node:crypto';
import type { SqlValue } from './model';
import { hex, realLiteral } from './sqlLiteral';

/** Longer texts and blobs are cut, in characters and bytes. */
const MAX_CHARACTERS = 200;
const MAX_BYTES = 32;
const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\\': '\\\\',
  "'": "\\'",
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are exactly what must not reach a terminal
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
/** Text that nobody could take for a number, NULL, a blob, or for more or fewer characters than it has. */
const PLAIN = /^(?![+-]?[.\d])(?!(?:null|[+-]?(?:inf|nan)\w*)$)(?!x'|text x')[^\s'\\](?:(?! {2})[^'\\])*(?<!\s)$/i;

/**
 * A value on one line for people: NULL, 42, 1.0, x'00ff' (2 bytes), and text bare where nothing else looks like it, else
 * in single quotes with escapes. A cut value tells its length and the start of its SHA-256, so that two cut values that
 * differ look different.
 *
 * @example
 * valueText('42'); // '42'   with the quotes
 * valueText(42n); // 42
 */
export function valueText(value: SqlValue): string {
  if (value === null) return 'NULL';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? realLiteral(value) : value > 0 ? 'Inf' : '-Inf';
  if (typeof value === 'string') return textValue(value);
  if (value instanceof Uint8Array) return bytesText(value);
  return `text ${bytesText(value.malformedText)}`;
}

/** A changed value that is longer is shown from shortly before the first difference. */
const MAX_CHANGED_CHARACTERS = 40;
const MAX_CHANGED_BYTES = 12;
/** Characters, or bytes, before the first difference. */
const SAME_CHARACTERS = 8;
const SAME_BYTES = 3;

/**
 * Two values of a changed cell. Of long ones of the same kind, the part around the first difference is shown, which may lie
 * far behind the start: two that differ look different.
 *
 * @example
 * changedTexts(`${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`); // ["'…xxxxxxxx1' (301 characters)", "'…xxxxxxxx2' (301 characters)"]
 */
export function changedTexts(before: SqlValue, after: SqlValue): readonly [string, string] {
  if (typeof before === 'string' && typeof after === 'string') {
    const from = excerptStart(before, after, MAX_CHANGED_CHARACTERS, SAME_CHARACTERS);
    if (from > 0) return [textExcerpt(before, from), textExcerpt(after, from)];
  }
  if (before instanceof Uint8Array && after instanceof Uint8Array) {
    const from = excerptStart(before, after, MAX_CHANGED_BYTES, SAME_BYTES);
    if (from > 0) return [bytesExcerpt(before, from), bytesExcerpt(after, from)];
  }
  return [valueText(before), valueText(after)];
}

/** Where to begin so that the first difference is seen; 0 when it is seen from the start. */
function excerptStart<T extends string | Uint8Array>(before: T, after: T, shown: number, kept: number): number {
  const common = Math.min(before.length, after.length);
  let same = 0;
  while (same < common && before[same] === after[same]) same++;
  return same < shown ? 0 : same - kept;
}

function textExcerpt(text: string, start: number): string {
  // Not from between the halves of a surrogate pair, nor up to there.
  const from = isLowHalf(text[start]) ? start - 1 : start;
  const end = from + MAX_CHANGED_CHARACTERS - SAME_CHARACTERS;
  const piece = text.slice(from, isLowHalf(text[end]) ? end + 1 : end);
  return `'…${quoted(piece).slice(1, -1)}${from + piece.length < text.length ? '…' : ''}' (${text.length} characters)`;
}

function isLowHalf(unit: string | undefined): boolean {
  return unit !== undefined && /[\udc00-\udfff]/.test(unit);
}

function bytesExcerpt(bytes: Uint8Array, from: number): string {
  const piece = bytes.subarray(from, from + MAX_CHANGED_BYTES);
  return `x'…${hex(piece)}${from + piece.length < bytes.length ? '…' : ''}' (${bytes.length} bytes)`;
}

function textValue(text: string): string {
  UNPRINTABLE.lastIndex = 0;
  if (text.length <= MAX_CHARACTERS) return PLAIN.test(text) && !UNPRINTABLE.test(text) ? text : quoted(text);
  // Not between the halves of a surrogate pair.
  const cut = /[\ud800-\udbff]/.test(text[MAX_CHARACTERS - 1] ?? '') ? MAX_CHARACTERS - 1 : MAX_CHARACTERS;
  return `${quoted(`${text.slice(0, cut)}`).slice(0, -1)}…' (${text.length} characters, sha256 ${digest(Buffer.from(text))})`;
}

function quoted(text: string): string {
  const escaped = text
    .replace(/[\\'\n\r\t]/g, (character) => NAMED_ESCAPES[character] ?? character)
    .replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
  return `'${escaped}'`;
}

function bytesText(bytes: Uint8Array): string {
  const size = bytes.length === 1 ? '1 byte' : `${bytes.length} bytes`;
  if (bytes.length <= MAX_BYTES) return `x'${hex(bytes)}' (${size})`;
  return `x'${hex(bytes.subarray(0, MAX_BYTES))}…' (${size}, sha256 ${digest(bytes)})`;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 8);
}
