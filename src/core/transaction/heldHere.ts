/**
 * Ids of the locks and journals that this process works on just now. On the global object, because several of our bundles may be
 * loaded into one process, each with its own copy of this module.
 */
const HELD = Symbol.for('datamanager.transactions.held');

function held(): Set<string> {
  const shared = globalThis as { [HELD]?: Set<string> };
  shared[HELD] ??= new Set();
  return shared[HELD];
}

/** Notes that this process begins to work on it. Returns what ends that. */
export function holdHere(id: string): () => void {
  held().add(id);
  return () => {
    held().delete(id);
  };
}

/** True while this process works on it. Its own mark alone says nothing: an earlier operation here may have failed halfway. */
export function isHeldHere(id: string): boolean {
  return held().has(id);
}
