/** Names, numbers, quoted things, white space; anything else alone. */
const TOKEN = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|[\p{L}\p{N}_$]+|\s+|./gsu;
const CLAUSE =
  /^(?:select|from|where|group|having|window|order|limit|union|intersect|except|left|inner|cross|natural|join)$/i;
/** They begin a clause themselves, unless one of the words before JOIN did. */
const JOIN_WORDS = /\b(?:left|inner|cross|natural|outer)\s*$/i;

/**
 * A CREATE statement with one column or constraint a line, so that a line diff shows columns; a view that is written on one
 * line with one clause and result column a line. Only white space outside of quotes and comments changes; other statements
 * stay as written.
 *
 * @example
 * definitionLines('CREATE TABLE t(a INT, b TEXT)'); // ['CREATE TABLE t(', '  a INT,', '  b TEXT', ')']
 */
export function definitionLines(sql: string): string[] {
  const plain = !/--|\/\*/.test(sql);
  if (plain && /^create\s+(?:temp\s+|temporary\s+)?table\b/i.test(sql)) return tableLines(sql);
  if (plain && /^create\s+(?:temp\s+|temporary\s+)?view\b/i.test(sql) && !/[\r\n]/.test(sql)) return viewLines(sql);
  return sql.split(/\r?\n/);
}

function tableLines(sql: string): string[] {
  const lines: string[] = [];
  let line = '';
  let depth = 0;
  for (const token of sql.match(TOKEN) ?? []) {
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

function viewLines(sql: string): string[] {
  const lines: string[] = [];
  let line = '';
  let depth = 0;
  for (const token of sql.match(TOKEN) ?? []) {
    if (token === '(') depth++;
    else if (token === ')') depth--;
    if (depth === 0 && CLAUSE.test(token) && !JOIN_WORDS.test(line)) {
      lines.push(line.trimEnd());
      line = token;
    } else if (depth === 0 && token === ',') {
      lines.push(`${line.trimEnd()},`);
      line = '  ';
    } else if (line.trim() !== '' || !/^\s+$/.test(token)) line += token;
  }
  return [...lines, line.trimEnd()].filter((text) => text.trim() !== '');
}
