import { join } from 'node:path';
import { build } from 'esbuild';

let bundle: Promise<string> | undefined;

/** Path of test/support/crashChild.ts as a program: bundled once, and run as users' programs are, as a process of its own. */
export function childBundle(): Promise<string> {
  bundle ??= (async () => {
    const outfile = join(process.cwd(), 'out', 'crash', `child-${process.pid}.cjs`);
    await build({
      entryPoints: [join(process.cwd(), 'test/support/crashChild.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      packages: 'external',
      supported: { 'dynamic-import': false },
      logLevel: 'error',
    });
    return outfile;
  })();
  return bundle;
}
