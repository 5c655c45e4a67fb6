import path from 'node:path';

/** The name under which attributes and configuration speak of our merge driver. */
export const mergeDriverName = 'datamanager';

/**
 * The `.gitattributes` beside a manifest, with the lines that ask for our merge driver: for the manifest and for the stored diffs.
 * What is there keeps its bytes and its line ends; null when the lines are there already.
 *
 * @example
 * mergeAttributes(null, 'manifest.json'); // '/manifest.json merge=datamanager\n/diffs/** merge=datamanager\n'
 */
export function mergeAttributes(text: string | null, manifestPath: string): string | null {
  const present = new Set((text ?? '').split(/\r?\n/).map((line) => line.trim().replace(/\s+/g, ' ')));
  const lines = [`/${path.posix.basename(manifestPath)}`, '/diffs/**']
    .map((pattern) => `${quoted(pattern)} merge=${mergeDriverName}`)
    .filter((line) => !present.has(line));
  if (lines.length === 0) return null;
  const before = text ?? '';
  const end = /\r\n/.test(before) ? '\r\n' : '\n';
  const gap = before === '' || before.endsWith('\n') ? '' : end;
  return before + gap + lines.map((line) => line + end).join('');
}

// gitattributes(5): a pattern with white space stands in double quotes.
function quoted(pattern: string): string {
  return /[\s"\\]/.test(pattern) ? `"${pattern.replace(/["\\]/g, '\\$&')}"` : pattern;
}
