import { readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset, VersionEntry } from '../src/core/catalog/manifest';
import { fetchVersion } from '../src/core/operations/fetchVersion';
import { createCache } from '../src/core/store/cache';
import { createFollowThread } from '../src/core/store/followThread';
import { hashFile } from '../src/core/store/hashFile';
import type { ObjectStore } from '../src/core/store/objectStore';
import { createS3Store } from '../src/core/store/s3Store';
import type { StoreCredentials } from '../src/core/store/storeSettings';
import { type StoredVersion, sendObject } from '../src/core/transfer/sendObject';

/** What one process does: `prepare` fills store and cache, the others are measured. */
interface Task {
  readonly action: 'prepare' | 'upload' | 'publish' | 'download' | 'pull';
  readonly store: { readonly endpoint: string; readonly bucket: string; readonly credentials: StoreCredentials };
  readonly cacheFolder: string;
  readonly notesFolder: string;
  /** The file to send, or to write. */
  readonly path: string;
  /** Of the object; where it is missing, it is made of the file's SHA-256. */
  readonly key?: string;
  readonly base?: StoredVersion & { readonly path: string };
  readonly wanted?: StoredVersion;
  readonly deltaFirst?: boolean;
}

async function run(task: Task, store: ObjectStore): Promise<Record<string, unknown>> {
  const cache = createCache({ folder: task.cacheFolder });
  const { follow } = createFollowThread(join(__dirname, 'follower.cjs'));
  if (task.action === 'download' || task.action === 'pull') {
    const { wanted, base } = task as Required<Task>;
    if (base) await cache.addFile(base.path, base.sha256);
    const history = [wanted, base]
      .filter(Boolean)
      .map((of) => ({ ...of, status: 'published' }) as unknown as VersionEntry);
    const version = { dataset: { name: 'utopia', history } as unknown as Dataset, entry: history[0] as VersionEntry };
    return measured(async () => {
      const got = await fetchVersion({ cache, openStore: async () => store, follow }, version, task.path, {});
      return { from: got.from, received: got.bytesReceived, copied: got.bytesSeeded, requests: got.requests };
    });
  }
  const send = async () => {
    const { sha256, size } = await hashFile({ path: task.path });
    const key = task.key ?? `utopia/${sha256}`;
    const sent = await sendObject({
      ...{ store, key, cache, file: { path: task.path, sha256, size }, base: task.base ?? null },
      ...{ deltaFirst: task.deltaFirst, notesFolder: task.notesFolder, now: Date.now },
    });
    const { bytesSent, bytesCopied, requests, how } = sent;
    return { key, sha256, size, how, sent: bytesSent, copied: bytesCopied, requests };
  };
  if (task.action === 'prepare') {
    const { sha256 } = await hashFile({ path: task.path });
    await cache.addFile(task.path, sha256);
    return send();
  }
  // A publish finds the version before in the cache, and leaves the new one there.
  if (task.base) {
    await cache.addFile(task.base.path, task.base.sha256);
    await cache.addFile(task.path, (await hashFile({ path: task.path })).sha256);
  }
  return measured(send);
}

async function measured(action: () => Promise<Record<string, unknown>>): Promise<Record<string, unknown>> {
  forgetPeak();
  const idle = process.memoryUsage.rss();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await action();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { ...result, seconds, cpu: (user + system) / 1e6, rss: peak() - idle };
}

/** Linux can start the high-water mark anew; elsewhere what was prepared counts too. */
function forgetPeak(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {}
}

/** Bytes. */
function peak(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

async function main(task: Task): Promise<void> {
  const store = createS3Store({ region: 'auto', ...task.store });
  const result = await run(task, store);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  if (task.wanted) {
    const { sha256 } = await hashFile({ path: task.path });
    if (sha256 !== task.wanted.sha256) throw new Error('Other bytes arrived.');
    await rm(task.path);
  }
}

void main(JSON.parse(process.argv[2] ?? '{}') as Task);
