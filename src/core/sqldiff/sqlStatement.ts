/** What a quote or comment is made of; the last two are open at the end of the text. */
const PIECES =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*\n|\/\*[\s\S]*?\*\/|(?<line>--[^\n]*$)|(?<block>\/\*[\s\S]*$)/g;

/** A CREATE statement as it is stored, ready to stand in a script. */
export interface Statement {
  readonly text: string;
  /** False when running it may store another text: one that ends in a comment, which has to be closed before the semicolon. */
  readonly storesItself: boolean;
}

/**
 * Ends a statement with a semicolon, which a comment at its end would swallow.
 *
 * @example
 * terminated('CREATE VIEW v AS SELECT 1 -- one').text; // 'CREATE VIEW v AS SELECT 1 -- one\n;'
 */
export function terminated(sql: string): Statement {
  for (const { groups } of sql.matchAll(PIECES)) {
    if (groups?.line !== undefined) return { text: `${sql}\n;`, storesItself: false };
    if (groups?.block !== undefined) return { text: `${sql}*/;`, storesItself: false };
  }
  return { text: `${sql};`, storesItself: true };
}
