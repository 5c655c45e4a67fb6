/** A name, `=`, and a value that is quoted (perhaps over several lines) or plain up to a comment. */
const ASSIGNMENT =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*(?:"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'|`([^`]*)`|([^\n]*))/gm;

/**
 * The variables in the text of a `.env` file. The last of two equal names wins; nothing is expanded.
 *
 * Follows https://github.com/motdotla/dotenv#rules: `export` in front, single, double and back quotes, `\n` within double
 * quotes, comments, CRLF. Node's own `util.parseEnv` came with 20.12 only.
 *
 * @example
 * parseDotEnv('export R2_BUCKET="data" # ours'); // { R2_BUCKET: 'data' }
 */
export function parseDotEnv(text: string): Record<string, string> {
  const variables: Record<string, string> = Object.create(null);
  for (const match of text
    .replace(/^\uFEFF/, '')
    .replace(/\r\n?/g, '\n')
    .matchAll(ASSIGNMENT)) {
    const [, name, double, single, back, plain] = match;
    if (name === undefined) continue;
    variables[name] = double === undefined ? (single ?? back ?? unquoted(plain ?? '')) : unescaped(double);
  }
  return { ...variables };
}

function unquoted(text: string): string {
  return (text.startsWith('#') ? '' : text.replace(/\s#.*$/, '')).trim();
}

function unescaped(text: string): string {
  return text.replace(/\\([\s\S])/g, (_, character: string) => {
    if (character === 'n') return '\n';
    if (character === 'r') return '\r';
    if (character === 't') return '\t';
    return character === '"' || character === '\\' ? character : `\\${character}`;
  });
}
