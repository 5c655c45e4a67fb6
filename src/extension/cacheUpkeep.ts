import type { Disposable, LogOutputChannel } from 'vscode';
import type { ObjectCache } from '../core/store/cache';
import { cacheLimit } from './settings';
import { formatBytes } from './ui/quantities';

/** Long after the start of a window, and then now and then: nobody waits for it. Milliseconds. */
const firstAfterMs = 5 * 60 * 1000;
const everyMs = 60 * 60 * 1000;

/** Keeps the cache of versions below its limit. */
export function trimCacheLater(cache: ObjectCache, log: LogOutputChannel): Disposable {
  const trim = async (): Promise<void> => {
    try {
      const { removed, bytes } = await cache.trim(cacheLimit());
      if (removed > 0) log.info(`cache: ${removed} versions removed, ${formatBytes(bytes)} left`);
    } catch (error) {
      log.warn(`cache: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  const first = setTimeout(() => void trim(), firstAfterMs);
  const later = setInterval(() => void trim(), everyMs);
  return {
    dispose: () => {
      clearTimeout(first);
      clearInterval(later);
    },
  };
}
