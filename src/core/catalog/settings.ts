import type { StoreSettings } from '../store/storeSettings';
import { isObject, type JsonObject, type JsonSource, jsonError, parseJson, writeJson } from './json';

export const settingsFile = '.datamanager.json';

/** What `.datamanager.json` says about a repository. It is committed, so it holds no secret. */
export interface RepositorySettings {
  readonly store: StoreSettings | null;
  readonly diff: {
    /** Lines up to which a stored `.diff` holds the full text. */
    readonly maxLines: number;
  };
  readonly transfer: {
    /** True: a publish sends only the changes, and the whole object is made later (`datamanager materialize`). */
    readonly deltaFirst: boolean;
  };
  /** The address below which anyone can download the objects by their keys, without a slash at its end; null when there is none. */
  readonly publicUrl: string | null;
}

const defaultMaxLines = 500;

/**
 * Reads `.datamanager.json`; null stands for a repository without one. Unknown members are ignored here and kept in the file.
 *
 * Throws SETTINGS_INVALID with the exact position.
 *
 * @example
 * const { store } = parseSettings('{"schemaVersion":1,"store":{"type":"folder","path":"../store"}}');
 */
export function parseSettings(text: string | null): RepositorySettings {
  if (text === null) {
    return { store: null, diff: { maxLines: defaultMaxLines }, transfer: { deltaFirst: false }, publicUrl: null };
  }
  const source: JsonSource = { file: settingsFile, text, code: 'SETTINGS_INVALID' };
  const root = parseJson(source);
  if (!isObject(root)) throw jsonError(source, [], 'must be an object');
  const version = root.schemaVersion ?? 1;
  if (version !== 1) throw jsonError(source, ['schemaVersion'], 'is not 1: a newer Data Manager wrote this file');
  return {
    store: readStore(source, root),
    diff: { maxLines: readMaxLines(source, root) },
    transfer: { deltaFirst: readDeltaFirst(source, root) },
    publicUrl: readPublicUrl(source, root),
  };
}

/**
 * The text of a new `.datamanager.json`.
 *
 * @example
 * await writeFile('.datamanager.json', writeSettings({ type: 'folder', path: '../store' }));
 */
export function writeSettings(store: StoreSettings | null): string {
  return writeJson({
    schemaVersion: 1,
    ...(store ? { store: { ...store } } : {}),
    diff: { maxLines: defaultMaxLines },
  });
}

function readStore(source: JsonSource, root: JsonObject): StoreSettings | null {
  const store = root.store;
  if (store === undefined || store === null) return null;
  if (!isObject(store)) throw jsonError(source, ['store'], 'must be an object');
  const member = (name: string): string => {
    const value = store[name];
    if (typeof value !== 'string' || value === '' || value.includes('\0'))
      throw jsonError(source, ['store', name], 'must be a text');
    return value;
  };
  if (store.type === 'folder') return { type: 'folder', path: member('path') };
  if (store.type !== 's3') throw jsonError(source, ['store', 'type'], 'must be "folder" or "s3"');
  const endpoint = member('endpoint');
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : '')) {
    throw jsonError(source, ['store', 'endpoint'], 'must be an http(s) address');
  }
  return {
    type: 's3',
    endpoint,
    bucket: member('bucket'),
    ...(store.region === undefined ? {} : { region: member('region') }),
    ...(store.prefix === undefined || store.prefix === '' ? {} : { prefix: member('prefix') }),
  };
}

function readMaxLines(source: JsonSource, root: JsonObject): number {
  const maxLines = isObject(root.diff) ? root.diff.maxLines : undefined;
  if (maxLines === undefined) return defaultMaxLines;
  if (typeof maxLines !== 'number' || !Number.isSafeInteger(maxLines) || maxLines < 0) {
    throw jsonError(source, ['diff', 'maxLines'], 'must be a number of lines');
  }
  return maxLines;
}

function readDeltaFirst(source: JsonSource, root: JsonObject): boolean {
  const deltaFirst = isObject(root.transfer) ? root.transfer.deltaFirst : undefined;
  if (deltaFirst === undefined) return false;
  if (typeof deltaFirst !== 'boolean') throw jsonError(source, ['transfer', 'deltaFirst'], 'must be true or false');
  return deltaFirst;
}

// No user name (a secret in a committed file), and no query or fragment: a key is put behind it.
function readPublicUrl(source: JsonSource, root: JsonObject): string | null {
  const { publicUrl } = root;
  if (publicUrl === undefined || publicUrl === null || publicUrl === '') return null;
  const url = typeof publicUrl === 'string' && URL.canParse(publicUrl) ? new URL(publicUrl) : null;
  const plain = url && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (plain && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, '');
  throw jsonError(source, ['publicUrl'], 'must be an http(s) address without a user name, ? or #');
}
