/**
 * A CREATE statement with one column or constraint a line, so that a line diff shows columns. Only white space outside
 * of quotes and comments changes, and only where a table's top-level list is; other statements stay as written.
 *
 * @example
 * definitionLines('CREATE TABLE t(a INT, b TEXT)'); // ['CREATE TABLE t(', '  a INT,', '  b TEXT', ')']
 */
export function definitionLines(sql: string): string[] {
  if (!/^create\s+(?:temp\s+|temporary\s+)?table\b/i.test(sql) || /--|\/\*/.test(sql)) return sql.split(/\r?\n/);
  const lines: string[] = [];
  let line = '';
  let depth = 0;
  for (const token of sql.match(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\s+|./gs) ?? []) {
    if (token === '(' && depth++ === 0) {
      lines.push(`${line.trimEnd()}(`);
      line = '  ';
    } else if (token === ')' && --depth === 0) {
      lines.push(line.trimEnd());
      line = ')';
    } else if (token === ',' && depth === 1) {
      lines.push(`${line.trimEnd()},`);
      line = '  ';
    } else if (/^\s+$/.test(token)) {
      if (line.trim() !== '') line += ' ';
    } else line += token;
  }
  return [...lines, line.trimEnd()].filter((text) => text.trim() !== '');
}
