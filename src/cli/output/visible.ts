// Characters that drive a terminal (C0, DEL, C1), that reverse what follows, or that break a line: names come from other people.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is made visible here
const hidden = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The text with every character written out that a terminal would obey instead of show: `\x1b`, `\u202e`. */
export function visible(text: string): string {
  return text.replace(hidden, escaped);
}

/** The same for a text of several lines: line ends and tabs stay. */
export function visibleLines(text: string): string {
  return text.replace(hidden, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

/** A text folded to one line, for messages that must be one. */
export function oneLine(text: string): string {
  return visible(text.trim().replace(/\s*[\r\n]+\s*/g, ' '));
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (character === '\n') return '\\n';
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
