import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * The licences of the packages whose code is in bundles, as these licences ask.
 *
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @param {readonly string[]} further names of packages from which files are copied
 */
export function thirdPartyNotices(metafiles, further) {
  const folders = new Set(further.map((name) => `node_modules/${name}`));
  for (const { inputs } of metafiles) {
    for (const file of Object.keys(inputs)) {
      const [folder] = /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(file) ?? [];
      if (folder) folders.add(folder);
    }
  }
  const notices = [...folders].map(notice);
  return `Data Manager contains code of these packages.\n\n${[...new Set(notices)].sort().join('\n')}`;
}

/** @param {string} folder */
function notice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
  const text = file ? readFileSync(path.join(folder, file), 'utf8').trim() : '';
  return `${'='.repeat(80)}\n${name} ${version} (${license})\n\n${text}\n`;
}
