const graphemes = new Intl.Segmenter();

// East Asian Width W and F (Unicode Annex 11), in blocks: terminals give these two columns.
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u;
const emoji = /^\p{Emoji_Presentation}|\ufe0f/u;
const takesNoSpace = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const plain = /^[\x20-\x7e]*$/;

/** How many columns a terminal gives to a text: two for an emoji or a CJK character, none for a combining mark. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (!takesNoSpace.test(segment)) width += wide.test(segment) || emoji.test(segment) ? 2 : 1;
  }
  return width;
}

/** The longest beginning of a text that fits into so many columns; what was cut off shows as `…`. */
export function fitted(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let out = '';
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    width += displayWidth(segment);
    if (width > columns - 1) break;
    out += segment;
  }
  return `${out}…`;
}
