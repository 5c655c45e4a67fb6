/** The test support tidies up in hooks of mocha; outside of it they are kept here. Import this first. */
const hooks: (() => unknown)[] = [];

Object.assign(globalThis, { after: (hook: () => unknown) => hooks.push(hook) });

/** Runs the hooks, the last one first. */
export async function runHooks(): Promise<void> {
  for (const hook of hooks.reverse()) await hook();
}
