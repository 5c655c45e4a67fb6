import os from 'node:os';
import path from 'node:path';
import type { Environment } from './credentialsFromEnvironment';

/**
 * The cache of this user, which every shell shares: DATAMANAGER_CACHE, XDG_CACHE_HOME, or where the platform keeps caches.
 *
 * @example
 * const cache = createCache({ folder: cacheFolder(process.env) });
 */
export function cacheFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  if (env.DATAMANAGER_CACHE) return path.resolve(env.DATAMANAGER_CACHE);
  // The XDG specification has relative paths ignored.
  if (env.XDG_CACHE_HOME && path.isAbsolute(env.XDG_CACHE_HOME)) return path.join(env.XDG_CACHE_HOME, 'datamanager');
  if (platform === 'darwin') return path.join(os.homedir(), 'Library', 'Caches', 'datamanager');
  if (platform === 'win32' && env.LOCALAPPDATA) return path.join(env.LOCALAPPDATA, 'datamanager', 'Cache');
  return path.join(os.homedir(), '.cache', 'datamanager');
}
