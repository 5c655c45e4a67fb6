import type { MovedVersion } from '../catalog/mergeHistories';

/**
 * The message of a commit whose versions got other numbers: trailers, and the subject where we made it up. A person's words stay.
 *
 * @example
 * renewMessage('Update a to v2\n\nDataset: a\nVersion: v2', [{ name: 'a', from: 'v2', to: 'v3', sha256 }]);
 */
export function renewMessage(message: string, renumbered: readonly MovedVersion[]): string {
  let lines = message.split('\n');
  for (const { name, from, to } of renumbered) {
    const ours = lines.includes(`Dataset: ${name}`) && lines.includes(`Version: ${from}`);
    if (!ours) continue;
    lines = lines.map((line, i) => {
      if (i === 0 && line === `Update ${name} to ${from}`) return `Update ${name} to ${to}`;
      if (i === 0 && from === 'v1' && line === `Add ${name}`) return `Update ${name} to ${to}`;
      return line === `Version: ${from}` ? `Version: ${to}` : line;
    });
  }
  return lines.join('\n');
}
