// Builds what ships (dist/) and, with --tests, what tests run (out/test/).
//   node esbuild.mjs [--tests] [--dev] [--watch]      --dev: not minified, with source maps
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { build, context } from 'esbuild';
import { thirdPartyNotices } from './scripts/thirdPartyNotices.mjs';

const root = import.meta.dirname;
const dist = path.join(root, 'dist');
const flags = new Set(process.argv.slice(2));
const dev = flags.has('--dev') || flags.has('--watch');

/**
 * The S3 client is most of our bytes and is needed by the first transfer only. So `import('…/store/s3Store')` becomes
 * `require('./s3Store.js')`, a bundle of its own that activation and `datamanager list` never parse.
 */
const lazyS3Store = {
  name: 'lazy-s3-store',
  setup(bundle) {
    bundle.onResolve({ filter: /(^|\/)s3Store(\.js)?$/ }, ({ kind, importer }) => {
      if (kind === 'dynamic-import') return { path: './s3Store.js', external: true };
      if (kind === 'entry-point') return undefined;
      return { errors: [{ text: `${path.relative(root, importer)} must load s3Store with a dynamic import()` }] };
    });
  },
};

/**
 * What the extension loads on first use (publishing, Git history) goes into one bundle of its own, dist/operations.js, so that
 * activation does not even parse it: each `import('../core/...')` becomes `require('./operations.js')`, and the modules that
 * were asked for so are its exports.
 *
 * @param {Set<string>} modules collects their paths
 */
const lazyOperations = (modules) => ({
  name: 'lazy-operations',
  setup(bundle) {
    bundle.onResolve({ filter: /\/core\// }, ({ kind, path: module, resolveDir }) => {
      if (kind !== 'dynamic-import' || module.endsWith('/s3Store')) return undefined;
      modules.add(path.relative(root, path.join(resolveDir, module)).split(path.sep).join('/'));
      return { path: './operations.js', external: true };
    });
  },
});

/** Credentials are always passed in, so the SDK's search through ~/.aws, SSO, IMDS ... (130 kB) is dead weight. */
const noCredentialSearch = {
  name: 'no-credential-search',
  setup(bundle) {
    bundle.onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, () => ({ path: 'none', namespace: 'stub' }));
    bundle.onLoad({ filter: /.*/, namespace: 'stub' }, () => ({
      contents: `export const defaultProvider = () => async () => { throw new Error('No credentials were given to the S3 client'); };`,
    }));
  },
};

/** `debug` would print the address of a proxy, with its password, for whoever has DEBUG set. */
const noDebugOutput = {
  name: 'no-debug-output',
  setup(bundle) {
    bundle.onResolve({ filter: /^debug$/ }, () => ({ path: 'debug', namespace: 'silent' }));
    bundle.onLoad({ filter: /.*/, namespace: 'silent' }, () => ({ contents: 'module.exports = () => () => {};' }));
  },
};

/** Tests import our own .mjs scripts; bundled as CommonJS, `import.meta.dirname` would be undefined there. */
const scriptDirname = {
  name: 'script-dirname',
  setup(bundle) {
    bundle.onLoad({ filter: /\.mjs$/ }, async ({ path: file }) => {
      if (file.includes(`${path.sep}node_modules${path.sep}`)) return undefined;
      const source = await readFile(file, 'utf8');
      return { contents: source.replaceAll('import.meta.dirname', JSON.stringify(path.dirname(file))), loader: 'js' };
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  // The ES modules of a package shake better than its CommonJS build (S3: 589 -> 431 kB).
  mainFields: ['module', 'main'],
  // import() of a bundle beside us becomes require(): the extension host's import() is slower and can't be cached.
  supported: { 'dynamic-import': false },
  logLevel: 'warning',
  sourcemap: dev ? 'linked' : false,
};

const shipped = {
  ...common,
  minify: !dev,
  legalComments: 'none',
  plugins: [lazyS3Store, noCredentialSearch, noDebugOutput],
};

/** @type {Set<string>} */
const operations = new Set();
/** @type {import('esbuild').BuildOptions} */
const extension = {
  ...shipped,
  entryPoints: ['src/extension/extension.ts'],
  outfile: 'dist/extension.js',
  external: ['vscode'],
  plugins: [lazyOperations(operations), ...shipped.plugins],
};

/** A first pass over the extension tells what it loads lazily. */
async function operationsEntry() {
  await build({ ...extension, write: false, logLevel: 'silent' }).catch(() => {}); // the real build says what is wrong
  return [...operations]
    .sort()
    .map((module) => `export * from './${module}';\n`)
    .join('');
}

/** @type {import('esbuild').BuildOptions[]} */
const bundles = [
  extension,
  { ...shipped, stdin: { contents: await operationsEntry(), resolveDir: root }, outfile: 'dist/operations.js' },
  // From here on without `external: ['vscode']`: the build fails if the editor's API leaks into a headless part.
  { ...shipped, entryPoints: ['src/cli/main.ts'], outfile: 'dist/cli.js', banner: { js: '#!/usr/bin/env node' } },
  { ...shipped, entryPoints: ['src/worker/worker.ts'], outfile: 'dist/worker.js' },
  { ...shipped, entryPoints: ['src/worker/reader.ts'], outfile: 'dist/reader.js' },
  { ...shipped, entryPoints: ['src/worker/follower.ts'], outfile: 'dist/follower.js' },
  { ...shipped, entryPoints: ['src/core/index.ts'], outfile: 'dist/core.js' },
  {
    ...shipped,
    entryPoints: ['src/core/store/s3Store.ts'],
    outfile: 'dist/s3Store.js',
    // The SDK's advice about Node versions is for us, not for whoever runs `datamanager pull --json`.
    define: { 'process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED': '"true"' },
  },
];

if (flags.has('--tests')) {
  const folders = ['unit', 'store', 'host', 'e2e'].filter((folder) => existsSync(path.join(root, 'test', folder)));
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(root, 'test', folder), { recursive: true }).map((file) => path.join('test', folder, file)),
  );
  const entryPoints = files.filter((file) => file.endsWith('.test.ts'));
  if (folders.includes('host')) entryPoints.push('test/host/index.ts');
  bundles.push({
    ...common,
    entryPoints,
    outbase: 'test',
    outdir: 'out/test',
    packages: 'external',
    external: ['vscode'],
    sourcemap: 'linked',
    plugins: [scriptDirname],
  });
}

mkdirSync(dist, { recursive: true });
copyFileSync(createRequire(import.meta.url).resolve('sql.js/dist/sql-wasm.wasm'), path.join(dist, 'sql-wasm.wasm'));
if (flags.has('--watch')) {
  for (const options of bundles) await (await context({ ...options, logLevel: 'info' })).watch();
} else {
  const outcomes = await Promise.allSettled(bundles.map((options) => build({ ...options, metafile: true })));
  if (outcomes.some(({ status }) => status === 'rejected')) process.exitCode = 1; // esbuild has said why
  const metafiles = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.metafile] : []));
  writeFileSync(path.join(dist, 'THIRD_PARTY.txt'), thirdPartyNotices(metafiles, ['sql.js']));
  if (existsSync(path.join(dist, 'cli.js'))) chmodSync(path.join(dist, 'cli.js'), 0o755);
  if (flags.has('--tests')) removeOldTests();
}

/** A test whose source is gone must not run on. */
function removeOldTests() {
  for (const file of readdirSync(path.join(root, 'out/test'), { recursive: true })) {
    const source = path.join(root, 'test', file.replace(/\.js(\.map)?$/, '.ts'));
    if (/\.js(\.map)?$/.test(file) && !existsSync(source)) rmSync(path.join(root, 'out/test', file));
  }
}
