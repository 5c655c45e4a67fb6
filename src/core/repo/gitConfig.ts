/**
 * The values of one Git config file by `section.key` or `section.subsection.key`; section and key in lower case, values in
 * order. No includes: what decides how a repository is read may not be in one. Syntax: git-config(1), "Syntax".
 *
 * @example
 * parseGitConfig('[core]\n\tbare = false').get('core.bare'); // ['false']
 */
export function parseGitConfig(text: string): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  let section = '';
  for (const line of text.replace(/\\\r?\n/g, '').split(/\r?\n/)) {
    const header = /^\s*\[\s*([\w.-]+)(?:\s+"((?:[^"\\]|\\.)*)")?\s*\]\s*(.*)$/.exec(line);
    if (header) {
      const subsection = header[2]?.replace(/\\(.)/g, '$1');
      section = (header[1] ?? '').toLowerCase() + (subsection === undefined ? '' : `.${subsection}`);
    }
    const setting = /^\s*([A-Za-z][\w-]*)\s*(?:=\s*(.*))?$/.exec(header ? (header[3] ?? '') : line);
    if (!setting) continue;
    const key = `${section}.${(setting[1] ?? '').toLowerCase()}`;
    values.set(key, [...(values.get(key) ?? []), plainValue(setting[2])]);
  }
  return values;
}

/** Without quotes, escapes and comment; a key alone means true. */
function plainValue(raw: string | undefined): string {
  if (raw === undefined) return 'true';
  let value = '';
  let quoted = false;
  for (let i = 0; i < raw.length; i++) {
    const char = raw[i] ?? '';
    if (char === '"') quoted = !quoted;
    else if (char === '\\') value += { n: '\n', t: '\t' }[raw[++i] ?? ''] ?? raw[i] ?? '';
    else if (!quoted && (char === '#' || char === ';')) break;
    else value += char;
  }
  return value.trim();
}
