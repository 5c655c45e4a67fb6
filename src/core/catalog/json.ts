import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { DataManagerError } from '../errors';

/**
 * A JSON number kept as it was written, because a JavaScript number would change it (1.0, 1e400, twenty digits). Only
 * fields that we don't know can hold one.
 */
export class RawNumber {
  constructor(readonly text: string) {}
}

export type JsonValue = null | boolean | number | string | RawNumber | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export type JsonPath = readonly (string | number)[];

/** Where a text comes from, for messages: `manifest.json`, and the error code that its faults get. */
export interface JsonSource {
  readonly file: string;
  readonly text: string;
  readonly code: 'MANIFEST_INVALID' | 'SETTINGS_INVALID';
}

/**
 * Parses JSON without loss: numbers that JavaScript would change become RawNumber.
 *
 * Throws `source.code` with the line and column of the first fault.
 *
 * @example
 * parseJson({ file: 'manifest.json', text: '[1.50]', code: 'MANIFEST_INVALID' }); // [RawNumber('1.50')]
 */
export function parseJson(source: JsonSource): JsonValue {
  const text = source.text.replace(/^\uFEFF/, '');
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw syntaxError({ ...source, text }, cause);
  }
  if (isDeeperThan(value, maxDepth)) throw jsonError(source, [], `is nested more than ${maxDepth} levels deep`);
  return mayHoldLossyNumber.test(text) ? losslessValue(text, value) : value;
}

/** Our files need six levels. JSON.parse takes any number, but whatever walks them by recursion does not. */
const maxDepth = 200;

function isDeeperThan(root: JsonValue, limit: number): boolean {
  let level: readonly JsonValue[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((value) => (isArray(value) || isObject(value) ? Object.values(value) : []));
  }
  return false;
}

// JSON.parse takes 6 ms for 10,000 versions and a syntax tree 190 ms, so the tree is built only for texts that hold a
// fraction, an exponent or sixteen digits somewhere. A match inside a string costs time, never a wrong result; the seconds of
// a timestamp must not match, or every manifest would.
const mayHoldLossyNumber = /(?:"\s*:|[[,])\s*(?:-0\D|-?\d+(?:\.\d|[eE]|\d{15}))/;

function losslessValue(text: string, plain: JsonValue): JsonValue {
  const tree = syntaxTree(text);
  return tree === undefined ? plain : nodeValue(tree, text);
}

function nodeValue(node: Node, text: string): JsonValue {
  switch (node.type) {
    case 'array':
      return (node.children ?? []).map((child) => nodeValue(child, text));
    case 'object':
      return Object.fromEntries(
        (node.children ?? []).flatMap((property) => {
          const [key, value] = property.children ?? [];
          return key && value ? [[String(key.value), nodeValue(value, text)]] : [];
        }),
      );
    case 'number': {
      const written = text.slice(node.offset, node.offset + node.length);
      return JSON.stringify(node.value) === written ? (node.value as number) : new RawNumber(written);
    }
    default:
      return node.value as JsonValue;
  }
}

/**
 * An error that points at one value of a parsed text: `manifest.json:12:7: "version" must be ...`.
 *
 * @example
 * throw jsonError(source, [0, 'history', 2, 'sha256'], 'must be 64 hex digits');
 */
export function jsonError(source: JsonSource, path: JsonPath, problem: string): DataManagerError {
  const text = source.text.replace(/^\uFEFF/, '');
  const node = findNode(text, path);
  const { line, column } = positionAt(text, node?.offset ?? 0);
  const where = path.length === 0 ? 'the file' : pathText(path);
  return new DataManagerError(source.code, `${source.file}:${line}:${column}: ${where} ${problem}.`, {
    hint: `Mend ${source.file} at line ${line}, or take it back from Git: git log -p -- ${source.file}`,
    data: { file: source.file, line, column, path: pathText(path) },
  });
}

// A missing member points at the object that should hold it.
function findNode(text: string, path: JsonPath): Node | undefined {
  const tree = syntaxTree(text);
  for (let length = path.length; tree && length >= 0; length--) {
    const node = findNodeAtLocation(tree, path.slice(0, length));
    if (node) return node;
  }
  return tree;
}

function syntaxError(source: JsonSource, cause: unknown): DataManagerError {
  const errors: ParseError[] = [];
  syntaxTree(source.text, errors);
  const first = errors[0];
  const { line, column } = positionAt(source.text, first?.offset ?? 0);
  const reason = first ? parseErrorText(printParseErrorCode(first.error)) : 'it cannot be read';
  const conflict = /^<{7} /m.test(source.text);
  return new DataManagerError(source.code, `${source.file}:${line}:${column}: not valid JSON: ${reason}.`, {
    hint: conflict
      ? `${source.file} holds Git conflict markers: finish the merge first.`
      : `Mend ${source.file} at line ${line}, or take it back from Git: git checkout -- ${source.file}`,
    data: { file: source.file, line, column },
    cause,
  });
}

// Undefined for a text that is nested so deeply that the recursive parser gives up: positions stay at the start then.
function syntaxTree(text: string, errors: ParseError[] = []): Node | undefined {
  try {
    return parseTree(text, errors, { allowEmptyContent: false });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

// "PropertyNameExpected" -> "property name expected".
function parseErrorText(code: string): string {
  return code.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function pathText(path: JsonPath): string {
  return path.map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`)).join('');
}

function positionAt(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}

/**
 * Writes JSON with two-space indent, LF and a trailing newline. Members keep the order that they have.
 *
 * @example
 * writeJson({ a: [1] }); // '{\n  "a": [\n    1\n  ]\n}\n'
 */
export function writeJson(value: JsonValue): string {
  // Three times as fast, and the same text, when there is no number to be kept as it was spelled.
  if (!holdsRawNumber(value)) return `${JSON.stringify(value, null, 2)}\n`;
  const out: string[] = [];
  writeValue(value, '\n', out);
  out.push('\n');
  return out.join('');
}

function holdsRawNumber(value: JsonValue): boolean {
  if (isArray(value)) return value.some(holdsRawNumber);
  if (isObject(value)) return Object.values(value).some(holdsRawNumber);
  return value instanceof RawNumber;
}

function writeValue(value: JsonValue, newline: string, out: string[]): void {
  if (value instanceof RawNumber) out.push(value.text);
  else if (isArray(value)) writeItems('[', value, ']', newline, out, (item, inner) => writeValue(item, inner, out));
  else if (isObject(value)) {
    writeItems('{', Object.entries(value), '}', newline, out, ([key, member], inner) => {
      out.push(JSON.stringify(key), ': ');
      writeValue(member, inner, out);
    });
  } else out.push(JSON.stringify(value));
}

function writeItems<T>(
  open: string,
  items: readonly T[],
  close: string,
  newline: string,
  out: string[],
  writeItem: (item: T, newline: string) => void,
): void {
  const inner = `${newline}  `;
  out.push(open);
  items.forEach((item, i) => {
    out.push(i === 0 ? inner : `,${inner}`);
    writeItem(item, inner);
  });
  out.push(items.length === 0 ? close : newline + close);
}

/**
 * Narrows a JSON value to an array.
 *
 * @example
 * if (!isArray(root)) throw jsonError(source, [], 'must be an array of datasets');
 */
export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/**
 * Narrows a JSON value to an object (not null, not an array, not a RawNumber).
 *
 * @example
 * if (isObject(value)) Object.keys(value);
 */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof RawNumber);
}
