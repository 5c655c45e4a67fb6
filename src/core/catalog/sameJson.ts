import { isArray, isObject, type JsonValue, RawNumber } from './json';

/**
 * Whether two JSON values would be written the same: members in the same order, numbers spelled the same. `undefined` stands for
 * a member that is not there.
 *
 * @example
 * sameJson({ a: [1] }, { a: [1] }); // true
 */
export function sameJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  if (isObject(a)) {
    if (!isObject(b)) return false;
    const keys = Object.keys(a);
    const others = Object.keys(b);
    return keys.length === others.length && keys.every((key, i) => key === others[i] && sameJson(a[key], b[key]));
  }
  return a instanceof RawNumber && b instanceof RawNumber && a.text === b.text;
}
