import { diffArrays } from 'diff';
import type { Manifest } from './manifest';
import { writeManifest } from './writeManifest';

/** One way to settle every conflict, and what it is called in the markers. */
export interface Settlement {
  readonly manifest: Manifest;
  readonly label: string;
}

/**
 * The text of a manifest in which Git's conflict markers stand around what differs between two settlements, and nothing else. A
 * whole version or a whole member stands on each side, so that taking either one leaves a valid manifest.
 *
 * @example
 * conflictText({ manifest: theirs, label: 'ours (published)' }, { manifest: mine, label: 'theirs' });
 */
export function conflictText(first: Settlement, second: Settlement): string {
  const sides = diffArrays([...units(first.manifest)], [...units(second.manifest)]);
  const out: string[] = [];
  for (let i = 0; i < sides.length; i++) {
    const change = sides[i];
    if (!change?.added && !change?.removed) out.push(...(change?.value ?? []));
    else {
      const next = sides[i + 1];
      const replaced = change.removed && next?.added ? next : null;
      if (replaced) i++;
      const [left, right] = change.removed ? [change.value, replaced?.value ?? []] : [[], change.value];
      out.push(`<<<<<<< ${first.label}`, ...left, '=======', ...right, `>>>>>>> ${second.label}`);
    }
  }
  return `${out.join('\n')}\n`;
}

/** The lines of a manifest, those of one version or of one member of a dataset together. */
function units(manifest: Manifest): readonly string[] {
  const found: string[][] = [];
  let inHistory = false;
  for (const line of writeManifest(manifest).trimEnd().split('\n')) {
    const indent = line.length - line.trimStart().length;
    // The end of a member that has several lines belongs to it, the end of the history does not.
    const closes = indent === 4 && /^[\]}]/.test(line.trimStart()) && !inHistory;
    const begins = indent <= 4 ? !closes : inHistory && line === '      {';
    if (begins) found.push([line]);
    else found.at(-1)?.push(line);
    if (indent <= 4) inHistory = line === '    "history": [';
  }
  return found.map((lines) => lines.join('\n'));
}
