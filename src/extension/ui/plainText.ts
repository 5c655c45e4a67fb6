// Line ends, control characters, and the ones that reorder text: none may change how a line of ours reads.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced here
const disturbing = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g;

/** Text from a manifest, a commit or a server on one line, fit for labels. */
export function oneLine(text: string): string {
  return text.replace(disturbing, ' ').trim();
}

/**
 * The same for Markdown. Every ASCII punctuation mark may be escaped (CommonMark 2.4), so all are: a hostile name can't
 * become a link, an image, HTML or an autolink.
 */
export function escapeMarkdown(text: string): string {
  return oneLine(text).replace(/[!-/:-@[-`{-~]/g, '\\$&');
}

/** The same for notifications, which turn `[text](command:...)` into links. */
export function notificationText(text: string): string {
  return text.replaceAll('](', '] (');
}

/** The same for quick picks and the status bar, which turn `$(name)` into icons. */
export function withoutIcons(text: string): string {
  return oneLine(text).replaceAll('$(', '\\$(');
}
